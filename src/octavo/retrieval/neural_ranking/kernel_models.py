"""K-NRM and Conv-KNRM: interaction-focused, asymmetric, pooled by kernels."""

from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.retrieval.neural_ranking.kernels import kernel_centres, kernel_sums, kernels
from octavo.retrieval.neural_ranking.pooling import Windows
from octavo.retrieval.neural_ranking.ranker import WordPairs
from octavo.retrieval.neural_ranking.text import Vocabulary
from octavo.retrieval.neural_ranking.word_vectors import VectorRanker, distinct_words

FLOOR = 1e-10
SCALE = 0.01


def log_sum(
    sums: Float[Tensor, "batch q kernels"], query_mask: Bool[Tensor, "batch q"]
) -> Float[Tensor, "batch kernels"]:
    """phi_k = 0.01 sum over the query's words of log max(K_k, 1e-10), padding left out."""
    logs = sums.clamp_min(FLOOR).log() * query_mask[..., None].to(sums.dtype)
    return logs.sum(1) * SCALE


class KNRM(VectorRanker):
    """Counts at soft levels of similarity how a document matches each word of the query.

    Args:
        embeddings: word vectors.
        kernels: how many; one for equal words, the others evenly over the cosines.
        freeze: keep the vectors; the model is then a line through `kernels` features.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> KNRM(torch.randn(20, 8))(torch.tensor([[3, 4]]), torch.tensor([[4, 5, 0]])).shape
        torch.Size([1])

    Paper: Xiong et al. 2017, equations 2 to 6; arXiv 1903.06902, section 5.2.
    """

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        kernels: int = 11,
        freeze: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(embeddings, vocabulary, freeze)
        self.means, self.widths = kernel_centres(kernels)
        self.linear = nn.Linear(kernels, 1)

    @property
    def fixed_features(self) -> bool:
        """Whether the features of a pair never change, so that training may keep them."""
        return self.freeze

    def features(
        self,
        query: Int[Tensor, "batch q"],
        docs: Int[Tensor, "batch d"],
        query_mask: Bool[Tensor, "batch q"],
        doc_mask: Bool[Tensor, "batch d"],
    ) -> Float[Tensor, "batch kernels"]:
        """The soft counts, a number a kernel."""
        similarity = self.similarity(query, docs, query_mask, doc_mask)
        mask = doc_mask[:, None, :].to(similarity.dtype)
        return log_sum(kernel_sums(similarity, mask, self.means, self.widths), query_mask)

    def head(
        self,
        features: Float[Tensor, "batch kernels"],
        query_mask: Bool[Tensor, "batch q"],
        idf: Float[Tensor, "batch q"],
    ) -> Float[Tensor, " batch"]:
        """tanh(w phi + b)."""
        return self.linear(features.to(self.linear.weight.dtype)).squeeze(-1).tanh()

    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:  # noqa: D102
        return self.head(self.features(*words.texts), words.query_mask, words.idf)

    def features_of_query(
        self, query: Int[Tensor, " q"], docs: Int[Tensor, "docs d"]
    ) -> Float[Tensor, "docs kernels"]:
        """The features of documents for one query; each distinct word meets the query's words once."""
        words, places = distinct_words(docs, len(self.vectors))
        there, asked = words != 0, query != 0
        cosines = self.similarity(query[None], words[None], asked[None], there[None])[0].T
        cosines = cosines.to(torch.promote_types(cosines.dtype, torch.float32))
        values = cosines.new_zeros(len(words), len(query), len(self.means))
        for place, value, factor in kernels(cosines, self.means, self.widths):
            values[:, :, place] = value * factor
        values *= there[:, None, None]
        sums = F.embedding_bag(places, values.flatten(1), mode="sum")
        sums = rearrange(sums, "docs (q kernels) -> docs q kernels", q=len(query))
        return log_sum(sums, asked.expand(len(docs), -1))

    def of_query(
        self,
        query: Int[Tensor, " q"],
        docs: Int[Tensor, "docs d"],
        idf: Float[Tensor, " q"] | None = None,
    ) -> Float[Tensor, " docs"]:
        """As `forward`, but with the work of the query shared."""
        if not self.freeze:
            return super().of_query(query, docs, idf)
        mask = (query != 0).expand(len(docs), -1)
        idf = self.word_idf[query] if idf is None else idf
        return self.head(self.features_of_query(query, docs), mask, idf.expand(len(docs), -1))


class ConvKNRM(VectorRanker):
    """K-NRM over phrases: n-grams of the query meet n-grams of the document, each length with each.

    Args:
        embeddings: word vectors.
        kernels: for each pair of lengths.
        filters: size of a phrase's vector.
        longest: words of the longest phrase.
        freeze: keep the word vectors; phrases are learnt in any case.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> ConvKNRM(torch.randn(20, 8), filters=4)(torch.tensor([[3, 4]]), torch.tensor([[4, 5, 0]])).shape
        torch.Size([1])

    Paper: Dai et al. 2018; arXiv 1903.06902, section 4.3 (horizontal multi-granularity).
    """

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        kernels: int = 11,
        filters: int = 128,
        longest: int = 3,
        freeze: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(embeddings, vocabulary, freeze)
        self.means, self.widths = kernel_centres(kernels)
        size = embeddings.shape[1]
        self.phrases = nn.ModuleList(Windows(size, filters, n) for n in range(1, longest + 1))
        self.linear = nn.Linear(kernels * longest**2, 1)

    def phrase_vectors(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"]
    ) -> list[Float[Tensor, "batch words filters"]]:
        """Of each length, the vector of the phrase that begins at each word, of length one."""
        phrases = cast(Iterable[Windows], self.phrases)
        return [F.normalize(self.windows(phrase, ids, mask).relu(), dim=-1) for phrase in phrases]

    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:  # noqa: D102
        found = []
        asked = self.phrase_vectors(words.query, words.query_mask)
        told = self.phrase_vectors(words.docs, words.doc_mask)
        for short in asked:
            for long in told:
                similarity = einsum(short, long, "b q f, b d f -> b q d")
                mask = words.doc_mask[:, None, :].to(similarity.dtype)
                sums = kernel_sums(similarity, mask, self.means, self.widths)
                found.append(log_sum(sums, words.query_mask))
        return self.linear(torch.cat(found, dim=1).to(self.linear.weight.dtype)).squeeze(-1).tanh()
