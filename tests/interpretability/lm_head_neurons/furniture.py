"""The example modules that the furniture test puts through its rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from octavo.interpretability import HeadReader

Example = tuple[nn.Module, dict[str, Any]]


def cosine() -> Example:
    return HeadReader(torch.randn(11, 8)), {"vectors": torch.randn(3, 8)}


def softmax_with_gain() -> Example:
    return HeadReader(torch.randn(11, 8), score="softmax", gain=torch.randn(8)), {
        "vectors": torch.randn(3, 8)
    }


def centred() -> Example:
    return HeadReader(torch.randn(11, 8), score="centred"), {"vectors": torch.randn(3, 8)}


EXAMPLES: dict[str, Callable[[], Example]] = {
    "cosine": cosine,
    "softmax_with_gain": softmax_with_gain,
    "centred": centred,
}
