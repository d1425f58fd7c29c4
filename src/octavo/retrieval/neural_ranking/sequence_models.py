"""ARC-I, MV-LSTM and Duet: over word vectors in their order."""

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.retrieval.neural_ranking.pooling import Windows, largest, masked_max, reversed_texts, tower
from octavo.retrieval.neural_ranking.ranker import TwoTowers, WordPairs
from octavo.retrieval.neural_ranking.text import Vocabulary
from octavo.retrieval.neural_ranking.word_vectors import VectorRanker, same_words


class ARCI(VectorRanker, TwoTowers):
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
        super().__init__(embeddings, vocabulary, freeze)
        self.first = Windows(embeddings.shape[1], maps)
        self.second = Windows(maps, maps)
        self.score = tower((2 * maps, hidden, 1))

    def texts(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"], side: int
    ) -> Float[Tensor, "batch maps"]:
        """The vector of a text; padding is left out before every pooling."""
        seen = self.windows(self.first, ids, mask).relu() * mask[..., None].to(self.vectors.dtype)
        halved = F.max_pool1d(rearrange(seen, "b n maps -> b maps n"), 2, ceil_mode=True)
        # Half as many places are real, one more where their number is odd.
        places = torch.arange(halved.shape[-1], device=ids.device)
        there = places < ((mask.sum(1) + 1) // 2)[:, None]
        again = self.second(rearrange(halved, "b maps n -> b n maps")).relu()
        return masked_max(rearrange(again, "b n maps -> b maps n"), there)

    def compare(
        self, asked: Float[Tensor, "*queries maps"], told: Float[Tensor, "*docs maps"]
    ) -> Float[Tensor, "..."]:
        """A network over both vectors side by side."""
        return self.score(torch.cat(torch.broadcast_tensors(asked, told), dim=-1)).squeeze(-1)


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
        super().__init__(embeddings, vocabulary, freeze)
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

    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:  # noqa: D102
        query_mask, doc_mask = words.query_mask, words.doc_mask
        asked, told = self.states(words.query, query_mask), self.states(words.docs, doc_mask)
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
        super().__init__(embeddings, vocabulary, freeze)
        self.width = width
        self.exact = nn.Conv1d(1, maps, width)
        self.local = tower((2 * maps, maps, 1))
        self.of_query_words = Windows(embeddings.shape[1], maps)
        self.of_doc_words = Windows(embeddings.shape[1], maps)
        self.distributed = tower((maps, maps, 1))

    def local_score(self, words: WordPairs) -> Float[Tensor, " batch"]:
        """From where the query's words stand in the document, each word by its rarity."""
        dtype = self.exact.weight.dtype
        same = same_words(*words.texts)
        # What the convolution sees at a place is one of 2^width patterns of matches: each is computed once.
        powers = 2 ** torch.arange(self.width, device=same.device)
        patterns = (torch.arange(2**self.width, device=same.device)[:, None] // powers % 2).to(dtype)
        seen = F.linear(patterns, self.exact.weight[:, 0], self.exact.bias).tanh()
        found = F.pad(same, (0, self.width - 1)).unfold(-1, self.width, 1).long() @ powers
        there = words.doc_mask[:, None, :].expand_as(same)
        counts = torch.zeros(*same.shape[:2], len(patterns), dtype=dtype, device=same.device)
        counts = counts.scatter_add(-1, found, there.to(dtype))
        mean = counts @ seen / counts.sum(-1, keepdim=True).clamp_min(1)
        most = masked_max(seen.T.expand(same.shape[0] * same.shape[1], -1, -1), counts.flatten(0, 1) > 0)
        both = torch.cat([mean, most.unflatten(0, same.shape[:2])], dim=-1)
        weight = (words.idf.to(dtype) * words.query_mask.to(dtype))[..., None]
        total = (both * weight).sum(1) / weight.sum(1).clamp_min(1e-6)
        return self.local(total).squeeze(-1)

    def distributed_score(self, words: WordPairs) -> Float[Tensor, " batch"]:
        """From the product of the query's vector with that of each stretch of the document."""
        asked = self.windows(self.of_query_words, words.query, words.query_mask).tanh()
        told = self.windows(self.of_doc_words, words.docs, words.doc_mask).tanh()
        of_query = masked_max(rearrange(asked, "b q maps -> b maps q"), words.query_mask)
        product = of_query[:, :, None] * rearrange(told, "b d maps -> b maps d")
        return self.distributed(masked_max(product, words.doc_mask)).squeeze(-1)

    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:  # noqa: D102
        return self.local_score(words) + self.distributed_score(words)
