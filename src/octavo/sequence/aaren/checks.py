"""Checks of what a person passes in, each with what came, what was expected and what to do."""

import torch
from torch import Tensor


def check_model_size(d_model: int, n_heads: int) -> None:
    """Heads must divide the model size."""
    if d_model < 1 or n_heads < 1 or d_model % n_heads:
        raise ValueError(
            f"d_model={d_model} cannot be split over n_heads={n_heads}; choose a multiple, "
            f"such as d_model={max(1, d_model // max(1, n_heads)) * max(1, n_heads)}"
        )


def check_sequence(x: Tensor, size: int) -> None:
    """Tokens must be (batch, time, size)."""
    if x.ndim != 3 or x.shape[-1] != size:
        raise ValueError(
            f"expected (batch, time, {size}), got {tuple(x.shape)}; a single token goes to step()"
        )


def check_token(x_t: Tensor, size: int) -> None:
    """One token a row must be (batch, size)."""
    if x_t.ndim != 2 or x_t.shape[-1] != size:
        raise ValueError(f"expected one token a row, (batch, {size}), got {tuple(x_t.shape)}")


def check_mask(x: Tensor, key_padding_mask: Tensor | None) -> None:
    """A padding mask must be bool, of the batch and time of the tokens."""
    if key_padding_mask is None:
        return
    if key_padding_mask.dtype != torch.bool or key_padding_mask.shape != x.shape[:2]:
        raise ValueError(
            f"key_padding_mask must be bool {tuple(x.shape[:2])} (True: padding), "
            f"got {key_padding_mask.dtype} {tuple(key_padding_mask.shape)}"
        )


def check_not_empty(key_padding_mask: Tensor | None, seen: Tensor | None = None) -> None:
    """Each row must have a token, now or before."""
    if key_padding_mask is None or torch.compiler.is_compiling() or key_padding_mask.shape[1] == 0:
        return
    filled = (~key_padding_mask).any(-1)
    if seen is not None:
        filled = filled | (seen > 0)
    if not bool(filled.all()):
        rows = (~filled).nonzero().flatten().tolist()
        raise ValueError(
            f"rows {rows[:8]} are all padding; drop them, or pass allow_empty=True to get them anyway"
        )


def check_positive(**numbers: int) -> None:
    """Sizes must be at least 1."""
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name}={number} must be at least 1")
