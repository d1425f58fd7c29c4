"""One order from two: what words found and what meaning found."""

from collections.abc import Sequence

import numpy as np

Pairs = Sequence[tuple[int, float]]

WORDS, MEANING = 0.3, 0.7
"""Shares of the two standardised scores."""
RANK_OFFSET = 60


def reciprocal_ranks(words: Pairs, meaning: Pairs) -> list[tuple[int, float]]:
    """Adds 1 / (60 + rank) over both lists (Cormack et al. 2009): it needs no scores.

    Example:
        >>> [row for row, _ in reciprocal_ranks([(1, 9.0), (2, 8.0)], [(2, 0.9), (3, 0.8)])]
        [2, 1, 3]
    """
    scores: dict[int, float] = {}
    for pairs in (words, meaning):
        for rank, (row, _) in enumerate(pairs, start=1):
            scores[row] = scores.get(row, 0.0) + 1 / (RANK_OFFSET + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


def standardised(
    words: Pairs, meaning: Pairs, shares: tuple[float, float] = (WORDS, MEANING)
) -> list[tuple[int, float]]:
    """A weighted sum of both standardised scores; the least of a list stands for a row that it lacks.

    Args:
        words, meaning: (row, score) pairs, best first.
        shares: how much each list counts.

    Example:
        >>> [row for row, _ in standardised([(1, 9.0), (2, 8.0)], [(2, 0.9), (3, 0.2)])]
        [2, 1, 3]
    """
    scores = dict.fromkeys([row for row, _ in [*words, *meaning]], 0.0)
    for pairs, share in zip((words, meaning), shares, strict=True):
        if not pairs:
            continue
        values = np.array([score for _, score in pairs])
        standard = ((values - values.mean()) / (float(values.std()) or 1.0)).tolist()
        own = dict(zip([row for row, _ in pairs], standard, strict=True))
        least = min(standard)
        for row in scores:
            scores[row] += share * own.get(row, least)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
