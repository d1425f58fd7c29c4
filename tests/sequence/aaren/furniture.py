"""The example modules that the furniture test puts through its rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from octavo.sequence import (
    Aaren,
    AarenClassifier,
    AarenConfig,
    AarenDecisionModel,
    AarenEncoder,
    AarenForCausalLM,
    AarenForecaster,
    AarenLayer,
    AarenPointProcess,
)

Example = tuple[nn.Module, dict[str, Any]]


def padding() -> torch.Tensor:
    """Two rows of seven, the second one two items shorter."""
    return torch.tensor([[False] * 7, [False] * 5 + [True] * 2])


def layer() -> Example:
    return Aaren(8, 2), {"x": torch.randn(2, 7, 8), "key_padding_mask": padding()}


def block() -> Example:
    return AarenLayer(8, 2, dim_feedforward=16), {"x": torch.randn(2, 7, 8)}


def encoder() -> Example:
    return AarenEncoder(8, 2, 2, dim_feedforward=16), {
        "x": torch.randn(2, 7, 8),
        "key_padding_mask": padding(),
    }


def classifier() -> Example:
    model = AarenClassifier(3, 4, d_model=8, n_layers=1, n_heads=2)
    return model, {"x": torch.randn(2, 7, 3), "key_padding_mask": padding()}


def forecaster() -> Example:
    return AarenForecaster(3, 7, 4, d_model=8, n_layers=1, n_heads=2), {"x": torch.randn(2, 7, 3)}


def point_process() -> Example:
    model = AarenPointProcess(5, 3, d_model=8, n_layers=1, n_heads=2)
    return model, {"times": torch.rand(2, 7).cumsum(1) + 0.1, "marks": torch.randint(5, (2, 7))}


def decision_model() -> Example:
    model = AarenDecisionModel(4, 2, d_model=8, n_layers=1, n_heads=2)
    return model, {
        "obs": torch.randn(2, 7, 4),
        "returns_to_go": torch.randn(2, 7),
        "actions": torch.randn(2, 7, 2),
    }


def language_model() -> Example:
    config = AarenConfig(vocab_size=11, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    return AarenForCausalLM(config), {"input_ids": torch.randint(11, (2, 7)), "use_cache": False}


EXAMPLES: dict[str, Callable[[], Example]] = {
    "Aaren": layer,
    "AarenLayer": block,
    "AarenEncoder": encoder,
    "AarenClassifier": classifier,
    "AarenForecaster": forecaster,
    "AarenPointProcess": point_process,
    "AarenDecisionModel": decision_model,
    "AarenForCausalLM": language_model,
}
