"""DRMM: interaction-focused, asymmetric; histograms of similarities, gated by the query's words."""

from typing import Literal

import torch
import torch.nn.functional as F
from einops import einsum, rearrange, reduce
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.retrieval.neural_ranking.ranker import WordPairs
from octavo.retrieval.neural_ranking.text import Vocabulary
from octavo.retrieval.neural_ranking.word_vectors import VectorRanker, distinct_words, same_words


class DRMM(VectorRanker):
    """Matches a document with each word of the query by a histogram of similarities.

    The last bin is for the same word, told by its id; the others are equal parts of [-1, 1). Histograms have
    no gradient, so the vectors stay as they are.

    Args:
        embeddings: word vectors.
        bins: of the histogram, with that of the same word.
        gate: what weighs the query's words: their inverse document frequency or their vectors.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Raises:
        ValueError: fewer than 2 bins.

    Example:
        >>> DRMM(torch.randn(20, 8))(torch.tensor([[3, 4]]), torch.tensor([[4, 5, 0]])).shape
        torch.Size([1])

    Paper: Guo et al. 2016, section 4 (LCH x IDF); arXiv 1903.06902, section 4.1.
    """

    fixed_features = True

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        bins: int = 30,
        gate: Literal["idf", "vector"] = "idf",
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(embeddings, vocabulary)
        if bins < 2:
            raise ValueError(f"bins={bins}: one for equal words and one for others are the least")
        self.bins, self.gate = bins, gate
        self.match = nn.Sequential(nn.Linear(bins, 5), nn.Tanh(), nn.Linear(5, 1), nn.Tanh())
        size = 1 if gate == "idf" else embeddings.shape[1]
        self.weight = nn.Parameter(torch.ones(size) if gate == "idf" else torch.zeros(size))

    def bin_of(
        self, similarity: Float[Tensor, "*batch q d"], same: Bool[Tensor, "*batch q d"]
    ) -> Int[Tensor, "*batch q d"]:
        """The bin of each pair of words."""
        places = ((similarity + 1) * ((self.bins - 1) / 2)).floor().long().clamp(0, self.bins - 2)
        return places.masked_fill(same, self.bins - 1)

    @torch.no_grad()
    def features(
        self,
        query: Int[Tensor, "batch q"],
        docs: Int[Tensor, "batch d"],
        query_mask: Bool[Tensor, "batch q"],
        doc_mask: Bool[Tensor, "batch d"],
    ) -> Float[Tensor, "batch q features"]:
        """log(1 + count) of every bin, for each word of the query; its vector behind it, if that gates."""
        same = same_words(query, docs, query_mask, doc_mask)
        places = self.bin_of(self.similarity(query, docs, query_mask, doc_mask), same)
        # Half precision counts to 2,048 only.
        counts = torch.zeros(*places.shape[:2], self.bins, device=places.device)
        ones = doc_mask[:, None, :].expand(places.shape).to(counts.dtype)
        return self._with_vectors(counts.scatter_add_(-1, places, ones).log1p(), query, query_mask)

    def _with_vectors(self, histograms: Tensor, query: Tensor, query_mask: Tensor) -> Tensor:
        if self.gate == "idf":
            return histograms
        vectors = self.embed(query, query_mask).to(histograms.dtype)
        return torch.cat([histograms, vectors.expand(len(histograms), -1, -1)], dim=-1)

    def head(
        self,
        features: Float[Tensor, "batch q features"],
        query_mask: Bool[Tensor, "batch q"],
        idf: Float[Tensor, "batch q"],
    ) -> Float[Tensor, " batch"]:
        """sum over i of g_i z_i, with the gate g a softmax over the words that are there."""
        features = features.to(self.weight.dtype)
        z = self.match(features[..., : self.bins]).squeeze(-1)
        if self.gate == "idf":
            logits = self.weight * idf.to(self.weight.dtype)
        else:
            logits = einsum(features[..., self.bins :], self.weight, "b q size, size -> b q")
        gate = logits.masked_fill(~query_mask, -torch.inf)
        # A query of nothing but padding would have a softmax of nothing.
        gate = torch.where(query_mask.any(1, keepdim=True), gate, 0.0).softmax(dim=-1)
        return reduce(gate * z * query_mask.to(z.dtype), "b q -> b", "sum")

    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:  # noqa: D102
        return self.head(self.features(*words.texts), words.query_mask, words.idf)

    @torch.no_grad()
    def features_of_query(
        self, query: Int[Tensor, " q"], docs: Int[Tensor, "docs d"]
    ) -> Float[Tensor, "docs q features"]:
        """The features of documents for one query; each distinct word meets the query's words once."""
        words, rows = distinct_words(docs, len(self.vectors))
        asked, there = (query != 0)[None], (words != 0)[None]
        same = same_words(query[None], words[None], asked, there)
        places = self.bin_of(self.similarity(query[None], words[None], asked, there), same)[0]
        # Padding goes to a bin of its own, which is cut off.
        # 32 bits are enough for the cells of some thousand documents, and half the memory to go through.
        table = torch.where(there, places, self.bins).int()
        slots = len(query) * (self.bins + 1)
        table = (
            table + torch.arange(0, slots, self.bins + 1, device=docs.device).int()[:, None]
        ).T.contiguous()
        start = torch.arange(0, len(docs) * slots, slots, device=docs.device).int()
        cells = F.embedding(rows, table) + start[:, None, None]
        counts = torch.bincount(cells.flatten(), minlength=len(docs) * slots)
        counts = rearrange(counts, "(docs q bins) -> docs q bins", docs=len(docs), q=len(query))
        return self._with_vectors(counts[..., : self.bins].float().log1p(), query[None], asked)

    def of_query(
        self,
        query: Int[Tensor, " q"],
        docs: Int[Tensor, "docs d"],
        idf: Float[Tensor, " q"] | None = None,
    ) -> Float[Tensor, " docs"]:
        """As `forward`, but with the work of the query shared."""
        mask = (query != 0).expand(len(docs), -1)
        idf = self.word_idf[query] if idf is None else idf
        return self.head(self.features_of_query(query, docs), mask, idf.expand(len(docs), -1))
