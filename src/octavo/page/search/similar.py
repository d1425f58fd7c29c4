"""From the nearest papers, some that are near and not all the same."""

from collections.abc import Sequence

import numpy as np

from octavo.page.search.vectors import FloatArray

BALANCE = 0.7
DUPLICATE = 0.97
"""Cosine above which two entries are one paper that was listed twice."""


def spread_out(
    found: Sequence[tuple[int, float]], vectors: FloatArray, limit: int, balance: float = BALANCE
) -> list[tuple[int, float]]:
    """Chooses by maximal marginal relevance (Carbonell and Goldstein 1998).

    Each choice maximises  balance * sim(paper, candidate) - (1 - balance) * max sim(candidate, chosen).

    Args:
        found: (row, cosine) pairs of the candidates.
        vectors: (candidates, 384) of length one, in the same order.
        limit: how many are chosen.
        balance: 1 takes the nearest.
    """
    left = [place for place, (_, score) in enumerate(found) if score < DUPLICATE]
    chosen: list[int] = []
    while left and len(chosen) < limit:
        near = np.array([found[place][1] for place in left])
        like = (vectors[left] @ vectors[chosen].T).max(axis=1) if chosen else np.zeros(len(left))
        best = left[int(np.argmax(balance * near - (1 - balance) * like))]
        chosen.append(best)
        left = [
            place for place in left if place != best and float(vectors[place] @ vectors[best]) < DUPLICATE
        ]
    return [found[place] for place in chosen]
