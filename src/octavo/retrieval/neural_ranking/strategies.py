"""Training without judgements: titles that must find their texts, and BM25 as the teacher."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from octavo.retrieval.neural_ranking.heuristics import BM25, FirstStage
from octavo.retrieval.neural_ranking.ranking_set import RankingSet
from octavo.retrieval.neural_ranking.text import Vocabulary

SHARD = 1000
"""Texts that a title is searched among: enough to find hard ones, few enough to be quick."""


def title_pairs(
    vocabulary: Vocabulary,
    titles: Sequence[tuple[str, str]],
    negatives: int = 9,
    seed: int = 0,
    query_length: int = 24,
    doc_length: int = 128,
) -> RankingSet:
    """Each title as a query whose one relevant document is its text.

    The others are what BM25 finds for the title besides, and texts at random, half of each.

    Args:
        vocabulary: from words to ids.
        titles: pairs of a title and its text.
        negatives: other texts a title.
        seed: of what is drawn at random.
        query_length, doc_length: words that are kept.
    """
    generator = torch.Generator().manual_seed(seed % (1 << 63))
    sets = {}
    for key, part, stage in _shards(titles):
        found = _searched(vocabulary, part, stage, negatives + 1, query_length, doc_length)
        own = torch.arange(len(part))[:, None]
        # Where the title does not find its text among the first, it takes the place of the last.
        missing = ~(found.candidates == own).any(1)
        found.candidates[missing, -1] = own[missing, 0]
        drawn = torch.randint(len(part), found.candidates.shape, generator=generator)
        at_random = torch.arange(found.depth) % 2 == 1
        candidates = torch.where(at_random & (found.candidates != own), drawn, found.candidates)
        gains = (candidates == own).float()
        sets[key] = replace(found, candidates=candidates, gains=gains, ideal=torch.ones(len(part)))
    return RankingSet.joined(_same_depth(sets))


def weak_labels(
    vocabulary: Vocabulary,
    titles: Sequence[tuple[str, str]],
    depth: int = 20,
    gap: float = 0.1,
    seed: int = 0,
    query_length: int = 24,
    doc_length: int = 128,
) -> RankingSet:
    """Each title as a query whose gains are what BM25 thinks of the texts: the teacher of Dehghani et al.

    Scores are brought to [0, 1] by the largest of the query and rounded to multiples of `gap`, so that two
    texts which the teacher hardly tells apart have the same gain and are no pair of a pairwise loss.

    Args:
        vocabulary: from words to ids.
        titles: pairs of a title and a text; that they belong together is not used.
        depth: texts a query, half of them the teacher's best, half drawn at random.
        gap: the smallest difference of the teacher that counts.
        seed: of what is drawn at random.
        query_length, doc_length: words that are kept.
    """
    generator = torch.Generator().manual_seed(seed % (1 << 63))
    sets = {}
    for key, part, plain in _shards(titles):
        stage = _Remembering(plain)
        best = _searched(vocabulary, part, stage, depth, query_length, doc_length)
        everything = torch.stack([torch.from_numpy(stage.scores(title)) for title, _ in part])
        drawn = torch.randint(len(part), best.candidates.shape, generator=generator)
        candidates = torch.where(torch.arange(best.depth) % 2 == 1, drawn, best.candidates)
        scores = everything.gather(1, candidates)
        taught = scores / scores.max(1, keepdim=True).values.clamp_min(1e-9)
        gains = (taught / gap).round() * gap
        sets[key] = replace(best, candidates=candidates, first=scores, gains=gains)
    return RankingSet.joined(_same_depth(sets))


class _Remembering(FirstStage):
    """A first stage that keeps its scores, for who asks the same query again."""

    def __init__(self, stage: FirstStage) -> None:
        super().__init__(stage.texts)
        self._stage = stage
        self._kept: dict[str, np.ndarray] = {}

    def scores(self, query: str) -> Float[np.ndarray, " docs"]:
        """The score of every document."""
        if query not in self._kept:
            self._kept[query] = self._stage.scores(query)
        return self._kept[query]


def _shards(titles: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Sequence[tuple[str, str]], BM25]]:
    for start in range(0, len(titles), SHARD):
        part = titles[start : start + SHARD]
        yield str(start), part, BM25([text for _, text in part])


def _searched(
    vocabulary: Vocabulary,
    part: Sequence[tuple[str, str]],
    stage: FirstStage,
    depth: int,
    query_length: int,
    doc_length: int,
) -> RankingSet:
    asked = {str(place): title for place, (title, _) in enumerate(part)}
    return RankingSet.build(vocabulary, asked, stage, {}, depth, query_length, doc_length)


def _same_depth(sets: dict[str, RankingSet]) -> dict[str, RankingSet]:
    """All sets cut to the depth of the shallowest, which a last shard of few texts has."""
    depth = min(found.depth for found in sets.values())
    return {
        key: replace(
            found,
            candidates=found.candidates[:, :depth],
            first=found.first[:, :depth],
            gains=found.gains[:, :depth],
        )
        for key, found in sets.items()
    }
