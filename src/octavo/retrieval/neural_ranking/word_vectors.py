"""Rankers over word vectors, and the matrix of similarities that interaction models read."""

import torch
import torch.nn.functional as F
from einops import einsum
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.retrieval.neural_ranking.pooling import Windows
from octavo.retrieval.neural_ranking.ranker import Ranker
from octavo.retrieval.neural_ranking.text import Vocabulary


class VectorRanker(Ranker):
    """A ranker that begins with word vectors of length one.

    Args:
        embeddings: a vector a word, ``(words, size)``; the padding's, row 0, is set to zero.
        vocabulary: from words to ids.
        freeze: keep the vectors as they are.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> from octavo.retrieval import KNRM
        >>> KNRM(torch.randn(20, 8)).similarity(
        ...     torch.tensor([[3, 4]]), torch.tensor([[3]]), torch.ones(1, 2).bool(), torch.ones(1, 1).bool()
        ... )[0, 0, 0]
        tensor(1.)
    """

    vectors: Tensor

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        vocabulary: Vocabulary | None = None,
        freeze: bool = True,
    ) -> None:
        super().__init__({"embeddings": embeddings}, vocabulary)
        # A zero vector stays zero, so that its cosines are 0 and not NaN.
        vectors = F.normalize(embeddings.detach(), dim=-1).clone()
        vectors[0] = 0
        self.freeze = freeze
        if freeze:
            self.register_buffer("vectors", vectors)
        else:
            self.vectors = nn.Parameter(vectors)

    def embed(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words size"]:
        """The vectors of words, of length one; zero for padding."""
        if self.freeze:
            # Padding has the vector zero, which takes no multiplication.
            return F.embedding(ids * mask, self.vectors)
        vectors = F.normalize(self.vectors[ids], dim=-1)
        return vectors * mask[..., None].to(vectors.dtype)

    def spread(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words size"]:
        """The same vectors with numbers of size one, for layers that are to learn from them."""
        vectors: Tensor = self.embed(ids, mask) * self.vectors.shape[1] ** 0.5
        return vectors

    def windows(
        self, layer: Windows, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words out"]:
        """A layer over the windows of texts; where vectors are frozen, equal words meet it but once."""
        if not self.freeze or torch.compiler.is_compiling():
            return layer(self.spread(ids, mask))
        # Padding has the vector zero, at place 0.
        words, places = distinct_words(ids * mask, len(self.vectors))
        return layer.of_places(self.vectors[words] * self.vectors.shape[1] ** 0.5, places)

    def similarity(
        self,
        query: Int[Tensor, "batch q"],
        docs: Int[Tensor, "batch d"],
        query_mask: Bool[Tensor, "batch q"],
        doc_mask: Bool[Tensor, "batch d"],
    ) -> Float[Tensor, "batch q d"]:
        """Cosines of every word of the query with every word of the document.

        The same word has exactly 1, whatever rounding says and even without a vector; padding has 0.
        """
        with torch.autocast(query.device.type, enabled=False):
            cosines = einsum(
                self.embed(query, query_mask), self.embed(docs, doc_mask), "b q size, b d size -> b q d"
            )
        return torch.where(same_words(query, docs, query_mask, doc_mask), 1.0, cosines)


def same_words(
    query: Int[Tensor, "batch q"],
    docs: Int[Tensor, "batch d"],
    query_mask: Bool[Tensor, "batch q"],
    doc_mask: Bool[Tensor, "batch d"],
) -> Bool[Tensor, "batch q d"]:
    """Where a word of the document is that of the query, by their ids."""
    return (query[:, :, None] == docs[:, None, :]) & query_mask[:, :, None] & doc_mask[:, None, :]


def distinct_words(
    docs: Int[Tensor, "docs d"], words: int
) -> tuple[Int[Tensor, " distinct"], Int[Tensor, "docs d"]]:
    """The words that occur, rising, and the place among them of every word; nothing has to be sorted.

    Args:
        docs: word ids.
        words: of the vocabulary.

    Example:
        >>> distinct_words(torch.tensor([[7, 3], [3, 0]]), 9)
        (tensor([0, 3, 7]), tensor([[2, 1], [1, 0]]))
    """
    there = torch.zeros(words, dtype=torch.bool, device=docs.device)
    there[docs.flatten()] = True
    places = there.cumsum(0) - 1
    return there.nonzero().squeeze(1), places[docs]
