r"""The trending order, which needs no job.

The heat of a paper at time t is  heat(t) = sum_v w_v 2^-((t - t_v) / h)  over its votes, views and runs v.
The half-life h is 48 hours. All heats cool by the same factor, so their *order* does not depend on t, and one
number a paper,  H = log2 sum_v w_v 2^((t_v - epoch) / h),  is kept and sorted by.
"""

import math
from collections.abc import Iterable

HALF_LIFE = 48 * 3600.0
"""Seconds in which the weight of a vote halves."""

EPOCH = 1767225600.0
"""2026-01-01 UTC; another epoch would shift every H by the same amount."""

VOTE, VIEW, RUN = 1.0, 0.02, 0.5
"""What one vote, one reader's view on one day, and one published run of the ledger weigh."""

COLD = -1e9
"""H of a paper that nobody has touched; below every H that a clock can give."""

FORMULA = (
    "heat(t) = Σ w · 2^(−(t − t_v) / 48 h), where a vote weighs 1, a reader's view 0.02, a ledger run 0.5"
)


def warmed(heat: float, weight: float, at: float) -> float:
    """H after one more event.

    Args:
        heat: H before, `COLD` for none.
        weight: of the event, above zero.
        at: its time in seconds since 1970, UTC.

    Example:
        >>> warmed(COLD, 1.0, EPOCH), warmed(0.0, 1.0, EPOCH)
        (0.0, 1.0)
    """
    added = math.log2(weight) + (at - EPOCH) / HALF_LIFE
    high, low = max(heat, added), min(heat, added)
    return high + math.log1p(2.0 ** max(low - high, -1000.0)) / math.log(2)


def heat_of(events: Iterable[tuple[float, float]]) -> float:
    """H of a paper from all its events, as (weight, time) pairs."""
    heat = COLD
    for weight, at in events:
        heat = warmed(heat, weight, at)
    return heat


def heat_at(heat: float, at: float) -> float:
    """The heat itself at a time, from H.

    Example:
        >>> round(heat_at(warmed(COLD, 1.0, EPOCH), EPOCH + HALF_LIFE), 3)
        0.5
    """
    exponent = heat - (at - EPOCH) / HALF_LIFE
    return 2.0 ** min(max(exponent, -1000.0), 1000.0)
