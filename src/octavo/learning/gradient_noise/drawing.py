"""Normal numbers added to gradients: one draw a chunk, added to many tensors at once."""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Shaped
from torch import Tensor

from octavo.learning.gradient_noise.normal import fill_normal_

CHUNK = 1 << 22
"""Normal numbers that are held at once: the extra memory, whatever the size of the model."""
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
        self._kept: dict[tuple[torch.dtype, torch.device], Tensor] = {}
        self._views: dict[tuple[torch.dtype, torch.device], tuple[list[torch.Size], tuple[Tensor, ...]]] = {}

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
        wanted = [pair for pair in zip(tensors, stds, strict=True) if pair[1] > 0]
        doubles = [pair for pair in wanted if pair[0].dtype == torch.float64]
        if not doubles:
            self._add_all(torch.float32, wanted, generator)
            return
        self._add_all(torch.float32, [pair for pair in wanted if pair[0].dtype != torch.float64], generator)
        self._add_all(torch.float64, doubles, generator)

    def _add_all(
        self, drawn_in: torch.dtype, chosen: list[tuple[Tensor, float]], generator: torch.Generator | None
    ) -> None:
        total = sum([tensor.numel() for tensor, _ in chosen])
        if not total:
            return
        place = (drawn_in, chosen[0][0].device)
        numbers = self._numbers(place, min(self.chunk, total))
        groups = [chosen] if total <= self.chunk else _packed(chosen, self.chunk)
        for pieces in groups:
            self._add(place, pieces, numbers, generator)
        if len(numbers) > KEPT:
            self._kept.pop(place, None)
            self._views.pop(place, None)

    def _numbers(self, place: tuple[torch.dtype, torch.device], count: int) -> Shaped[Tensor, " count"]:
        kept = self._kept.get(place)
        if kept is None or len(kept) != count:
            self._views.pop(place, None)
            kept = self._kept[place] = torch.empty(count, dtype=place[0], device=place[1])
        return kept

    def _add(
        self,
        place: tuple[torch.dtype, torch.device],
        pieces: list[tuple[Tensor, float]],
        numbers: Shaped[Tensor, " count"],
        generator: torch.Generator | None,
    ) -> None:
        targets, stds = [piece for piece, _ in pieces], {std for _, std in pieces}
        shapes = [target.shape for target in targets]
        known, noise = self._views.get(place, ([], ()))
        if known != shapes:
            # Splits and shapes in one call: views of a Python loop would cost as much as the draw.
            noise = torch._C._nn.unflatten_dense_tensors(numbers, targets)
            self._views[place] = shapes, noise
        flat = numbers[: sum(target.numel() for target in targets)]
        fill_normal_(flat, next(iter(stds)) if len(stds) == 1 else 1.0, generator)
        if len(stds) > 1:
            torch._foreach_mul_(noise, [std for _, std in pieces])
        torch._foreach_add_(targets, noise)


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
