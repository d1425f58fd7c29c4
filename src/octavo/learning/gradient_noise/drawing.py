"""Normal numbers added to gradients: one draw a chunk, added to many tensors at once."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Shaped
from torch import Tensor

CHUNK = 1 << 20
"""Normal numbers that are held at once: the extra memory, whatever the size of the model. Four times as many
do not stay in a processor's cache between the draw and the sum, which costs a tenth of the time."""
KEPT = 1 << 20
"""A buffer of up to this many numbers is kept for the next step: a fresh one costs as much as a third of a
draw, and a large one is worth more as free memory."""


class NoiseBuffer:
    """The memory that noise is drawn into, with views of it in the shapes of the gradients.

    Whoever adds noise at every step keeps one, so that small models find everything where it was.

    Args:
        chunk: how many numbers are drawn at once.

    Example:
        >>> gradient, buffer = torch.zeros(3), NoiseBuffer()
        >>> buffer.add_normal_([gradient], [0.1], torch.Generator().manual_seed(0))
        >>> bool((gradient != 0).all())
        True
    """

    def __init__(self, chunk: int = CHUNK) -> None:
        self.chunk = chunk
        self._kept: dict[tuple[torch.dtype, torch.device], Kept] = {}

    def __deepcopy__(self, memo: object) -> "NoiseBuffer":
        return NoiseBuffer(self.chunk)

    def __reduce__(self) -> tuple[type["NoiseBuffer"], tuple[int]]:
        return NoiseBuffer, (self.chunk,)

    def add_normal_(
        self,
        tensors: Sequence[Shaped[Tensor, "..."]],
        stds: Sequence[float],
        generator: torch.Generator | None = None,
    ) -> None:
        """Add to every tensor independent normal numbers of its own standard deviation, in place.

        The numbers are drawn in float32 (float64 for float64), and a bfloat16 or float16 tensor is rounded
        once, after the addition.

        Args:
            tensors: of one device.
            stds: one for each tensor.
            generator: where the numbers come from; torch's global one by default.
        """
        if not tensors:
            return
        if min(stds) <= 0:
            wanted = [pair for pair in zip(tensors, stds, strict=True) if pair[1] > 0]
            self.add_normal_([each for each, _ in wanted], [std for _, std in wanted], generator)
        elif torch.float64 not in (dtypes := {tensor.dtype for tensor in tensors}):
            self._add(torch.float32, tensors, stds, generator)
        elif len(dtypes) == 1:
            self._add(torch.float64, tensors, stds, generator)
        else:
            for is_double in (False, True):
                some = [
                    pair
                    for pair in zip(tensors, stds, strict=True)
                    if (pair[0].dtype == torch.float64) is is_double
                ]
                self.add_normal_([each for each, _ in some], [std for _, std in some], generator)

    def _add(
        self,
        drawn_in: torch.dtype,
        tensors: Sequence[Tensor],
        stds: Sequence[float],
        generator: torch.Generator | None,
    ) -> None:
        """Add to tensors that are drawn in one type."""
        place = drawn_in, tensors[0].device
        shapes = [tensor.shape for tensor in tensors]
        kept = self._kept.get(place)
        if kept is None or kept.shapes != shapes:
            total = sum(tensor.numel() for tensor in tensors)
            if total > self.chunk:
                self._add_by_chunks(place, tensors, stds, generator)
                return
            kept = Kept(shapes, *_with_views(torch.empty(total, dtype=drawn_in, device=place[1]), tensors))
            if total <= KEPT:
                self._kept[place] = kept
        _draw(kept.numbers, kept.noise, tensors, stds, generator)

    def _add_by_chunks(
        self,
        place: tuple[torch.dtype, torch.device],
        tensors: Sequence[Tensor],
        stds: Sequence[float],
        generator: torch.Generator | None,
    ) -> None:
        numbers = torch.empty(self.chunk, dtype=place[0], device=place[1])
        for group in _packed(zip(tensors, stds, strict=True), self.chunk):
            pieces = [piece for piece, _ in group]
            flat = numbers[: sum(piece.numel() for piece in pieces)]
            _draw(*_with_views(flat, pieces), pieces, [std for _, std in group], generator)


class Kept(NamedTuple):
    """Memory for the noise of tensors of these shapes, and views of it.

    Args:
        shapes: of the tensors.
        numbers: as many as all of them have.
        noise: views of the numbers in these shapes.
    """

    shapes: list[torch.Size]
    numbers: Shaped[Tensor, " count"]
    noise: tuple[Tensor, ...]


def _with_views(flat: Shaped[Tensor, " count"], like: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
    # Splits and shapes in one call: views of a Python loop would cost as much as the draw for a small model.
    return flat, tuple(torch._C._nn.unflatten_dense_tensors(flat, list(like)))


def _draw(
    numbers: Shaped[Tensor, " count"],
    noise: tuple[Tensor, ...],
    tensors: Sequence[Tensor],
    stds: Sequence[float],
    generator: torch.Generator | None,
) -> None:
    alike = min(stds) == max(stds)
    numbers.normal_(0.0, stds[0] if alike else 1.0, generator=generator)
    if not alike:
        torch._foreach_mul_(noise, list(stds))
    torch._foreach_add_(list(tensors), noise)


def add_normal_(
    tensors: Sequence[Shaped[Tensor, "..."]],
    stds: Sequence[float],
    generator: torch.Generator | None = None,
    *,
    chunk: int = CHUNK,
) -> None:
    """`NoiseBuffer.add_normal_` with a buffer for this once.

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
    NoiseBuffer(chunk).add_normal_(tensors, stds, generator)


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
