"""Linear heads on every prefix of an embedding, and the sum of their losses."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Self

import torch
import torch.nn.functional as F
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float, Int
from torch import Tensor, nn

from octavo.embedding.matryoshka.dims import checked_dims, checked_weights, warn_unless_halving


class MatryoshkaLinear(nn.Module, PyTorchModelHubMixin):
    r"""Class scores from every prefix of an embedding: the head of Matryoshka representation learning.

    MRL has one map for each size, ``logits_m = W^m z_{1:m} + b^m``. MRL-E has one map in all, and size m uses
    its first m columns: ``logits_m = W_{1:m} z_{1:m} + b``. The logits of MRL-E are running sums over blocks
    of columns, so all sizes together cost what the largest costs alone.

    Args:
        dims: the nesting list, such as ``nested_dims(2048)``.
        num_classes: C.
        efficient: MRL-E; no parameter more than one linear head. It falls behind MRL at the smallest sizes.
        bias: add a bias; MRL-E shares one between all sizes.

    Shape:
        embeddings ``(batch, d)`` with d >= dims[-1] (MRL-E: d = dims[-1])  ->  a list of ``(batch, C)``, one
        for each size in rising order.

    Raises:
        ValueError: dims is no nesting list, or the embedding has another width than the head reads.

    Example:
        >>> head = MatryoshkaLinear([8, 16, 32, 64], num_classes=10, efficient=True)
        >>> [tuple(logits.shape) for logits in head(torch.randn(5, 64))]
        [(5, 10), (5, 10), (5, 10), (5, 10)]
        >>> head.logits(torch.randn(5, 64), 24).shape  # MRL-E knows the sizes between, too
        torch.Size([5, 10])

    Source: arXiv 2205.13147, section 3, equation 1, and algorithms 1 and 2 of the appendix.
    """

    def __init__(
        self, dims: Sequence[int], num_classes: int, efficient: bool = False, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.dims = checked_dims(dims)
        warn_unless_halving(self.dims, stacklevel=3)
        if not isinstance(num_classes, int) or num_classes < 1:
            raise ValueError(f"num_classes={num_classes} must be a whole number of at least 1")
        self.num_classes = num_classes
        self.efficient = efficient
        widths = self.dims[-1:] if efficient else self.dims
        self.heads = nn.ModuleList(nn.Linear(width, num_classes, bias=bias) for width in widths)

    @classmethod
    def tied(cls, weight: nn.Parameter, dims: Sequence[int], *, bias: bool = True) -> Self:
        """An MRL-E head whose map is a parameter of the model, as the token embedding of a language model is.

        Args:
            weight: ``(num_classes, d)``; shared, not copied.
            dims: the nesting list; its last size is d.
            bias: add a bias.

        Raises:
            ValueError: the last size is not the width of `weight`.

        Example:
            >>> tokens = nn.Embedding(100, 16)
            >>> MatryoshkaLinear.tied(tokens.weight, [8, 16]).weight is tokens.weight
            True
        """
        head = cls(dims, len(weight), efficient=True, bias=bias)
        if head.dims[-1] != weight.shape[1]:
            raise ValueError(
                f"an efficient head reads the whole embedding: dims ends with {head.dims[-1]}, "
                f"the tied weight has {weight.shape[1]} columns"
            )
        head.heads[0].weight = weight
        return head

    @property
    def weight(self) -> Float[Tensor, "classes d"]:
        """The map of the largest size."""
        weight = self.heads[-1].weight
        assert isinstance(weight, Tensor)
        return weight

    @property
    def bias(self) -> Float[Tensor, " classes"] | None:
        """The bias of the largest size; of MRL-E, that of all sizes."""
        bias = self.heads[-1].bias
        assert bias is None or isinstance(bias, Tensor)
        return bias

    def forward(self, z: Float[Tensor, "batch d"]) -> list[Float[Tensor, "batch classes"]]:
        """Scores of all sizes, in rising order."""
        self._check(z)
        if not self.efficient:
            return [head(z[:, :width]) for head, width in zip(self.heads, self.dims, strict=True)]
        bounds = (0, *self.dims)
        # One split each way: slices one by one would each fill a gradient of the full size with zeros.
        widths = [high - low for low, high in pairwise(bounds)]
        running = None if self.bias is None else self.bias.expand(len(z), self.num_classes)
        sums = []
        for block, columns in zip(z.split(widths, dim=1), self.weight.split(widths, dim=1), strict=True):
            running = _add_product(running, block, columns)
            sums.append(running)
        # Sums run in float32 where products are of half precision, and are rounded once.
        wanted = _product_dtype(z)
        return [each.to(wanted) for each in sums]

    def logits(self, z: Float[Tensor, "batch d"], dim: int) -> Float[Tensor, "batch classes"]:
        """Scores of one size.

        Args:
            z: embeddings, whole or already cut to `dim`.
            dim: one of `dims`; of MRL-E, any size up to the largest.

        Raises:
            ValueError: the head has no such size, or `z` is narrower.
        """
        if z.ndim != 2 or z.shape[-1] < dim:
            raise ValueError(f"dim={dim} needs rows of at least as many numbers, got shape {tuple(z.shape)}")
        if self.efficient and 1 <= dim <= self.dims[-1]:
            return F.linear(z[:, :dim], self.weight[:, :dim], self.bias)
        if dim not in self.dims:
            raise ValueError(f"there is no head of size {dim}; sizes are {self.dims}")
        scores = self.heads[self.dims.index(dim)](z[:, :dim])
        assert isinstance(scores, Tensor)
        return scores

    def _check(self, z: Tensor) -> None:
        if z.ndim != 2:
            raise ValueError(f"embeddings (batch, d) are needed, got shape {tuple(z.shape)}")
        width = z.shape[-1]
        if self.efficient and width != self.dims[-1]:
            raise ValueError(f"an efficient head reads the whole embedding: {self.dims[-1]}, got {width}")
        if width < self.dims[-1]:
            raise ValueError(f"the largest head reads {self.dims[-1]} numbers, the embedding has {width}")

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"dims={self.dims}, num_classes={self.num_classes}, efficient={self.efficient}"


def _product_dtype(z: Tensor) -> torch.dtype:
    """What a matrix product of `z` comes out in, under autocast too."""
    device = z.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else z.dtype


def _add_product(
    running: Float[Tensor, "batch classes"] | None,
    block: Float[Tensor, "batch width"],
    columns: Float[Tensor, "classes width"],
) -> Float[Tensor, "batch classes"]:
    if _product_dtype(block) in (torch.float16, torch.bfloat16):
        product = (block @ columns.mT).float()
        return product if running is None else running.float() + product
    if running is None:
        return block @ columns.mT
    return torch.addmm(running, block, columns.mT)


class MatryoshkaLoss(nn.Module):
    r"""The weighted sum of one loss over the scores of all sizes: ``sum_m c_m L(logits_m, y)``.

    Args:
        base: L, any function of scores and targets that gives a mean.
        weights: c_m, one a size in rising order of the sizes; all 1 in the paper, and unless given.

    Shape:
        a list of ``(batch, C)`` and targets ``(batch,)``  ->  a scalar.

    Raises:
        ValueError: a weight is negative, or there are more or fewer than sizes.

    Example:
        >>> head = MatryoshkaLinear([8, 16], num_classes=3)
        >>> loss = MatryoshkaLoss()(head(torch.randn(4, 16)), torch.tensor([0, 1, 2, 0]))
        >>> loss.shape
        torch.Size([])

    Source: arXiv 2205.13147, section 3, equation 1.
    """

    def __init__(
        self,
        base: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.base = base
        self.weights = None if weights is None else checked_weights(weights, len(weights))

    def forward(
        self,
        logits: Sequence[Float[Tensor, "batch classes"]],
        y: Int[Tensor, " batch"] | Float[Tensor, "..."],
    ) -> Float[Tensor, ""]:
        """The sum over sizes."""
        if isinstance(logits, Tensor):
            raise ValueError("one tensor came; give the list that MatryoshkaLinear returns")
        if not logits:
            raise ValueError("no scores came; give the list that MatryoshkaLinear returns")
        weights = checked_weights(self.weights, len(logits))
        # Weights are plain numbers, so they are wherever the scores are.
        terms = [weight * self.base(each, y) for weight, each in zip(weights, logits, strict=True)]
        return torch.stack(terms).sum()
