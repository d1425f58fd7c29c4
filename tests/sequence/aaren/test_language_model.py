from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, Trainer, TrainingArguments
from transformers.generation.streamers import BaseStreamer

from octavo.sequence import AarenConfig, AarenForCausalLM, AarenModel


def model(mixer: str = "aaren") -> AarenForCausalLM:
    torch.manual_seed(0)
    config = AarenConfig(
        vocab_size=23, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mixer=mixer, pad_token_id=0
    )
    return AarenForCausalLM(config).eval()


PROMPTS = torch.tensor([[3, 7, 11, 5], [9, 2, 2, 17]])


@pytest.mark.parametrize("mixer", ["aaren", "attention", "gru"])
def test_generation_with_a_state_is_that_without(mixer: str) -> None:
    network = model(mixer)
    with_state = network.generate(PROMPTS, max_new_tokens=12, do_sample=False)
    without = network.generate(PROMPTS, max_new_tokens=12, do_sample=False, use_cache=False)
    assert torch.equal(with_state, without)


def test_beams_keep_their_own_states() -> None:
    arguments = {"max_new_tokens": 8, "num_beams": 3, "do_sample": False}
    assert torch.equal(
        model().generate(PROMPTS, **arguments), model().generate(PROMPTS, use_cache=False, **arguments)
    )


def test_left_padding_changes_nothing() -> None:
    network = model()
    padded = torch.cat([torch.zeros(2, 3, dtype=torch.long), PROMPTS], dim=1)
    mask = torch.cat([torch.zeros(2, 3, dtype=torch.long), torch.ones_like(PROMPTS)], dim=1)
    plain = network.generate(
        PROMPTS, attention_mask=torch.ones_like(PROMPTS), max_new_tokens=6, do_sample=False
    )
    shifted = network.generate(padded, attention_mask=mask, max_new_tokens=6, do_sample=False)
    assert torch.equal(shifted[:, 7:], plain[:, 4:])


def test_a_streamer_gets_every_token() -> None:
    class Heard(BaseStreamer):
        def __init__(self) -> None:
            self.tokens: list[int] = []

        def put(self, value: torch.Tensor) -> None:
            self.tokens += value.flatten().tolist()

        def end(self) -> None:
            pass

    heard = Heard()
    written = model().generate(PROMPTS[:1], max_new_tokens=5, do_sample=False, streamer=heard)
    assert heard.tokens == written[0].tolist()


def test_the_cache_has_one_size() -> None:
    network = model()
    sizes = {network(torch.randint(23, (1, n))).past_key_values.nbytes for n in (1, 10, 200)}
    assert len(sizes) == 1


def test_the_loss_is_that_of_the_next_token() -> None:
    outputs = model()(PROMPTS, labels=PROMPTS)
    expected = torch.nn.functional.cross_entropy(
        outputs.logits[:, :-1].flatten(0, 1), PROMPTS[:, 1:].flatten()
    )
    assert torch.allclose(outputs.loss, expected)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    network = model()
    network.save_pretrained(tmp_path)
    again = AarenForCausalLM.from_pretrained(tmp_path).eval()
    assert torch.equal(network(PROMPTS).logits, again(PROMPTS).logits)
    assert again.lm_head.weight is again.model.embed_tokens.weight


def test_the_trainer_of_transformers_trains_it(tmp_path: Path) -> None:
    network = model().train()
    data = [{"input_ids": row, "labels": row} for row in PROMPTS.repeat(8, 1)]
    with torch.no_grad():
        before = network(PROMPTS, labels=PROMPTS).loss
    arguments = TrainingArguments(
        str(tmp_path),
        max_steps=20,
        learning_rate=1e-2,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        save_strategy="no",
        logging_strategy="no",
    )
    Trainer(network, arguments, train_dataset=data).train()
    assert network.eval()(PROMPTS, labels=PROMPTS).loss < 0.7 * before


def test_either_ids_or_embeddings(unchecked: None) -> None:
    base = AarenModel(model().config).eval()
    embedded = base.get_input_embeddings()(PROMPTS)
    assert torch.equal(base(inputs_embeds=embedded).last_hidden_state, base(PROMPTS).last_hidden_state)
    with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
        base()


def test_the_config_is_read_back(tmp_path: Path) -> None:
    model("gru").config.save_pretrained(tmp_path)
    assert AarenConfig.from_pretrained(tmp_path).mixer == "gru"
    with pytest.raises(ValueError, match="aaren"):
        AutoConfig.from_pretrained(tmp_path)
