"""The example modules that the furniture test puts through its rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from octavo.vision import CRNN, MusicCRNN

Example = tuple[nn.Module, dict[str, Any]]


def network() -> Example:
    return CRNN("0-9a-z", width_mult=0.0625), {"images": torch.randn(2, 1, 32, 48)}


def padded() -> Example:
    model = CRNN("a-z", "paper", width_mult=0.0625)
    return model, {"images": torch.randn(2, 1, 32, 48), "widths": torch.tensor([48, 40])}


def easyocr() -> Example:
    return CRNN("a-z", "easyocr", height=64, width_mult=0.125), {"images": torch.randn(2, 1, 64, 48)}


def left_to_right() -> Example:
    return CRNN("a-z", height=64, width_mult=0.0625, rnn="lstm"), {"images": torch.randn(2, 1, 64, 48)}


def music() -> Example:
    return MusicCRNN(["C4", "D4"], width_mult=0.0625), {"images": torch.randn(2, 1, 64, 48)}


EXAMPLES: dict[str, Callable[[], Example]] = {
    "CRNN": network,
    "CRNN_padded": padded,
    "CRNN_easyocr": easyocr,
    "CRNN_lstm": left_to_right,
    "MusicCRNN": music,
}
