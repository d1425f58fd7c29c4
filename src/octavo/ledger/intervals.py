"""Intervals: over seeds by Student's t, over items by Wilson, Fisher or the BCa bootstrap.

With few seeds a bootstrap covers far less than it says (75% for a nominal 95% with three seeds), so it is
used for items alone, of which there are hundreds.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist, fmean
from typing import Any, NamedTuple

from octavo.errors import OctavoError

RESAMPLES = 10_000
FEW_KINDS = 64
"""So many different items are drawn by their number rather than one by one."""
_NORMAL = NormalDist()


class Interval(NamedTuple):
    """An estimate with its lower and upper bound."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """From the lower to the upper bound."""
        return self.high - self.low


def spread(values: Sequence[float]) -> float:
    """The standard deviation of a sample of at least two; 0 where all are one number.

    Example:
        >>> spread([1.0, 2.0, 3.0]), spread([0.1, 0.1, 0.1])
        (1.0, 0.0)
    """
    if min(values) == max(values):
        return 0.0
    mean = fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def t_share(t: float, freedom: int) -> float:
    """The share of Student's t distribution that lies below `t`, by its finite series.

    Example:
        >>> round(t_share(2.7764, 4), 4)
        0.975
    """
    angle = math.atan2(t, math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    term = cosine if freedom % 2 else 1.0
    total = 0.0
    first = 3 if freedom % 2 else 2
    for step in range(first, freedom + 1, 2):
        total += term
        term *= cosine * cosine * (step - 1) / step
    if freedom % 2:
        return 0.5 + (angle + sine * total) / math.pi
    return 0.5 + sine * total / 2


@lru_cache(maxsize=256)
def t_quantile(share: float, freedom: int) -> float:
    """The point below which `share` of Student's t distribution with `freedom` degrees lies.

    Example:
        >>> round(t_quantile(0.975, 2), 4)
        4.3027
    """
    if not 0.5 < share < 1 or freedom < 1:
        raise OctavoError(f"a share between 0.5 and 1 and at least one degree, got {share} and {freedom}")
    low, high = 0.0, 2.0
    while t_share(high, freedom) < share:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_share(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def t_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The mean with Student's t interval; with one value the bounds are infinite.

    Example:
        >>> tuple(round(bound, 3) for bound in t_interval([1.0, 2.0, 3.0]))
        (2.0, -0.484, 4.484)
    """
    if not values:
        raise OctavoError("an interval needs at least one value, got none")
    mean = fmean(values)
    if len(values) == 1:
        return Interval(mean, -math.inf, math.inf)
    if min(values) == max(values):
        return Interval(values[0], values[0], values[0])
    half = t_quantile((1 + level) / 2, len(values) - 1) * spread(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def paired(first: Sequence[float], second: Sequence[float], level: float = 0.95) -> Interval:
    """The mean difference of two lists whose entries belong together (same seed), by Student's t.

    Raises:
        OctavoError: the lists differ in length.

    Example:
        >>> tuple(round(bound, 3) for bound in paired([3.0, 5.0, 4.0], [2.0, 3.0, 3.0]))
        (1.333, -0.101, 2.768)
    """
    if len(first) != len(second):
        raise OctavoError(
            f"paired lists need one length, got {len(first)} and {len(second)}; use welch for unpaired ones"
        )
    return t_interval([a - b for a, b in zip(first, second, strict=True)], level)


def welch(first: Sequence[float], second: Sequence[float], level: float = 0.95) -> Interval:
    """The difference of the means of two lists that do not belong together, of unequal spread.

    Example:
        >>> round(welch([1.0, 2.0, 3.0], [0.0, 0.5, 1.0, 0.5]).low, 3)
        -0.686
    """
    if min(len(first), len(second)) < 2:
        raise OctavoError("two values in each list are needed, since each has a spread of its own")
    squares = [spread(values) ** 2 / len(values) for values in (first, second)]
    difference, error = fmean(first) - fmean(second), sum(squares)
    if error == 0:
        return Interval(difference, difference, difference)
    freedom = error**2 / sum(
        square**2 / (len(values) - 1) for square, values in zip(squares, (first, second), strict=True)
    )
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(error)
    return Interval(difference, difference - half, difference + half)


def ratio(first: Sequence[float], second: Sequence[float], level: float = 0.95) -> Interval:
    """The geometric mean of paired ratios, by Student's t on the log scale.

    Raises:
        OctavoError: a value is not positive, or the lists differ in length.

    Example:
        >>> tuple(round(bound, 2) for bound in ratio([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]))
        (2.0, 2.0, 2.0)
    """
    if min([*first, *second], default=0) <= 0:
        raise OctavoError("ratios are taken of positive numbers")
    return Interval(
        *(math.exp(bound) for bound in paired([*map(math.log, first)], [*map(math.log, second)], level))
    )


def wilson(share: float, count: int, level: float = 0.95) -> Interval:
    """A share of `count` items, such as an accuracy, with Wilson's interval.

    Example:
        >>> tuple(round(bound, 3) for bound in wilson(1.0, 50))
        (1.0, 0.929, 1.0)
    """
    if not 0 <= share <= 1 or count < 1:
        raise OctavoError(f"a share between 0 and 1 of at least one item, got {share} of {count}")
    square = _NORMAL.inv_cdf((1 + level) / 2) ** 2 / count
    centre = (share + square / 2) / (1 + square)
    half = math.sqrt(square * share * (1 - share) + square * square / 4) / (1 + square)
    return Interval(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def fisher(correlation: float, count: int, level: float = 0.95, *, ranks: bool = True) -> Interval:
    """A correlation over `count` items with Fisher's interval, a little wider for ranks.

    Example:
        >>> tuple(round(bound, 3) for bound in fisher(0.6, 50, ranks=False))
        (0.6, 0.386, 0.753)
    """
    if count < 4 or not -1 <= correlation <= 1:
        return Interval(correlation, -1.0, 1.0)
    if abs(correlation) == 1:
        return Interval(correlation, correlation, correlation)
    half = _NORMAL.inv_cdf((1 + level) / 2) * math.sqrt((1.06 if ranks else 1.0) / (count - 3))
    centre = math.atanh(correlation)
    return Interval(correlation, math.tanh(centre - half), math.tanh(centre + half))


def bootstrap(
    groups: Sequence[Sequence[Any]],
    statistic: Callable[[Any], Any],
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """A statistic of item means with the BCa bootstrap interval, items of one group resampled together.

    Args:
        groups: lists of columns of values; the columns of a group have one length, and entries of one index
            belong to one item.
        statistic: from the means of all columns, an array ``(columns, *any)``, to the statistic ``(*any)``.
        level: the share that the interval should cover.
        resamples: how many.
        seed: of the resampling.

    Raises:
        OctavoError: the columns of a group differ in length, or have fewer than two values.

    Example:
        >>> low = bootstrap([[[0.0, 1.0] * 50]], lambda means: means[0]).low
        >>> 0.38 < low < 0.42
        True
    """
    import numpy as np

    for columns in groups:
        lengths = sorted({len(column) for column in columns})
        if len(lengths) != 1 or lengths[0] < 2:
            raise OctavoError(f"paired items need one length of at least 2, got {lengths}")
    tables = [np.asarray(columns, dtype=np.float64) for columns in groups]
    means = np.concatenate([table.mean(axis=1) for table in tables])
    value = float(statistic(means))
    generator = np.random.Generator(np.random.Philox(seed))
    drawn, influences, first = [], [], 0
    for table in tables:
        drawn.append(_resampled_means(table, resamples, generator))
        count, rows = table.shape[1], slice(first, first + len(table))
        left_out = np.repeat(means[:, None], count, axis=1)
        left_out[rows] = (table.sum(axis=1, keepdims=True) - table) / (count - 1)
        without = statistic(left_out)
        influences.append(without.mean() - without)
        first += len(table)
    found, influence = np.sort(statistic(np.concatenate(drawn))), np.concatenate(influences)
    if not (np.isfinite(found).all() and np.isfinite(influence).all()):
        return Interval(value, -math.inf, math.inf)
    if found[0] == found[-1]:
        return Interval(value, value, value)
    squares = float((influence**2).sum())
    acceleration = float((influence**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    below = float((found < value).mean() + (found == value).mean() / 2)
    bias = _NORMAL.inv_cdf(min(max(below, 1 / resamples), 1 - 1 / resamples))
    tail = _NORMAL.inv_cdf((1 + level) / 2)
    shares = [_NORMAL.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in (-tail, tail)]
    low, high = np.quantile(found, shares)
    return Interval(value, float(low), float(high))


def _resampled_means(table: Any, resamples: int, generator: Any) -> Any:
    """The means of a table's rows, ``(rows, resamples)``, each over items drawn with replacement."""
    import numpy as np

    count = table.shape[1]
    kinds, numbers = np.unique(table, axis=1, return_counts=True)
    if len(numbers) <= FEW_KINDS:
        # Right or wrong for each of two systems: how often each of the four cases is drawn is all.
        return kinds @ generator.multinomial(count, numbers / count, size=resamples).T / count
    block = max(1, 500_000 // count)
    means = []
    for start in range(0, resamples, block):
        items = generator.integers(0, count, size=(min(block, resamples - start), count), dtype=np.int32)
        means.append(np.stack([row[items].mean(axis=1) for row in table]))
    return np.concatenate(means, axis=1)
