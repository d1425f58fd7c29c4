"""Checks of what a person passes in, each with what came, what was expected and what to do."""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor


def check_choice(name: str, value: object, allowed: Sequence[object]) -> None:
    """The value must be one of those allowed."""
    if value not in allowed:
        listed = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"{name}={value!r} is not known; choose one of {listed}")


def check_sizes(least: int = 1, /, **numbers: object) -> None:
    """Sizes must be whole numbers of at least so many."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ValueError(f"{name}={number!r} must be a whole number of at least {least}")


def check_positive(**numbers: float) -> None:
    """Numbers must be positive and finite."""
    for name, number in numbers.items():
        if not (math.isfinite(number) and number > 0):
            raise ValueError(f"{name}={number!r} must be a positive number")


def check_square(name: str, field: Any) -> None:
    """An array of numbers must have two axes of one size."""
    shape = tuple(getattr(field, "shape", ()))
    if isinstance(field, Tensor) or len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        what = f"{type(field).__name__} of shape {shape}"
        raise ValueError(f"{name} must be a NumPy array of one size on both axes, got a {what}")


def check_field(x: Any, channels: int, dim: int, levels: int) -> None:
    """A batch of fields must be real, of the right channels, and fine enough for all levels."""
    if not isinstance(x, Tensor):
        raise TypeError(f"expected a torch tensor, got {type(x).__name__}; torch.as_tensor(x) makes one")
    if not x.is_floating_point():
        way = "pass its real and imaginary part as two channels" if x.is_complex() else "cast it: x.float()"
        raise TypeError(f"expected a field of floating point numbers, got {x.dtype}; {way}")
    if x.ndim != dim + 2:
        axes = ", ".join(["batch", "channels", *("height", "width", "depth")[:dim]])
        raise ValueError(f"expected {dim + 2} axes ({axes}) since dim={dim}, got shape {tuple(x.shape)}")
    if x.shape[1] != channels:
        raise ValueError(
            f"expected {channels} channels, got {x.shape[1]} in shape {tuple(x.shape)}; "
            "the channels are the second axis"
        )
    smallest = min(x.shape[2:])
    if smallest < least_grid(levels):
        grid = " x ".join(str(size) for size in x.shape[2:])
        legal = most_levels(smallest)
        advice = f"use levels <= {legal}" if legal else "use a finer grid"
        raise ValueError(
            f"levels={levels} needs a grid of at least {least_grid(levels)} a side, got {grid}; {advice}"
        )


def check_precision(x: Tensor, weight: Tensor) -> None:
    """A field must have the precision of the weights; under autocast torch sees to it."""
    import torch

    if x.dtype != weight.dtype and not torch.is_autocast_enabled(x.device.type):
        raise TypeError(
            f"got a field of {x.dtype} for weights of {weight.dtype}; cast one: x.to({weight.dtype}) or "
            f"model.to({x.dtype})"
        )


def least_grid(levels: int) -> int:
    """Points a side that so many levels need: three on the coarsest; a single level works on any grid."""
    return 1 if levels == 1 else 3 * 2 ** (levels - 1)


def most_levels(size: int) -> int:
    """The most levels that a grid of this size allows; 0 for an empty one."""
    if size < 1:
        return 0
    return max(1, (size // 3).bit_length())
