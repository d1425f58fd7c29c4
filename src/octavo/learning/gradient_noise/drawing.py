"""Normal numbers added to gradients: one draw a chunk, added to many tensors at once."""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Shaped
from torch import Tensor

CHUNK = 1 << 22
"""Normal numbers that are held at once: the extra memory, whatever the size of the model."""


def add_normal_(
    tensors: Sequence[Shaped[Tensor, "..."]],
    stds: Sequence[float],
    generator: torch.Generator | None = None,
    *,
    chunk: int = CHUNK,
) -> None:
    """Add to every tensor independent normal numbers of its own standard deviation, in place.

    The numbers are drawn in float32 (float64 for float64), and a bfloat16 or float16 tensor is rounded once,
    after the addition.

    Args:
        tensors: of one device.
        stds: one for each tensor.
        generator: where the numbers come from; torch's global one by default.
        chunk: how many are drawn at once.

    Example:
        >>> gradient = torch.zeros(3)
        >>> add_normal_([gradient], [0.1], torch.Generator().manual_seed(0))
        >>> bool((gradient != 0).all())
        True
    """
    wanted = [pair for pair in zip(tensors, stds, strict=True) if pair[1] > 0]
    for drawn_in in (torch.float32, torch.float64):
        is_double = drawn_in == torch.float64
        chosen = [pair for pair in wanted if (pair[0].dtype == torch.float64) is is_double]
        total = sum(tensor.numel() for tensor, _ in chosen)
        if not total:
            continue
        numbers = torch.empty(min(chunk, total), dtype=drawn_in, device=chosen[0][0].device)
        groups = [chosen] if total <= chunk else _packed(chosen, chunk)
        for pieces in groups:
            _add(pieces, numbers, generator)


def _add(
    pieces: list[tuple[Tensor, float]], numbers: Shaped[Tensor, " chunk"], generator: torch.Generator | None
) -> None:
    targets, stds = [piece for piece, _ in pieces], {std for _, std in pieces}
    flat = numbers[: sum(target.numel() for target in targets)]
    flat.normal_(0.0, next(iter(stds)) if len(stds) == 1 else 1.0, generator=generator)
    # Splits and shapes in one call: views of a Python loop would cost as much as the draw for a small model.
    noise = torch._C._nn.unflatten_dense_tensors(flat, targets)
    if len(stds) > 1:
        torch._foreach_mul_(noise, [std for _, std in pieces])
    torch._foreach_add_(targets, noise)


def _packed(chosen: Iterable[tuple[Tensor, float]], chunk: int) -> Iterable[list[tuple[Tensor, float]]]:
    """Groups of tensors, or of pieces of them, that have no more than a chunk of numbers together."""
    group: list[tuple[Tensor, float]] = []
    room = chunk
    for tensor, std in chosen:
        for piece in _pieces(tensor, chunk):
            if piece.numel() > room:
                yield group
                group, room = [], chunk
            group.append((piece, std))
            room -= piece.numel()
    if group:
        yield group


def _pieces(tensor: Shaped[Tensor, "..."], chunk: int) -> Sequence[Tensor]:
    """Views of a tensor that hold at most a chunk each, whatever its strides are."""
    if tensor.numel() <= chunk:
        return (tensor,)
    if tensor.is_contiguous():
        return tensor.view(-1).split(chunk)
    # Cut along the longest axis, then again if the slices are still too large.
    axis = max(range(tensor.ndim), key=lambda index: tensor.shape[index])
    length = max(1, chunk * tensor.shape[axis] // tensor.numel())
    return [piece for part in tensor.split(length, axis) for piece in _pieces(part, chunk)]
