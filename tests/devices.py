"""What tests on a GPU share: how far apart results are, what is not there, and a compiler."""

import shutil
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn


@contextmanager
def exact_float32() -> Iterator[None]:
    """Inside, convolutions and LSTMs are in whole float32, which a GPU shortens unless it is told not to."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def apart(found: Iterable[Tensor], expected: Iterable[Tensor]) -> float:
    """The largest difference of numbers on any devices, relative to the largest number."""
    pairs = [
        (one.detach().cpu().double(), other.detach().cpu().double())
        for one, other in zip(found, expected, strict=True)
    ]
    assert all(one.shape == other.shape for one, other in pairs)
    assert all(bool(one.isfinite().all()) for one, _ in pairs)
    scale = max(float(other.abs().max()) for _, other in pairs)
    return max(float((one - other).abs().max()) for one, other in pairs) / scale


def tensors_of(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that a module and those in it hold, registered or not."""
    for name, part in module.named_modules():
        for attribute, value in vars(part).items():
            for tensor in _within(value):
                yield f"{name}.{attribute}", tensor


def left_behind(module: nn.Module, device: torch.device) -> list[str]:
    """What of a module is not on a device; what is on none has no numbers."""
    return [name for name, each in tensors_of(module) if each.device.type not in (device.type, "meta")]


def bit_equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether two states hold the same numbers, wherever they are."""
    return one.keys() == other.keys() and all(torch.equal(one[key].cpu(), other[key].cpu()) for key in one)


def skip_without_a_compiler(device: torch.device) -> None:
    """torch.compile builds small programs in C, for which it needs a compiler and Python's headers."""
    found = [
        shutil.which(name)
        for name in (("g++", "clang++") if device.type == "cpu" else ("cc", "gcc", "clang"))
    ]
    if not any(found) or not Path(sysconfig.get_path("include"), "Python.h").is_file():
        pytest.skip("torch.compile needs a compiler and Python's headers")
    torch.compiler.reset()


def _within(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _within(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _within(each)
