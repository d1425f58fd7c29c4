"""What the records say of one comparison: its quantity for every seed, and intervals around it."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Any

from octavo.errors import OctavoError
from octavo.lab.folder import UnitLine
from octavo.lab.records import Record
from octavo.ledger import intervals
from octavo.ledger.evaluate import pushes
from octavo.ledger.expression import Name
from octavo.ledger.metrics import better
from octavo.ledger.standard import Standard

Items = Callable[[Record], Any]
"""From a record to the values of its items, or None: `Run.items`."""

CUT_OFF = ("failed", "diverged", "timeout")
"""Statuses of a unit that was started and did not come to its end."""
_SHARE_90 = NormalDist().inv_cdf(0.95) / NormalDist().inv_cdf(0.975)


class Measured:
    """The records of one paper at one scale, by what a condition calls them.

    Args:
        records: of one paper and scale.
        units: how the units ended, of the same scale.
        once: the parts that are made with one seed by design; their numbers stand beside every other seed's.
        items: how to read the values of a record's items, where they are at hand.

    Raises:
        OctavoError: one number was recorded twice for one seed.
    """

    def __init__(
        self,
        records: Iterable[Record],
        units: Iterable[UnitLine] = (),
        once: Collection[str] = (),
        items: Items | None = None,
    ) -> None:
        self.items = items
        self.units = tuple(units)
        self._once = frozenset(once)
        self._found: dict[Name, dict[int, Record]] = {}
        for record in records:
            name = Name(record.metric, record.system, record.dataset, record.at)
            seeds = self._found.setdefault(name, {})
            if record.seed in seeds:
                both = sorted({seeds[record.seed].part, record.part})
                where = f"by the parts {' and '.join(both)}" if len(both) > 1 else f"by the part {both[0]}"
                raise OctavoError(
                    f"{record.paper}: {name} is recorded twice for seed {record.seed} ({where}); a condition "
                    "cannot tell them apart. Give one of them another system, data set or metric."
                )
            seeds[record.seed] = record

    def __contains__(self, name: Name) -> bool:
        return name in self._found

    def seeds(self, name: Name) -> Mapping[int, Record]:
        """The records of a number, by seed."""
        return self._found.get(name, {})

    def parts(self, wanted: Iterable[Name]) -> tuple[str, ...]:
        """The parts that recorded any of these numbers."""
        return tuple(sorted({record.part for name in wanted for record in self.seeds(name).values()}))

    def cut_off(self, parts: Collection[str]) -> set[int]:
        """The seeds for which one of these parts was started and did not come to its end."""
        return {unit.seed for unit in self.units if unit.part in parts and unit.status in CUT_OFF}

    def is_once(self, name: Name) -> bool:
        """Whether a number comes from a part that is made with one seed by design."""
        return set(self.parts((name,))) <= self._once and len(self.seeds(name)) == 1

    def value(self, name: Name, seed: int) -> float:
        """A number for a seed; NaN where it was not recorded."""
        found = self.seeds(name)
        if seed in found:
            return found[seed].value
        return next(iter(found.values())).value if self.is_once(name) else math.nan

    def places(self, name: Name) -> list[Mapping[str, float]]:
        """Where on their axes a number's system was measured on its data set, by whatever metric."""
        return [
            dict(other.at)
            for other in self._found
            if other.at and (other.system, other.dataset) == (name.system, name.dataset)
        ]


@dataclass(frozen=True)
class Evidence:
    """What is known of one comparison's quantity, as improvements: larger is nearer to the claim.

    Args:
        standard: the comparison.
        by_seed: the improvement of each seed; -inf where the system failed, inf where the other side did.
        seeds, seeds_90: the mean with its 95% and 90% interval over seeds.
        items: the mean with its 95% interval over items, None where no items were stored.
        failed: the seeds with a number that is not finite.
    """

    standard: Standard
    by_seed: Mapping[int, float]
    seeds: intervals.Interval
    seeds_90: intervals.Interval
    items: intervals.Interval | None
    failed: tuple[int, ...] = ()

    @property
    def improvements(self) -> Sequence[float]:
        """Of every seed, seeds ascending."""
        return tuple(self.by_seed.values())

    @property
    def finite(self) -> list[float]:
        """The improvements that are numbers."""
        return [value for value in self.improvements if math.isfinite(value)]

    @property
    def seed_has_no_effect(self) -> bool:
        """Whether several seeds gave one number."""
        return len(self.by_seed) > 1 and not self.failed and len(set(self.improvements)) == 1


