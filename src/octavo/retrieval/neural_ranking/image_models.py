"""Models that read the interaction of two texts as an image: MatchPyramid, ARC-II, PACRR."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor, nn

from octavo.retrieval.neural_ranking.pooling import Windows, dynamic_pooling, largest, tower
from octavo.retrieval.neural_ranking.ranker import WordPairs
from octavo.retrieval.neural_ranking.text import Vocabulary
from octavo.retrieval.neural_ranking.word_vectors import VectorRanker, same_words


class MatchPyramid(VectorRanker):
    """Reads the matrix of similarities as an image: a convolution, pooling on a grid, a classifier.

    Args:
        embeddings: word vectors.
        matching: cosines, or 1 where words are the same.
        maps: of the convolution.
        grid: cells of the pooling; they cover the text, whatever its length.
        hidden: units of the classifier.
        freeze: keep the vectors.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> MatchPyramid(torch.randn(20, 8))(torch.tensor([[3, 4]]), torch.tensor([[4, 5, 0]])).shape
        torch.Size([1])

    Paper: Pang et al. 2016; arXiv 1903.06902, section 4.2 (interaction-focused, symmetric).
    """

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        matching: Literal["cosine", "indicator"] = "cosine",
        maps: int = 8,
        grid: Sequence[int] = (3, 10),
        hidden: int = 64,
        freeze: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(embeddings, vocabulary, freeze)
        self.matching, self.grid = matching, (grid[0], grid[1])
        self.convolution = nn.Conv2d(1, maps, 3, padding=1)
        self.classifier = tower((maps * grid[0] * grid[1], hidden, 1))

    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:  # noqa: D102
        if self.matching == "cosine":
            image = self.similarity(*words.texts)
        else:
            image = same_words(*words.texts).to(self.vectors.dtype)
        seen = self.convolution(image[:, None].to(self.convolution.weight.dtype)).relu()
        pooled = dynamic_pooling(seen, words.query_mask.sum(1), words.doc_mask.sum(1), self.grid)
        return self.classifier(pooled.flatten(1)).squeeze(-1)


class ARCII(VectorRanker):
    """Lets every three words of the query meet every three of the document, then convolves what they make.

    Args:
        embeddings: word vectors.
        maps: of both convolutions.
        grid: cells of the last pooling.
        hidden: units of the classifier.
        freeze: keep the vectors.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> ARCII(torch.randn(20, 8))(torch.tensor([[3, 4]]), torch.tensor([[4, 5, 0]])).shape
        torch.Size([1])

    Paper: Hu et al. 2014; arXiv 1903.06902, section 4.2 (interaction-focused, symmetric).
    """

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        maps: int = 16,
        grid: Sequence[int] = (3, 10),
        hidden: int = 64,
        freeze: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(embeddings, vocabulary, freeze)
        self.grid = (grid[0], grid[1])
        # A convolution over a pair of windows is the sum of one over each.
        self.of_query_words = Windows(embeddings.shape[1], maps)
        self.of_doc_words = Windows(embeddings.shape[1], maps)
        self.convolution = nn.Conv2d(maps, maps, 3, padding=1)
        self.classifier = tower((maps * grid[0] * grid[1], hidden, 1))

    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:  # noqa: D102
        query_mask, doc_mask = words.query_mask, words.doc_mask
        asked = self.windows(self.of_query_words, words.query, query_mask)
        told = self.windows(self.of_doc_words, words.docs, doc_mask)
        # Where a text has ended nothing passes the ReLU, so that the image needs no mask.
        asked = asked.masked_fill(~query_mask[..., None], -torch.inf)
        told = told.masked_fill(~doc_mask[..., None], -torch.inf)
        asked, told = rearrange(asked, "b q maps -> b maps q 1"), rearrange(told, "b d maps -> b maps 1 d")
        meeting = (asked + told).relu_()
        halved = F.max_pool2d(meeting, 2, ceil_mode=True)
        seen = self.convolution(halved).relu()
        pooled = dynamic_pooling(seen, (query_mask.sum(1) + 1) // 2, (doc_mask.sum(1) + 1) // 2, self.grid)
        return self.classifier(pooled.flatten(1)).squeeze(-1)


class PACRR(VectorRanker):
    """Looks for matches of one word and of several in a row, and keeps each query word's best.

    Args:
        embeddings: word vectors.
        longest: side of the largest convolution, in words.
        filters: of each convolution, of which the strongest counts.
        best: matches that are kept for each word and length.
        hidden: units of the recurrent layer that reads the words in turn.
        freeze: keep the vectors.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> PACRR(torch.randn(20, 8))(torch.tensor([[3, 4]]), torch.tensor([[4, 5, 0]])).shape
        torch.Size([1])

    Paper: Hui et al. 2017; arXiv 1903.06902, section 4.2.
    """

    def __init__(
        self,
        embeddings: Float[Tensor, "words size"],
        longest: int = 3,
        filters: int = 16,
        best: int = 2,
        hidden: int = 32,
        freeze: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(embeddings, vocabulary, freeze)
        self.best = best
        self.convolutions = nn.ModuleList(nn.Conv2d(1, filters, n) for n in range(2, longest + 1))
        self.recurrent = nn.LSTM(longest * best + 1, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:  # noqa: D102
        similarity = self.similarity(*words.texts).to(self.linear.weight.dtype)
        query_mask, doc_mask = words.query_mask, words.doc_mask
        images = [similarity]
        for n, convolution in enumerate(self.convolutions, start=2):
            seen = convolution(F.pad(similarity[:, None], (0, n - 1, 0, n - 1))).relu()
            images.append(reduce(seen, "b filters q d -> b q d", "max"))
        there = doc_mask[:, None, :].expand_as(similarity)
        signals = torch.cat([largest(image, there, self.best, low=-1.0) for image in images], dim=-1)
        rare = words.idf.to(signals.dtype).masked_fill(~query_mask, -torch.inf)
        rare = torch.where(query_mask.any(1, keepdim=True), rare, 0.0).softmax(-1)
        read = torch.cat([signals, rare[..., None]], dim=-1) * query_mask[..., None].to(signals.dtype)
        states, _ = self.recurrent(read)
        # The state behind the last word, not behind the padding.
        last = (query_mask.sum(1) - 1).clamp_min(0)
        final = states.gather(1, last[:, None, None].expand(-1, 1, states.shape[-1])).squeeze(1)
        return self.linear(final).squeeze(-1)
