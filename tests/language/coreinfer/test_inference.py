"""Generation: what is kept is computed, nothing is read twice, and the model is given back as it was."""

from typing import Any

import pytest
import torch
from transformers import DynamicCache, TextStreamer

from octavo.language import CoreInfer, fit_clusters
from octavo.language.coreinfer.blocks import blocks_of
from octavo.language.coreinfer.clusters import multi_hot
from octavo.language.coreinfer.continuation import Continuation
from octavo.language.coreinfer.peers import each_tokens_own, masked, random_cores
from octavo.language.coreinfer.slicing import Slices
from octavo.language.coreinfer.watching import core_neurons

from .toys import FAMILIES, LAYERS, NEURONS, prompts, toy

GREEDY: dict[str, Any] = {"do_sample": False, "max_new_tokens": 6}


@pytest.fixture(scope="module")
def llama() -> Any:
    return toy()


def parts(model: Any) -> list[tuple[str, int, int]]:
    """Every module and parameter as an object, and where its numbers lie."""
    return [
        *((name, id(module), 0) for name, module in model.named_modules()),
        *((name, id(weight), weight.data_ptr()) for name, weight in model.named_parameters()),
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_all_neurons_are_the_whole_model_bit_for_bit(family) -> None:
    model, ids = toy(family), prompts()
    settings = GREEDY | {"output_logits": True, "return_dict_in_generate": True}
    expected = model.generate(ids, attention_mask=torch.ones_like(ids), **settings)
    got = CoreInfer(model, keep=1.0, layers="all").generate(ids, **settings)
    assert torch.equal(expected.sequences, got.sequences)
    assert all(torch.equal(*pair) for pair in zip(expected.logits, got.logits, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("free", [False, True])
def test_the_model_is_given_back(family, free) -> None:
    model, ids = toy(family), prompts()
    before, state = parts(model), {name: w.clone() for name, w in model.state_dict().items()}
    hooks = sum(len(module._forward_pre_hooks) for module in model.modules())
    infer = CoreInfer(model, keep=0.4, layers="all", free_dense=free)
    infer.generate(ids, **GREEDY)
    with infer.prompt(ids):
        model.generate(ids, attention_mask=torch.ones_like(ids), **GREEDY)
        assert parts(model) != before
    # Weights that were away are the same objects, and elsewhere in memory.
    assert [part[: 2 if free else 3] for part in parts(model)] == [
        part[: 2 if free else 3] for part in before
    ]
    assert all(torch.equal(state[name], weight) for name, weight in model.state_dict().items())
    assert sum(len(module._forward_pre_hooks) for module in model.modules()) == hooks


def test_weights_are_away_while_the_core_decodes(llama) -> None:
    ids, infer = prompts(), CoreInfer(llama, keep=0.4, layers="all", free_dense=True)
    expected = CoreInfer(llama, keep=0.4, layers="all").generate(ids, **GREEDY)
    weight = llama.model.layers[1].mlp.down_proj.weight
    sizes = []
    with infer.prompt(ids):
        for _ in range(2):
            out = llama.generate(ids, attention_mask=torch.ones_like(ids), **GREEDY)
            sizes.append(weight.numel())
            assert torch.equal(out, expected)
    assert sizes == [0, 0]
    assert weight.numel() == 16 * NEURONS


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rule", ["abs", "paper", "energy", "static", "random"])
@pytest.mark.parametrize("layers", ["all", [1]])
@pytest.mark.parametrize("fill", [True, False])
def test_slicing_equals_masking(family, rule, layers, fill) -> None:
    model, ids = toy(family), prompts(1, 20)[0]
    blocks = blocks_of(model, layers)
    text = Continuation(model, blocks, ids, 12, ("abs", "paper", "energy"))
    if rule == "random":
        cores = random_cores(blocks, 0.4, torch.Generator().manual_seed(0))
    else:
        cores = text.cores("abs" if rule == "static" else rule, 0.4)
    means = text.means() if fill else None
    sliced = text.score(Slices(blocks, cores, means).installed())
    whole = text.score(masked(blocks, cores, means))
    torch.testing.assert_close(sliced.nats, whole.nats, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(whole.nats, text.score().nats, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_row_has_its_own_core(family) -> None:
    model, ids = toy(family), prompts(3)
    infer = CoreInfer(model, keep=0.4, layers="all")
    settings = GREEDY | {"output_logits": True, "return_dict_in_generate": True}
    together = infer.generate(ids, **settings)
    assert all(core.shape == (3, 16) for core in infer.cores.values())
    for row in range(3):
        alone = infer.generate(ids[row : row + 1], **settings)
        assert torch.equal(alone.sequences[0], together.sequences[row])
        for one, many in zip(alone.logits, together.logits, strict=True):
            torch.testing.assert_close(one[0], many[row], atol=1e-4, rtol=1e-4)


def test_padding_on_the_left_changes_nothing(llama) -> None:
    ids = prompts(1, 10)
    padded = torch.cat([torch.zeros(1, 4, dtype=torch.long), ids], dim=1)
    mask = torch.cat([torch.zeros(1, 4, dtype=torch.long), torch.ones_like(ids)], dim=1)
    infer = CoreInfer(llama, keep=0.4, layers="all")
    alone = infer.generate(ids, **GREEDY)
    cores = infer.cores
    assert torch.equal(infer.generate(padded, mask, **GREEDY)[:, 4:], alone)
    assert all(torch.equal(cores[layer], infer.cores[layer]) for layer in range(LAYERS))


def test_no_token_is_read_twice(llama) -> None:
    ids = prompts()
    reads: list[int] = []
    handle = llama.register_forward_pre_hook(
        lambda _, args, named: reads.append(named["input_ids"].shape[1]), with_kwargs=True
    )
    out = CoreInfer(llama, keep=0.4).generate(ids, return_dict_in_generate=True, **GREEDY)
    handle.remove()
    assert out.past_key_values.get_seq_length() == ids.shape[1] + 6 - 1
    assert reads == [14, 1, 1, 1, 1, 1]


def test_the_cores_are_those_of_the_prompt(llama) -> None:
    infer, ids = CoreInfer(llama, keep=0.4, layers="all"), prompts()
    infer.generate(ids, **GREEDY)
    expected = core_neurons(llama, ids, keep=0.4)
    assert all(torch.equal(expected[layer], infer.cores[layer]) for layer in range(LAYERS))
    first = infer.cores
    infer.generate(prompts(seed=5), **GREEDY)
    assert any(not torch.equal(first[layer], infer.cores[layer]) for layer in range(LAYERS))


def test_memory_of_an_earlier_prompt_is_used_again(llama) -> None:
    first, second = prompts(1), prompts(1, seed=5)
    expected = CoreInfer(llama, keep=0.4, layers="all").generate(second, **GREEDY)
    infer = CoreInfer(llama, keep=0.4, layers="all")
    infer.generate(first, **GREEDY)
    old = infer._slices.swaps[0].core.weight.data_ptr()
    assert torch.equal(infer.generate(second, **GREEDY), expected)
    assert infer._slices.swaps[0].core.weight.data_ptr() == old
    with torch.inference_mode():
        infer.generate(prompts(2), **GREEDY)
    assert torch.equal(infer.generate(prompts(2), **GREEDY)[1], infer.generate(prompts(2)[1:], **GREEDY)[0])
    with infer.prompt(second):
        with pytest.raises(ValueError, match="another prompt"):
            infer.generate(first, **GREEDY)
        assert torch.equal(llama.generate(second, attention_mask=torch.ones_like(second), **GREEDY), expected)


def test_sampling_streaming_chunks_and_copies(llama) -> None:
    ids, infer = prompts(1), CoreInfer(llama, keep=0.4, layers="all")
    greedy = infer.generate(ids, **GREEDY)
    assert torch.equal(infer.generate(ids, prefill_chunk_size=4, **GREEDY), greedy)

    class Heard(TextStreamer):
        def __init__(self) -> None:
            self.tokens: list[int] = []

        def put(self, value: torch.Tensor) -> None:
            self.tokens += value.flatten().tolist()

        def end(self) -> None: ...

    heard = Heard()
    infer.generate(ids, streamer=heard, **GREEDY)
    assert heard.tokens == greedy[0].tolist()
    drawn = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            drawn.append(infer.generate(ids, do_sample=True, max_new_tokens=5, num_return_sequences=3))
    assert drawn[0].shape == (3, 19)
    assert torch.equal(*drawn)


def test_beams_share_a_core(llama) -> None:
    infer, ids = CoreInfer(llama, keep=0.4, core="shared"), prompts()
    assert infer.generate(ids, num_beams=2, **GREEDY).shape == (2, 20)
    assert all(core.shape == (1, 16) for core in infer.cores.values())


def test_by_hand_and_again_from_the_same_cache(llama) -> None:
    ids, infer = prompts(), CoreInfer(llama, keep=0.4, layers="all")
    expected = infer.generate(ids, **GREEDY)
    with infer.prompt(ids), torch.no_grad():
        cache = DynamicCache()
        logits = llama(ids, past_key_values=cache).logits
        said = []
        for _ in range(6):
            said.append(logits[:, -1].argmax(-1, keepdim=True))
            logits = llama(said[-1], past_key_values=cache).logits
    assert torch.equal(torch.cat([ids, *said], dim=1), expected)


def test_clusters_and_short_prompts(llama) -> None:
    clusters = fit_clusters(llama, list(prompts(12, 12, seed=7)), k=3, keep=0.4)
    infer = CoreInfer(llama, keep=0.4, rule="clusters", clusters=clusters, layers="all")
    ids = prompts(2, 5)
    assert infer.generate(ids, **GREEDY).shape == (2, 11)
    own = core_neurons(llama, ids, keep=0.4)
    hot = torch.stack([multi_hot(own[layer], NEURONS) for layer in range(LAYERS)], dim=1)
    nearest = torch.cdist(hot.flatten(1), clusters.frequency.flatten(1)).argmin(1)
    for layer in range(LAYERS):
        for row in range(2):
            order = clusters.frequency[nearest[row], layer].sort(descending=True, stable=True).indices
            assert infer.cores[layer][row].tolist() == order[:16].sort().values.tolist()
    stable = CoreInfer(llama, keep=0.4, clusters=clusters)
    with pytest.warns(UserWarning, match="5 tokens"):
        stable.generate(ids, **GREEDY)
    assert stable.cores[1].shape == (1, 16)


def test_the_oracle_keeps_each_tokens_own(llama) -> None:
    text = Continuation(llama, blocks_of(llama), prompts(1, 20)[0], 12)
    dense = text.score()
    assert torch.equal(text.score(each_tokens_own(text.blocks, 1.0)).nats, dense.nats)
    oracle = text.score(each_tokens_own(text.blocks, 0.8))
    best = text.score(Slices(text.blocks, text.hindsight(0.8)).installed())
    assert 0 < (oracle.nats - dense.nats).abs().mean() < (best.nats - dense.nats).abs().mean()
