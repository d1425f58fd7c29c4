"""ARC-I, MV-LSTM and Duet: over word vectors in their order."""

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.retrieval.neural_ranking.pooling import Windows, largest, masked_max, reversed_texts, tower
from octavo.retrieval.neural_ranking.text import Vocabulary
from octavo.retrieval.neural_ranking.word_vectors import VectorRanker, same_words


class ARCI(VectorRanker):
    """Makes a vector of each text by convolutions, and compares the two by a small network.

    Args:
        embeddings: word vectors.
        maps: of the convolutions.
        hidden: units of the network that compares.
        freeze: keep the word vectors.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> ARCI(torch.randn(20, 8))(torch.tensor([[3, 4]]), torch.tensor([[4, 5, 0]])).shape
        torch.Size([1])

    Paper: Hu et al. 2014; arXiv 1903.06902, section 4.2 (representation-focused).
    """

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        maps: int = 64,
        hidden: int = 64,
        freeze: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(embeddings, {"maps": maps, "hidden": hidden, "freeze": freeze}, vocabulary, freeze)
        self.first = Windows(embeddings.shape[1], maps)
        self.second = Windows(maps, maps)
        self.compare = tower((2 * maps, hidden, 1))

    def represent(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch maps"]:
        """The vector of a text; padding is left out before every pooling."""
        seen = self.first(self.spread(ids, mask)).relu() * mask[..., None].to(self.vectors.dtype)
        halved = F.max_pool1d(rearrange(seen, "b n maps -> b maps n"), 2, ceil_mode=True)
        # Half as many places are real, one more where their number is odd.
        places = torch.arange(halved.shape[-1], device=ids.device)
        there = places < ((mask.sum(1) + 1) // 2)[:, None]
        again = self.second(rearrange(halved, "b maps n -> b n maps")).relu()
        return masked_max(rearrange(again, "b n maps -> b maps n"), there)

    def pairs(  # noqa: D102
        self,
        query: Int[Tensor, "batch q"],
        docs: Int[Tensor, "batch d"],
        query_mask: Bool[Tensor, "batch q"],
        doc_mask: Bool[Tensor, "batch d"],
        idf: Float[Tensor, "batch q"],
    ) -> Float[Tensor, " batch"]:
        both = [self.represent(query, query_mask), self.represent(docs, doc_mask)]
        return self.compare(torch.cat(both, dim=-1)).squeeze(-1)


class MVLSTM(VectorRanker):
    """Compares the states of a two-way LSTM at all places of both texts, and keeps the strongest matches.

    Args:
        embeddings: word vectors.
        hidden: units a direction.
        best: matches that are kept.
        freeze: keep the word vectors.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> MVLSTM(torch.randn(20, 8))(torch.tensor([[3, 4]]), torch.tensor([[4, 5, 0]])).shape
        torch.Size([1])

    Paper: Wan et al. 2016; arXiv 1903.06902, section 4.2.
    """

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        hidden: int = 32,
        best: int = 50,
        freeze: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(embeddings, {"hidden": hidden, "best": best, "freeze": freeze}, vocabulary, freeze)
        self.best = best
        self.onwards = nn.LSTM(embeddings.shape[1], hidden, batch_first=True)
        self.backwards = nn.LSTM(embeddings.shape[1], hidden, batch_first=True)
        self.classifier = tower((best, 64, 1))

    def states(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words states"]:
        """The states at each word, of length one; the way back begins at the last word, not padding."""
        words, lengths = self.spread(ids, mask), mask.sum(1)
        there, _ = self.onwards(words)
        back, _ = self.backwards(reversed_texts(words, lengths))
        return F.normalize(torch.cat([there, reversed_texts(back, lengths)], dim=-1), dim=-1)

    def pairs(  # noqa: D102
        self,
        query: Int[Tensor, "batch q"],
        docs: Int[Tensor, "batch d"],
        query_mask: Bool[Tensor, "batch q"],
        doc_mask: Bool[Tensor, "batch d"],
        idf: Float[Tensor, "batch q"],
    ) -> Float[Tensor, " batch"]:
        asked, told = self.states(query, query_mask), self.states(docs, doc_mask)
        match = einsum(asked, told, "b q states, b d states -> b q d").flatten(1)
        there = (query_mask[:, :, None] & doc_mask[:, None, :]).flatten(1)
        return self.classifier(largest(match, there, self.best, low=-1.0)).squeeze(-1)


class Duet(VectorRanker):
    """A hybrid: exact matches read where they stand, plus a product of learnt representations.

    Args:
        embeddings: word vectors.
        maps: of the convolutions of both halves.
        width: words that the local half sees at once.
        freeze: keep the word vectors.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> Duet(torch.randn(20, 8))(torch.tensor([[3, 4]]), torch.tensor([[4, 5, 0]])).shape
        torch.Size([1])

    Paper: Mitra et al. 2017, with word vectors as in its version of 2019; arXiv 1903.06902, section 4.2.
    """

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        maps: int = 32,
        width: int = 5,
        freeze: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(embeddings, {"maps": maps, "width": width, "freeze": freeze}, vocabulary, freeze)
        self.width = width
        self.exact = nn.Conv1d(1, maps, width)
        self.local = tower((2 * maps, maps, 1))
        self.of_query_words = Windows(embeddings.shape[1], maps)
        self.of_doc_words = Windows(embeddings.shape[1], maps)
        self.distributed = tower((maps, maps, 1))

    def local_score(
        self,
        same: Bool[Tensor, "batch q d"],
        query_mask: Bool[Tensor, "batch q"],
        doc_mask: Bool[Tensor, "batch d"],
        idf: Float[Tensor, "batch q"],
    ) -> Float[Tensor, " batch"]:
        """From where the query's words stand in the document, each word by its rarity."""
        dtype = self.exact.weight.dtype
        rows = rearrange(same, "b q d -> (b q) 1 d").to(dtype)
        seen = self.exact(F.pad(rows, (0, self.width - 1))).tanh()
        there = doc_mask[:, None, :].expand_as(same).flatten(0, 1)
        mean = (seen * there[:, None].to(dtype)).sum(-1) / there.sum(-1, keepdim=True).clamp_min(1)
        both = torch.cat([mean, masked_max(seen, there)], dim=-1)
        words = rearrange(both, "(b q) c -> b q c", b=len(same))
        weight = (idf.to(dtype) * query_mask.to(dtype))[..., None]
        total = (words * weight).sum(1) / weight.sum(1).clamp_min(1e-6)
        return self.local(total).squeeze(-1)

    def distributed_score(
        self,
        query: Int[Tensor, "batch q"],
        docs: Int[Tensor, "batch d"],
        query_mask: Bool[Tensor, "batch q"],
        doc_mask: Bool[Tensor, "batch d"],
    ) -> Float[Tensor, " batch"]:
        """From the product of the query's vector with that of each stretch of the document."""
        asked = rearrange(self.of_query_words(self.spread(query, query_mask)).tanh(), "b q maps -> b maps q")
        told = rearrange(self.of_doc_words(self.spread(docs, doc_mask)).tanh(), "b d maps -> b maps d")
        product = masked_max(asked, query_mask)[:, :, None] * told
        return self.distributed(masked_max(product, doc_mask)).squeeze(-1)

    def pairs(  # noqa: D102
        self,
        query: Int[Tensor, "batch q"],
        docs: Int[Tensor, "batch d"],
        query_mask: Bool[Tensor, "batch q"],
        doc_mask: Bool[Tensor, "batch d"],
        idf: Float[Tensor, "batch q"],
    ) -> Float[Tensor, " batch"]:
        local = self.local_score(same_words(query, docs, query_mask, doc_mask), query_mask, doc_mask, idf)
        return local + self.distributed_score(query, docs, query_mask, doc_mask)
