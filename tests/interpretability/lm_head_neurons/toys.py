"""Small random models of several families, and a tokenizer of made-up words."""

from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedTokenizerFast,
)

VOCABULARY = 97
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}


def toy(family: str = "llama", seed: int = 0, **changes: Any) -> Any:
    """A random model, with weights large enough to matter, in float64."""
    shape = {**SHAPE, **changes}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if family == "llama":
            model: Any = LlamaForCausalLM(LlamaConfig(**shape))
        elif family == "gemma":
            model = Gemma2ForCausalLM(Gemma2Config(**shape, head_dim=8))
        elif family == "phi":
            model = Phi3ForCausalLM(Phi3Config(**shape))
        elif family == "mixtral":
            model = MixtralForCausalLM(MixtralConfig(**shape, num_local_experts=3, num_experts_per_tok=2))
        elif family == "neox":
            shape.pop("num_key_value_heads")
            model = GPTNeoXForCausalLM(GPTNeoXConfig(**shape))
        else:
            model = GPT2LMHeadModel(
                GPT2Config(vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=2, n_inner=24)
            )
        model.double().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(0.3 * torch.randn(parameter.shape, dtype=parameter.dtype))
    return model


def words(size: int = VOCABULARY, special: int = 0) -> PreTrainedTokenizerFast:
    """A tokenizer of `size` words, of which the last few are special."""
    vocabulary = {f"w{number}": number for number in range(size)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0", pad_token="w1")
    if special:
        made.add_special_tokens({"extra_special_tokens": [f"w{size - 1 - i}" for i in range(special)]})
    return made
