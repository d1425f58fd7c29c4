"""Any loss of embeddings, nested."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from octavo.embedding.matryoshka.dims import sorted_pairs, truncate

if TYPE_CHECKING:
    from octavo.embedding.matryoshka.sentence_loss import EmbeddingLoss


class MatryoshkaObjective(nn.Module):
    r"""Makes any loss of embeddings a nested one: ``sum_m c_m loss_fn(a[:m], b[:m], ...)``.

    The encoder runs once; every tensor that is passed by position is cut to each size, normalised again, and
    handed to the loss. What is passed by name goes through untouched.

    Args:
        loss_fn: a function of embeddings: ``(a, b)``, ``(anchor, positive, negative)``, ``(z, target)``, ...
        dims: the nesting list, in any order. Leave the whole size in: it decays when it is not trained.
        weights: c_m, one a size in the order of `dims`; all 1 in the paper, and unless given.
        normalize: scale each prefix to length one; False for losses of raw vectors.
        dims_per_step: while training, draw this many of the sizes each time; None takes all.

    Shape:
        tensors ``(batch, d)`` as `loss_fn` takes them  ->  a scalar.

    Raises:
        ValueError: dims is no nesting list of the embeddings' size, weights do not fit it, or embeddings of
            different widths came.

    Example:
        >>> def distance(a, b):
        ...     return (a - b).square().sum(1).mean()
        >>> a = torch.tensor([[1.0, 0.0, 5.0, 0.0]])
        >>> b = torch.tensor([[0.0, 1.0, 5.0, 0.0]])
        >>> MatryoshkaObjective(distance, [2, 4])(a, b)  # 2 at size two, 2/26 at size four
        tensor(2.0769)

    Source: arXiv 2205.13147, section 3, equation 1, for any L.
    """

    def __init__(
        self,
        loss_fn: Callable[..., Tensor],
        dims: Sequence[int],
        weights: Sequence[float] | None = None,
        *,
        normalize: bool = True,
        dims_per_step: int | None = None,
    ) -> None:
        super().__init__()
        self.loss_fn = loss_fn
        self.dims, self.weights = sorted_pairs(dims, weights)
        if dims_per_step is not None and dims_per_step not in range(1, len(self.dims) + 1):
            raise ValueError(f"dims_per_step={dims_per_step} must be between 1 and {len(self.dims)}")
        self.normalize = normalize
        self.dims_per_step = dims_per_step

    def forward(self, *embeddings: Float[Tensor, "..."], **untouched: Any) -> Float[Tensor, ""]:
        """The sum over sizes; targets that are embeddings are passed by position, to be cut too."""
        if not embeddings:
            raise ValueError("no embeddings came; pass them by position")
        widths = {each.shape[-1] for each in embeddings}
        if len(widths) > 1:
            raise ValueError(f"embeddings of one width are needed, got {sorted(widths)}; pass others by name")
        (width,) = widths
        if self.dims[-1] > width:
            raise ValueError(f"dims={self.dims} goes beyond the embeddings, which have {width} numbers")
        terms = []
        for place in self._drawn():
            cut = [truncate(each, self.dims[place], self.normalize) for each in embeddings]
            terms.append(self.weights[place] * self.loss_fn(*cut, **untouched))
        return torch.stack(terms).sum()

    def to_sentence_transformers(
        self, model: Any, labels: Literal["ignore", "pass", "embeddings"] = "ignore"
    ) -> "EmbeddingLoss":
        """This objective as a loss of the sentence-transformers trainer.

        Args:
            model: the `SentenceTransformer` that is trained.
            labels: whether the label column is left alone, passed to `loss_fn` by the name `labels`, or taken
                as target embeddings, which are cut as the model's are.

        Raises:
            Missing: sentence-transformers is not installed.
        """
        from octavo.embedding.matryoshka.sentence_loss import EmbeddingLoss

        return EmbeddingLoss(model, self, labels)

    def _drawn(self) -> list[int]:
        everything = list(range(len(self.dims)))
        if not self.training or self.dims_per_step is None:
            return everything
        return sorted(torch.randperm(len(everything))[: self.dims_per_step].tolist())

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"dims={self.dims}, weights={self.weights}, normalize={self.normalize}"