def gather(
    standard: Standard,
    measured: Measured,
    parts: Collection[str],
    *,
    correlation: bool = False,
) -> Evidence | None:
    """The evidence for one comparison; None where no seed has every number that it needs.

    Args:
        standard: the comparison.
        measured: the records.
        parts: the parts whose failure would leave a number of this claim unmeasured.
        correlation: whether numbers without an interval over their items are correlations over them.
    """
    wanted = standard.names
    cut_off = measured.cut_off(parts)
    varying = [name for name in wanted if not measured.is_once(name)] or list(wanted)
    common = set.intersection(*(set(measured.seeds(name)) | cut_off for name in varying))
    if not common:
        return None
    by_seed: dict[int, float] = {}
    failed = []
    for seed in sorted(common):
        values = {name: measured.value(name, seed) for name in wanted}
        by_seed[seed] = _improvement(standard, values)
        if not all(math.isfinite(value) for value in values.values()):
            failed.append(seed)
    bounds = [_over_seeds(standard, tuple(by_seed.values()), level) for level in (0.95, 0.90)]
    items = None if failed else _over_items(standard, measured, wanted, sorted(common), correlation)
    return Evidence(standard, by_seed, bounds[0], bounds[1], items, tuple(failed))


def _improvement(standard: Standard, values: Mapping[Name, float]) -> float:
    lost = [name for name, value in values.items() if not math.isfinite(value)]
    if lost:
        return _of_failure(standard, lost)
    improvement = standard.improvement(standard.measure(values))
    return improvement if math.isfinite(improvement) else -math.inf


def _of_failure(standard: Standard, lost: Sequence[Name]) -> float:
    """-inf, unless every number that is lost is one whose worst value speaks for the claim."""
    if standard.form == "band":
        return -math.inf
    directions = pushes(standard.quantity)
    for name in lost:
        side = better(name.metric)
        worst = 0 if side is None else (1 if side == "lower" else -1)
        if standard.sign * directions[name] * worst <= 0:
            return -math.inf
    return math.inf


def _over_seeds(standard: Standard, values: Sequence[float], level: float) -> intervals.Interval:
    """Student's t over seeds; failures push the interval out to their side."""
    finite = [value for value in values if math.isfinite(value)]
    if standard.form == "band" and len(finite) < len(values):
        inner = intervals.t_interval(finite, level) if finite else None
        # A difference without end lies on neither side: what is left of the interval says how much is known.
        return inner or intervals.Interval(math.inf, math.inf, math.inf)
    if len(values) == 1 and finite:
        return intervals.Interval(values[0], values[0], values[0])
    low = high = None
    if finite:
        _, low, high = intervals.t_interval(finite, level)
    if -math.inf in values:
        return intervals.Interval(-math.inf, -math.inf, -math.inf if high is None else high)
    if math.inf in values:
        return intervals.Interval(math.inf, -math.inf if low is None else low, math.inf)
    return intervals.t_interval(values, level)


def _over_items(
    standard: Standard, measured: Measured, wanted: Sequence[Name], seeds: Sequence[int], correlation: bool
) -> intervals.Interval | None:
    first = [_record(measured, name, seeds[0]) for name in wanted]
    if not any(record.n_items for record in first):
        return None
    if measured.items is not None and all(record.items for record in first):
        from octavo.ledger.items import resampled

        found = resampled(standard, measured, wanted, seeds)
        if found is not None:
            return found
    return _from_stored(standard, measured, wanted, seeds, correlation)


def _record(measured: Measured, name: Name, seed: int) -> Record:
    found = measured.seeds(name)
    return found[seed] if seed in found else next(iter(found.values()))


def _from_stored(
    standard: Standard, measured: Measured, wanted: Sequence[Name], seeds: Sequence[int], correlation: bool
) -> intervals.Interval | None:
    """Each number is moved to the ends of its stored interval in turn; the changes are added as squares.

    This takes the numbers' items as independent, which for items in common is too wide, never too narrow
    unless the errors of the two sides oppose each other.
    """
    centres, downs, ups = [], [], []
    for seed in seeds:
        records = {name: _record(measured, name, seed) for name in wanted}
        values = {name: record.value for name, record in records.items()}
        centre = standard.improvement(standard.measure(values))
        down = up = 0.0
        for name, record in records.items():
            ends = [
                standard.improvement(standard.measure({**values, name: end})) - centre
                for end in _ends(record, correlation)
            ]
            if not all(map(math.isfinite, ends)):
                return None
            down += min(*ends, 0.0) ** 2
            up += max(*ends, 0.0) ** 2
        centres.append(centre)
        downs.append(math.sqrt(down))
        ups.append(math.sqrt(up))
    value = fmean(centres)
    return intervals.Interval(value, value - fmean(downs), value + fmean(ups))


def _ends(record: Record, correlation: bool) -> tuple[float, float]:
    if correlation and math.isnan(record.item_low) and record.n_items:
        _, low, high = intervals.fisher(record.value, record.n_items)
        return low, high
    return record.item_low, record.item_high


def narrowed_to_90(interval: intervals.Interval) -> intervals.Interval:
    """A 95% interval over items as a 90% one, as far as it is normal.

    Example:
        >>> narrowed_to_90(intervals.Interval(0.0, -1.96, 1.96)).high.__round__(3)
        1.645
    """
    value, low, high = interval
    return intervals.Interval(value, value - (value - low) * _SHARE_90, value + (high - value) * _SHARE_90)
