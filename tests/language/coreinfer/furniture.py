"""The example modules that the furniture test puts through its rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from octavo.language.coreinfer.slicing import CoreLinear

Example = tuple[nn.Module, dict[str, Any]]


def of_all_sequences() -> Example:
    """One core for a batch."""
    return CoreLinear(torch.randn(6, 8), torch.randn(6)), {"x": torch.randn(3, 5, 8)}


def without_a_bias() -> Example:
    """As in the Llama family."""
    return CoreLinear(torch.randn(6, 8)), {"x": torch.randn(2, 1, 8)}


EXAMPLES: dict[str, Callable[[], Example]] = {
    "of_all_sequences": of_all_sequences,
    "without_a_bias": without_a_bias,
}
