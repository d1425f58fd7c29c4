"""Kernel pooling: how often a query's word meets each level of similarity, softly counted."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

BLOCK = 1 << 16
"""Similarities that are worked on at a time: they and what is made of them stay in a processor's cache."""


def kernel_centres(number: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Means and widths: one kernel for the same word, the others evenly over [-1, 1].

    Args:
        number: of kernels, at least 2.

    Raises:
        ValueError: fewer than 2.

    Example:
        >>> kernel_centres(5)
        ((1.0, 0.75, 0.25, -0.25, -0.75), (0.001, 0.25, 0.25, 0.25, 0.25))
    """
    if number < 2:
        raise ValueError(f"kernels={number}: one for equal words and one for others are the least")
    step = 2 / (number - 1)
    return (
        (1.0, *(round(1 - step / 2 - place * step, 12) for place in range(number - 1))),
        (1e-3, *([step / 2] * (number - 1))),
    )


def kernel_sums(
    similarity: Float[Tensor, "*batch d"],
    mask: Float[Tensor, "*#batch d"],
    means: Sequence[float],
    widths: Sequence[float],
) -> Float[Tensor, "*batch kernels"]:
    """K_k = sum over j of mask_j exp(-(S_j - mu_k)^2 / (2 sigma_k^2)), but never all at once.

    Rows are taken in blocks; the evenly spaced kernels follow from one another by a multiplication, since
    their quotient is a power of one exponential. Half precision is raised to float32.

    Args:
        similarity: cosines.
        mask: 1 where a word is, 0 at padding.
        means, widths: of the kernels.

    Example:
        >>> kernel_sums(torch.tensor([[1.0, 0.5, 0.0]]), torch.tensor([[1.0, 1.0, 0.0]]), [1.0], [1e-3])
        tensor([[1.]])
    """
    dtype = torch.promote_types(similarity.dtype, torch.float32)
    with torch.autocast(similarity.device.type, enabled=False):
        sums: Tensor = _KernelSums.apply(similarity.to(dtype), mask.to(dtype), tuple(means), tuple(widths))
    return sums


def kernels(
    similarity: Float[Tensor, "*any"], means: Sequence[float], widths: Sequence[float]
) -> Iterator[tuple[int, Float[Tensor, "*any"], float]]:
    """The place of each kernel, a tensor, and the factor that makes the tensor the kernel's value.

    The factor is a number, so that who sums a tensor multiplies but the sum.
    """
    run = _even_run(means, widths)
    for place in range(len(means)):
        if place not in run:
            yield place, _kernel(similarity, means[place], widths[place]), 1.0
    if not run:
        return
    middle = run[len(run) // 2]
    step, variance = means[run[0]] - means[run[1]], widths[run[0]] ** 2
    first = _kernel(similarity, means[middle], widths[middle])
    yield middle, first, 1.0
    # exp(-(s - m - step)^2 / 2v) = exp(-(s - m)^2 / 2v) exp(step s / v) exp(-step (m + step / 2) / v).
    quotient = (similarity * (step / variance)).exp_()
    for places, sign in ((range(middle - 1, run[0] - 1, -1), 1), (range(middle + 1, run[-1] + 1), -1)):
        value, factor = first, quotient if sign > 0 else quotient.reciprocal()
        exponent = 0.0
        for place in places:
            value = value * factor
            exponent -= sign * step * (means[place] - sign * step / 2) / variance
            yield place, value, math.exp(exponent)


def _kernel(similarity: Tensor, mean: float, width: float) -> Tensor:
    return (similarity - mean).square_().mul_(-0.5 / width**2).exp_()


def _even_run(means: Sequence[float], widths: Sequence[float]) -> range:
    """The places of evenly falling means of one width at the end; empty where a quotient could overflow."""
    start = len(means) - 1
    while start > 0 and widths[start - 1] == widths[-1]:
        start -= 1
    run = range(start, len(means))
    if len(run) < 3:
        return range(0)
    step = means[start] - means[start + 1]
    even = all(abs(means[place] - means[place + 1] - step) < 1e-9 for place in run[:-1])
    # Neither the middle kernel of the farthest similarity nor its last product may leave float32.
    middle, variance = run[len(run) // 2], widths[-1] ** 2
    ends = [((1 - sign * means[middle]) ** 2 / (2 * variance), sign) for sign in (1, -1)]
    steps = {1: middle - run[0], -1: run[-1] - middle}
    safe = all(down < 80 and steps[sign] * step / variance - down < 80 for down, sign in ends)
    return run if even and step > 0 and safe else range(0)


class _KernelSums(torch.autograd.Function):
    """Sums of kernels whose gradient computes the kernels again rather than keep them."""

    @staticmethod
    def forward(
        context: Any, similarity: Tensor, mask: Tensor, means: tuple[float, ...], widths: tuple[float, ...]
    ) -> Tensor:
        context.save_for_backward(similarity, mask)
        context.kernels = means, widths
        rows, masks = similarity.reshape(-1, similarity.shape[-1]), mask.expand_as(similarity)
        masks = masks.reshape(rows.shape)
        number = max(1, BLOCK // max(1, rows.shape[-1]))
        blocks = []
        for some, there in zip(rows.split(number), masks.split(number), strict=True):
            sums = some.new_zeros(len(some), len(means))
            for place, value, factor in kernels(some, means, widths):
                # A product of rows: the mask costs no pass of its own.
                sums[:, place] = torch.linalg.vecdot(value, there) * factor
            blocks.append(sums)
        return torch.cat(blocks).reshape(*similarity.shape[:-1], len(means))

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        similarity, mask = context.saved_tensors
        means, widths = context.kernels
        rows = similarity.reshape(-1, similarity.shape[-1])
        upstream = gradients[0].reshape(len(rows), len(means))
        number = max(1, BLOCK // max(1, rows.shape[-1]))
        blocks = []
        for some, slopes in zip(rows.split(number), upstream.split(number), strict=True):
            # The slope is (mu_k - S) K_k / sigma_k^2: one sum of what S multiplies, one of the rest.
            constant, linear = torch.zeros_like(some), torch.zeros_like(some)
            for place, value, factor in kernels(some, means, widths):
                slope = slopes[:, place, None] * (factor / widths[place] ** 2)
                linear.addcmul_(value, slope)
                constant.addcmul_(value, slope * means[place])
            blocks.append(constant - some * linear)
        return torch.cat(blocks).reshape(similarity.shape) * mask, None, None, None
