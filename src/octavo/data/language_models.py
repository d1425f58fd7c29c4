"""Pretrained language models. A GGUF file is unpacked once into the cache and then loads in a second."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from octavo.data.places import cache_folder
from octavo.data.pretrained import no_progress_bars
from octavo.data.registry import Entry
from octavo.errors import Missing, OctavoError

if TYPE_CHECKING:
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model with its tokenizer.

    Args:
        model: in evaluation mode.
        tokenizer: with the chat template of an instructed model.
    """

    model: "LlamaForCausalLM"
    tokenizer: "PreTrainedTokenizerFast"


def load_smollm2(entry: Entry, *, dtype: torch.dtype = torch.float32, device: str = "cpu") -> LanguageModel:
    """Load SmolLM2-135M-Instruct; the first load on a machine unpacks its weights, which takes seconds more.

    Args:
        dtype: of the weights; they were 4 bits, so 16 hold them as well as 32, but 32 is faster on a CPU.
        device: where the weights go.

    Raises:
        Missing: the package gguf is needed to unpack the weights and is not installed.
        OctavoError: the file is not a GGUF file of a Llama model, or the cache cannot be written to.

    Example:
        >>> from octavo import data
        >>> smollm2 = data.load("smollm2")  # doctest: +SKIP
        >>> smollm2.tokenizer.decode(smollm2.tokenizer("Hello there").input_ids)  # doctest: +SKIP
        'Hello there'
    """
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

    (path,) = entry.files.values()
    folder = unpacked(path, cache_folder() / "models" / f"{path.stem}-{path.stat().st_size}")
    with no_progress_bars():
        model = LlamaForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    model.eval().to(torch.device(device))
    return LanguageModel(model, tokenizer)


def unpacked(path: Path, folder: Path) -> Path:
    """The folder with a GGUF file's model as float16 safetensors, config and tokenizer; made where it lacks.

    The folder appears under its name when all of it is written, and of two processes one waits for the other.

    Args:
        path: the GGUF file.
        folder: where the unpacked model lies.

    Raises:
        Missing: the package gguf is not installed.
        OctavoError: the file is not what it should be, or the folder cannot be written.
    """
    if folder.is_dir():
        return folder
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                # One name suffices under the lock, and what a killed process left is swept away.
                started = folder.with_name(f"{folder.name}.part")
                shutil.rmtree(started, ignore_errors=True)
                started.mkdir()
                try:
                    _unpack(path, started)
                    started.rename(folder)
                finally:
                    shutil.rmtree(started, ignore_errors=True)
    except OSError as error:
        raise OctavoError(
            f"cannot write {folder} ({error.strerror or error}); free the disk or set OCTAVO_CACHE"
        ) from error
    return folder


def _unpack(path: Path, folder: Path) -> None:
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise Missing("gguf", "Install it: `pip install 'octavo[laptop]'`.") from error
    from transformers import LlamaForCausalLM

    try:
        reader = GGUFReader(path)
    except (ValueError, IndexError, OSError) as error:
        raise OctavoError(f"{path}: not a GGUF file ({error}); fetch it again") from error
    facts = {name: field.contents() for name, field in reader.fields.items()}
    if facts.get("general.architecture") != "llama":
        raise OctavoError(
            f"{path}: a {facts.get('general.architecture')} model; only llama models are unpacked"
        )
    config = _config(facts)
    # The weights are set in full, so an initialisation would be time lost.
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model.load_state_dict(_state(reader, facts), strict=False, assign=True)
    model.tie_weights()
    left = [name for name, parameter in model.named_parameters() if parameter.is_meta]
    if left:
        raise OctavoError(f"{path}: {len(left)} weights are not in the file, the first is {left[0]}")
    with no_progress_bars():
        model.save_pretrained(folder)
    _tokenizer(facts).save_pretrained(folder)
    (folder / "unpacked_from.json").write_text(json.dumps({"file": path.name, "bytes": path.stat().st_size}))


def _config(facts: Mapping[str, Any]) -> "LlamaConfig":
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=len(facts["tokenizer.ggml.tokens"]),
        hidden_size=facts["llama.embedding_length"],
        intermediate_size=facts["llama.feed_forward_length"],
        num_hidden_layers=facts["llama.block_count"],
        num_attention_heads=facts["llama.attention.head_count"],
        num_key_value_heads=facts["llama.attention.head_count_kv"],
        max_position_embeddings=facts["llama.context_length"],
        rms_norm_eps=round(facts["llama.attention.layer_norm_rms_epsilon"], 12),
        rope_parameters={"rope_type": "default", "rope_theta": facts["llama.rope.freq_base"]},
        bos_token_id=facts["tokenizer.ggml.bos_token_id"],
        eos_token_id=facts["tokenizer.ggml.eos_token_id"],
        pad_token_id=facts["tokenizer.ggml.padding_token_id"],
        tie_word_embeddings=True,
        dtype="float16",
    )


# The names of a block's weights in the file and in the model.
_IN_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


_OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def _state(reader: Any, facts: Mapping[str, Any]) -> dict[str, Tensor]:
    from gguf.quants import dequantize

    state: dict[str, Tensor] = {}
    for packed in reader.tensors:
        weight = torch.from_numpy(dequantize(packed.data, packed.tensor_type).copy())
        name, _ = packed.name.rsplit(".", 1)
        if name.startswith("blk."):
            _, layer, inner = name.split(".")
            if inner == "attn_q":
                weight = rotated_halves(weight, facts["llama.attention.head_count"])
            elif inner == "attn_k":
                weight = rotated_halves(weight, facts["llama.attention.head_count_kv"])
            name = f"model.layers.{layer}.{_IN_BLOCK[inner]}"
        else:
            name = _OUTSIDE[name]
        state[f"{name}.weight"] = weight.to(torch.float16)
    return state


def rotated_halves(weight: Tensor, heads: int) -> Tensor:
    """Reorder the rows of a query or key projection from the file's rotary pairs to the model's halves.

    The file keeps the two coordinates that turn together side by side, the model half a head apart.

    Shape:
        ``(heads * 2 * half, hidden)`` -> the same.
    """
    from einops import rearrange

    return rearrange(weight, "(head half two) hidden -> (head two half) hidden", head=heads, two=2)


def _tokenizer(facts: Mapping[str, Any]) -> "PreTrainedTokenizerFast":
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens: list[str] = facts["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ", 1)) for merge in facts["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, merges))
    # SmolLM2 reads every digit as a token of its own.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = [
        token for token, kind in zip(tokens, facts["tokenizer.ggml.token_type"], strict=True) if kind == 3
    ]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=tokens[facts["tokenizer.ggml.bos_token_id"]],
        eos_token=tokens[facts["tokenizer.ggml.eos_token_id"]],
        unk_token=tokens[facts["tokenizer.ggml.unknown_token_id"]],
        pad_token=tokens[facts["tokenizer.ggml.padding_token_id"]],
        chat_template=facts["tokenizer.chat_template"],
        model_max_length=facts["llama.context_length"],
        clean_up_tokenization_spaces=False,
    )
