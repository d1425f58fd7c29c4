"""Small random models of several families."""

from typing import Any

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
)

VOCABULARY, NEURONS, LAYERS = 61, 40, 3
FAMILIES = ("llama", "phi", "gpt2", "opt")
_SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": NEURONS,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}


def toy(family: str = "llama", seed: int = 0) -> Any:
    """A random model in float32, with weights large enough to matter."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if family == "llama":
            model: Any = LlamaForCausalLM(LlamaConfig(**_SHAPE, num_key_value_heads=1))
        elif family == "phi":
            model = Phi3ForCausalLM(Phi3Config(**_SHAPE))
        elif family == "mixtral":
            model = MixtralForCausalLM(MixtralConfig(**_SHAPE, num_local_experts=3))
        elif family == "opt":
            shape = _SHAPE | {"pad_token_id": 1}
            shape["ffn_dim"] = shape.pop("intermediate_size")
            model = OPTForCausalLM(
                OPTConfig(**shape, word_embed_proj_dim=16, max_position_embeddings=128, dropout=0.1)
            )
        else:
            model = GPT2LMHeadModel(
                GPT2Config(
                    vocab_size=VOCABULARY,
                    n_embd=16,
                    n_layer=LAYERS,
                    n_head=2,
                    n_inner=NEURONS,
                    n_positions=128,
                    bos_token_id=None,
                    eos_token_id=None,
                )
            )
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(0.3 * torch.randn(parameter.shape))
    model.generation_config.pad_token_id = 0
    return model.eval()


def prompts(rows: int = 2, tokens: int = 14, seed: int = 0) -> torch.Tensor:
    """Random ids, none of them 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(2, VOCABULARY, (rows, tokens), generator=generator)
