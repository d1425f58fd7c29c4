"""The model of the comparisons on vectors: a small encoder and its heads."""

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from octavo.embedding.matryoshka.heads import MatryoshkaLinear


class NestedClassifier(nn.Module):
    """Vectors of a frozen encoder in, a smaller embedding inside, class scores of every size out.

    With one size alone it is the paper's fixed-feature baseline: the head reads the first numbers only.

    Args:
        inputs: size of the vectors.
        hidden: units of the hidden layer.
        width: size of the embedding.
        dims: sizes that have a loss.
        num_classes: classes.
        efficient: MRL-E.

    Shape:
        ``(batch, inputs)``  ->  a list of ``(batch, num_classes)``.

    Example:
        >>> model = NestedClassifier(8, 16, 4, [2, 4], 3)
        >>> [tuple(scores.shape) for scores in model(torch.randn(5, 8))]
        [(5, 3), (5, 3)]
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        width: int,
        dims: Sequence[int],
        num_classes: int,
        efficient: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.head = MatryoshkaLinear(dims, num_classes, efficient=efficient)

    def forward(self, vectors: Float[Tensor, "batch inputs"]) -> list[Float[Tensor, "batch classes"]]:
        """Class scores of every size."""
        return cast(list[Tensor], self.head(self.encoder(vectors)))

    @torch.no_grad()
    def embed(self, vectors: Float[Tensor, "n inputs"]) -> Float[Tensor, "n width"]:
        """The embeddings, as they are searched."""
        return torch.cat([self.encoder(some) for some in vectors.split(4096)])

    @torch.no_grad()
    def scores(self, embeddings: Float[Tensor, "n width"], dim: int) -> Float[Tensor, "n classes"]:
        """Class scores of one size from embeddings."""
        return self.head.logits(embeddings, dim)
