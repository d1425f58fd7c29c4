"""Learning objectives over lists of documents, section 5.1 of the survey: pointwise, pairwise, listwise."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

Loss = Callable[..., Tensor]


def pointwise(
    scores: Float[Tensor, "lists docs"],
    gains: Float[Tensor, "lists docs"],
    mask: Bool[Tensor, "lists docs"],
    graded: bool = False,
) -> Float[Tensor, ""]:
    """Each document by itself: cross-entropy of relevant or not, or squared distance to the gain.

    Args:
        scores: logits, or predicted gains.
        gains: 0 is not relevant.
        mask: where documents are.
        graded: predict the gain, brought to [0, 1], in place of whether it is relevant.
    """
    if graded:
        loss = (scores - gains / gains.max().clamp_min(1)) ** 2
    else:
        loss = F.binary_cross_entropy_with_logits(scores, (gains > 0).to(scores.dtype), reduction="none")
    return _mean(loss, mask)


def squared(
    scores: Float[Tensor, "lists docs"], gains: Float[Tensor, "lists docs"], mask: Bool[Tensor, "lists docs"]
) -> Float[Tensor, ""]:
    """`pointwise` with graded gains."""
    return pointwise(scores, gains, mask, graded=True)


def hinge(
    scores: Float[Tensor, "lists docs"],
    gains: Float[Tensor, "lists docs"],
    mask: Bool[Tensor, "lists docs"],
    margin: float = 1.0,
) -> Float[Tensor, ""]:
    """max(0, margin - (s+ - s-)) over pairs whose gains differ."""
    difference, better = _pairs(scores, gains, mask)
    return _mean((margin - difference).relu(), better)


def ranknet(
    scores: Float[Tensor, "lists docs"], gains: Float[Tensor, "lists docs"], mask: Bool[Tensor, "lists docs"]
) -> Float[Tensor, ""]:
    """log(1 + exp(-(s+ - s-))) over pairs whose gains differ."""
    difference, better = _pairs(scores, gains, mask)
    return _mean(F.softplus(-difference), better)


def lambdarank(
    scores: Float[Tensor, "lists docs"], gains: Float[Tensor, "lists docs"], mask: Bool[Tensor, "lists docs"]
) -> Float[Tensor, ""]:
    """`ranknet` with each pair weighed by what swapping it would change of the list's nDCG."""
    difference, better = _pairs(scores, gains, mask)
    low = scores.detach().masked_fill(~mask, -torch.inf)
    ranks = low.sort(dim=-1, descending=True, stable=True).indices.argsort(-1)
    discount = (ranks + 2.0).log2().reciprocal()
    worth = torch.where(mask, gains.exp2() - 1, 0.0)
    ideal_discount = torch.arange(2, scores.shape[-1] + 2, device=scores.device).log2().reciprocal()
    ideal = (worth.sort(-1, descending=True).values * ideal_discount).sum(-1).clamp_min(1e-9)
    change = (worth[:, :, None] - worth[:, None, :]) * (discount[:, :, None] - discount[:, None, :])
    weight = change.abs() / ideal[:, None, None]
    lists = (better.any((1, 2))).sum().clamp_min(1)
    return (F.softplus(-difference) * weight * better).sum() / lists


def listnet(
    scores: Float[Tensor, "lists docs"], gains: Float[Tensor, "lists docs"], mask: Bool[Tensor, "lists docs"]
) -> Float[Tensor, ""]:
    """KL of the softmax of the scores from the gains as shares; 0 where they are the same."""
    shares = torch.where(mask, gains, 0.0)
    total = shares.sum(-1, keepdim=True)
    shares = shares / total.clamp_min(1e-9)
    log_scores = _log_softmax(scores, mask)
    divergence = (torch.special.xlogy(shares, shares) - shares * log_scores).sum(-1)
    return _mean(divergence, total.squeeze(-1) > 0)


def listmle(
    scores: Float[Tensor, "lists docs"], gains: Float[Tensor, "lists docs"], mask: Bool[Tensor, "lists docs"]
) -> Float[Tensor, ""]:
    """Minus the Plackett-Luce log likelihood of the order by gain; equal gains in the order they came."""
    order = gains.masked_fill(~mask, -torch.inf).sort(dim=-1, descending=True, stable=True).indices
    sorted_mask = mask.gather(-1, order)
    sorted_scores = scores.gather(-1, order).masked_fill(~sorted_mask, -1e9)
    rest = sorted_scores.flip(-1).logcumsumexp(-1).flip(-1)
    # What follows the last relevant document is in no order.
    ordered = sorted_mask & (gains.gather(-1, order) > 0)
    return _mean(rest - sorted_scores, ordered)


LOSSES: dict[str, Loss] = {
    "pointwise": pointwise,
    "squared": squared,
    "hinge": hinge,
    "ranknet": ranknet,
    "listnet": listnet,
    "listmle": listmle,
    "lambdarank": lambdarank,
}
"""By name; `squared` is `pointwise` for graded gains."""


def _pairs(scores: Tensor, gains: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of all pairs, and where the first is the better one."""
    better = (gains[:, :, None] > gains[:, None, :]) & mask[:, :, None] & mask[:, None, :]
    return scores[:, :, None] - scores[:, None, :], better


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, values, 0.0).sum() / mask.sum().clamp_min(1)


def _log_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    # A finite floor: minus infinity times a share of zero is no number.
    return scores.masked_fill(~mask, -1e9).log_softmax(-1)
