"""Similarities of all prefixes at once, and the ranking loss on them."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from octavo.embedding.matryoshka.dims import EPS, checked_dims, sorted_pairs


def prefix_similarities(
    a: Float[Tensor, "n d"], b: Float[Tensor, "m d"], dims: Sequence[int], *, normalize: bool = True
) -> Float[Tensor, "sizes n m"]:
    """Similarity of every row of `a` with every row of `b`, at every size of a nesting list.

    Dot products of prefixes are running sums over blocks of columns, and so are the squared lengths that
    normalise them: all sizes together cost the products of the largest size, about half of what a loop costs.

    Args:
        a: embeddings of one tower.
        b: embeddings of the other.
        dims: sizes in any order; the result is in rising order.
        normalize: cosines; False gives dot products.

    Returns:
        In float32 at least.

    Raises:
        ValueError: widths differ, or dims is no nesting list of them.

    Example:
        >>> a = torch.tensor([[3.0, 4.0, 0.0, 0.0]])
        >>> prefix_similarities(a, a, [2, 4]).flatten()
        tensor([1., 1.])

    Source: arXiv 2205.13147, section 4 (ALIGN and BERT): each prefix is normalised again, in both towers.
    """
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"embeddings of {a.shape[-1]} and of {b.shape[-1]} numbers have no similarity")
    sizes = checked_dims(dims)
    if sizes[-1] > a.shape[-1]:
        raise ValueError(f"dims={sizes} goes beyond the embeddings, which have {a.shape[-1]} numbers")
    wide = torch.promote_types(a.dtype, torch.float32)
    widths = [high - low for low, high in pairwise((0, *sizes))]
    with torch.autocast(a.device.type, enabled=False):
        blocks_a, blocks_b = (x[:, : sizes[-1]].to(wide).split(widths, dim=1) for x in (a, b))
        products = [blocks_a[0] @ blocks_b[0].mT]
        for x, y in zip(blocks_a[1:], blocks_b[1:], strict=True):
            products.append(torch.addmm(products[-1], x, y.mT))
        stacked = torch.stack(products)
        if not normalize:
            return stacked
        inverse_a, inverse_b = (
            # No cumsum, which a GPU has in no order that stays the same.
            torch.stack(list(accumulate(block.square().sum(dim=1) for block in blocks)))
            .clamp_min(EPS**2)
            .rsqrt()
            for blocks in (blocks_a, blocks_b)
        )
        return stacked * inverse_a[:, :, None] * inverse_b[:, None, :]


class MatryoshkaRankingLoss(nn.Module):
    r"""In-batch contrastive loss summed over all prefixes: the nested form of multiple negatives ranking.

    ``sum_m c_m  mean_i  -log softmax_j(scale * cos(a_i[:m], b_j[:m]))[i]``, from one Gram matrix.

    Args:
        dims: the nesting list, such as ``nested_dims(384)``.
        weights: c_m, one a size in the order of `dims`; all 1 unless given.
        scale: the inverse temperature; 20 as sentence-transformers has it.
        symmetric: rank the first column by the second as well, and take the mean of both, as CLIP and ALIGN.

    Shape:
        anchors ``(batch, d)``, positives ``(batch, d)`` and any further columns of hard negatives
        ``(batch, d)``  ->  a scalar. All other rows of the batch are negatives too.

    Raises:
        ValueError: dims is no nesting list, a weight is negative, or scale is not positive.

    Example:
        >>> loss = MatryoshkaRankingLoss([8, 16])
        >>> anchors, positives = torch.randn(4, 16), torch.randn(4, 16)
        >>> loss(anchors, positives) > loss(anchors, anchors)
        tensor(True)

    Source: arXiv 2205.13147, section 4, with the ranking loss that sentence encoders are trained by.
    """

    def __init__(
        self,
        dims: Sequence[int],
        weights: Sequence[float] | None = None,
        *,
        scale: float = 20.0,
        symmetric: bool = False,
    ) -> None:
        super().__init__()
        self.dims, self.weights = sorted_pairs(dims, weights)
        if not 0 < scale < float("inf"):
            raise ValueError(f"scale={scale} must be positive and finite")
        self.scale = scale
        self.symmetric = symmetric

    def forward(
        self, anchors: Float[Tensor, "batch d"], *others: Float[Tensor, "batch d"]
    ) -> Float[Tensor, ""]:
        """The loss of anchors, positives and hard negatives."""
        if not others or any(other.shape != anchors.shape for other in others):
            shapes = [tuple(column.shape) for column in (anchors, *others)]
            raise ValueError(f"anchors and positives of one shape are needed, got {shapes}")
        scores = self.scale * prefix_similarities(anchors, torch.cat(others), self.dims)
        target = torch.arange(len(anchors), device=anchors.device)
        losses = torch.stack([F.cross_entropy(each, target) for each in scores])
        if self.symmetric:
            back = scores[:, :, : len(anchors)].mT
            losses = (losses + torch.stack([F.cross_entropy(each, target) for each in back])) / 2
        return (losses * losses.new_tensor(self.weights)).sum()

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"dims={self.dims}, scale={self.scale}, symmetric={self.symmetric}"
