"""The example modules that the furniture test puts through its rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from octavo.learning import MemN2N, MLPDeep, NeuralGPU, NeuralProgrammer, NeuralRAM

Example = tuple[nn.Module, dict[str, Any]]


def deep() -> Example:
    return MLPDeep(features=6, classes=3, width=8, depth=5), {"images": torch.randn(2, 6)}


def memory_network() -> Example:
    model = MemN2N(vocabulary=11, hops=3, width=6, memory=5, words=4)
    story = torch.randint(1, 11, (2, 5, 4))
    story[1, 3:] = 0
    return model, {"story": story, "question": torch.randint(1, 11, (2, 4))}


def programmer() -> Example:
    model = NeuralProgrammer(vocabulary=9, column_words=(5, 6, 7), steps=4, width=8)
    return model, {
        "question": torch.tensor([[3, 1, 5, 2, 6], [4, 1, 7, 0, 0]]),
        "numbers": torch.tensor([[0.3, 0.0], [-0.2, 0.0]]),
        "places": torch.tensor([[1, -1], [1, -1]]),
        "table": torch.randn(2, 4, 3),
        "row_mask": torch.tensor([[True] * 4, [True] * 3 + [False]]),
    }


def text_programmer() -> Example:
    model = NeuralProgrammer(vocabulary=9, column_words=(5, 6), text_columns=(7,), steps=2, width=8)
    return model, {
        "question": torch.tensor([[3, 1, 5], [4, 1, 0]]),
        "numbers": torch.tensor([[0.3], [-0.2]]),
        "places": torch.tensor([[1], [1]]),
        "table": torch.randn(2, 4, 2),
        "row_mask": torch.tensor([[True] * 4, [True] * 3 + [False]]),
        "texts": torch.tensor([[[3], [4], [3], [3]], [[4], [4], [3], [0]]]),
    }


def machine() -> Example:
    return NeuralRAM(integers=4, registers=2, steps=2, width=5), {"memory": torch.rand(2, 4, 4).softmax(-1)}


def neural_gpu() -> Example:
    return NeuralGPU(symbols=4, maps=5, relaxations=2), {"symbols": torch.randint(4, (2, 5))}


EXAMPLES: dict[str, Callable[[], Example]] = {
    "MLPDeep": deep,
    "MemN2N": memory_network,
    "NeuralProgrammer": programmer,
    "NeuralProgrammer of words": text_programmer,
    "NeuralRAM": machine,
    "NeuralGPU": neural_gpu,
}
