"""Sums over all prefixes in which the past fades as the running maximum grows: blocks of matrix products."""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def decayed_sums(
    maxima: Float[Tensor, "rows time"], terms: Float[Tensor, "rows time dim"], chunk: int
) -> Float[Tensor, "rows time dim"]:
    r"""Sums ``y_i = sum_{j <= i} exp(m_j - m_i) x_j`` for running maxima m, in O(time x chunk).

    No exponent is ever positive, as m does not fall, so nothing overflows whatever the scores were. The
    backward pass is the same sum taken from the end, and keeps only m: no block of weights is stored.

    Args:
        maxima: m, finite, not falling along time; a reference point, so it gets no gradient.
        terms: x, the summands.
        chunk: tokens a block; 32 is best on CPUs, 128 where matrix products are nearly free.
    """
    # Blocks of one token would leave as many sums to hand on as there were tokens.
    result: Tensor = _DecayedSums.apply(maxima, terms, max(chunk, 2), False)
    return result


class _DecayedSums(torch.autograd.Function):
    @staticmethod
    def forward(maxima: Tensor, terms: Tensor, chunk: int, reverse: bool) -> Tensor:
        return _sums(maxima, terms, chunk, reverse)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int, bool], output: Tensor) -> None:
        maxima, _, ctx.chunk, ctx.reverse = inputs
        ctx.save_for_backward(maxima)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None, None]:
        (maxima,) = ctx.saved_tensors
        # Linear in the terms, so the gradient is the transposed sum, and the gradient of that is this one
        # again.
        return None, _DecayedSums.apply(maxima, gradients[0], ctx.chunk, not ctx.reverse), None, None


def _sums(maxima: Tensor, terms: Tensor, chunk: int, reverse: bool) -> Tensor:
    rows, time, dim = terms.shape
    if time <= chunk:
        return _within(maxima, terms, reverse)
    short = -time % chunk
    if short:
        maxima = torch.cat([maxima, maxima[:, -1:].expand(rows, short)], dim=1)
        terms = F.pad(terms, (0, 0, 0, short))
    # Plain views here: this is the inner loop of every forward and backward pass.
    blocks = maxima.reshape(rows, -1, chunk)
    sums = _within(blocks.flatten(0, 1), terms.reshape(-1, chunk, dim), reverse).view(rows, -1, chunk, dim)
    edge = 0 if reverse else -1
    totals = _sums(blocks[:, :, edge], sums[:, :, edge], chunk, reverse)
    # What the earlier blocks (the later ones, from the end) hand to each token of the next.
    if reverse:
        handed, source, target = totals[:, 1:], blocks[:, :-1], blocks[:, 1:, :1]
        sums[:, :-1].addcmul_((source - target).exp()[..., None], handed[:, :, None])
    else:
        handed, source, target = totals[:, :-1], blocks[:, :-1, -1:], blocks[:, 1:]
        sums[:, 1:].addcmul_((source - target).exp()[..., None], handed[:, :, None])
    return sums.view(rows, -1, dim)[:, :time]


def _within(maxima: Tensor, terms: Tensor, reverse: bool) -> Tensor:
    time = maxima.shape[1]
    future = torch.full((time, time), -torch.inf, dtype=maxima.dtype, device=maxima.device).triu_(1)
    weights = (maxima[:, None, :] - maxima[:, :, None]).add_(future).exp_()
    return torch.bmm(weights.mT if reverse else weights, terms)
