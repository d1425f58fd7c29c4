"""Measure again what is published, and say which numbers left their interval."""

import math
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from octavo import catalogue
from octavo.errors import OctavoError
from octavo.lab.folder import UnitLine, resolved
from octavo.lab.records import Record, Records
from octavo.ledger import published
from octavo.ledger.intervals import spread, t_interval
from octavo.ledger.metrics import is_timed

BAND = 3.0
"""So many standard deviations over seeds may lie between measurements of one seed on two machines."""
SHARE = 1e-3
"""What may lie between them where no spread is known, as a share of the number."""
SAME_MACHINE = ("cpu", "platform", "gpu", "threads", "python")

State = Literal["equal", "inside", "outside", "timing", "absent"]


@dataclass(frozen=True)
class Verified:
    """One number, published and measured again.

    Args:
        published: its mean over all published seeds, with the 95% interval `low`, `high`.
        again: its mean over the seeds that were measured again.
        before: its published mean over the same seeds.
        band: how far `again` may lie from `before`.
        state: "equal" bit by bit; "inside" or "outside" the band; "timing" is told and not judged;
            "absent" if it was not measured again.
    """

    part: str
    system: str
    dataset: str
    metric: str
    at: tuple[tuple[str, float], ...]
    published: float
    low: float
    high: float
    again: float
    before: float
    band: float
    seeds: tuple[int, ...]
    state: State

    @property
    def passed(self) -> bool:
        """Whether the number was confirmed, or is one that is not judged."""
        return self.state not in ("outside", "absent")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that are not finite become None."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["at"], values["seeds"], values["passed"] = dict(self.at), list(self.seeds), self.passed
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in values.items()
        }


@dataclass(frozen=True)
class Verification:
    """What came of measuring a paper again.

    Args:
        rows: one a number.
        same_machine: whether the machine is like the published one, so that every bit should repeat.
        ended_badly: the units that did not come to their end this time.
    """

    paper: str
    scale: str
    rows: tuple[Verified, ...]
    same_machine: bool
    ended_badly: tuple[UnitLine, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every number was confirmed."""
        return not self.ended_badly and all(row.passed for row in self.rows)


def verify(
    paper: str | catalogue.Paper,
    *,
    seeds: int | None = 1,
    parts: Iterable[str] | None = None,
    scale: str = "laptop",
    jobs: int | Literal["auto"] = "auto",
    folder: Path | None = None,
    progress: bool = True,
) -> Verification:
    """Measure a paper again in a folder of its own, and compare with what is published.

    Args:
        paper: a slug, or a paper of the catalogue.
        seeds: how many, from seed 0 on; None for all that were published.
        parts: names of the parts to measure again; all where absent.
        scale: of the published run.
        jobs: processes side by side.
        folder: where the new records go; a temporary one where absent.
        progress: show on stderr how it goes.

    Raises:
        OctavoError: nothing is published for the paper at that scale.
    """
    from octavo import runner

    card = catalogue.paper(paper) if isinstance(paper, str) else paper
    known = next((run for run in published.runs(card) if run.scale == scale), None)
    if known is None:
        raise OctavoError(
            f"{card.slug} has no published records at scale {scale}; `octavo run {card.slug}` measures it."
        )
    config = runner.plan(card, scale).config
    changed = {
        name: value
        for name, value in known.config.items()
        if name != "seeds" and _differs(config, name, value)
    }
    count = seeds if seeds is not None else known.config.get("seeds")
    plan = runner.plan(card, scale, changed, seeds=count, parts=parts)
    with tempfile.TemporaryDirectory(prefix="octavo-verify-") as temporary:
        root = folder or Path(temporary)
        plan = replace(plan, folder=root / card.slug / plan.folder.name)
        outcome = runner.run(plan, jobs=jobs, progress=progress)
        chosen = {unit.part for unit in plan.units}
        timed = {part.name for part in plan.parts if part.timed}
        rows = compare(known.records().where(part=chosen), outcome.run.records(), timed)
        new = outcome.run.units()
    bad = tuple(unit for unit in new if unit.status in ("failed", "timeout", "needs"))
    was_bad = {(unit.part, unit.seed): unit.status for unit in known.units()}
    bad = tuple(unit for unit in bad if was_bad.get((unit.part, unit.seed)) != unit.status)
    return Verification(card.slug, scale, rows, _same_machine(known.units(), new), bad)


def compare(
    known: Sequence[Record], again: Sequence[Record], timed: Iterable[str] = ()
) -> tuple[Verified, ...]:
    """Published and new records side by side, in the published order.

    Args:
        known: the published records.
        again: the new ones.
        timed: the parts that measure time, whose numbers are told and not judged.
    """
    groups: dict[Any, dict[int, float]] = {}
    for record in known:
        groups.setdefault(_key(record), {})[record.seed] = record.value
    fresh: dict[Any, dict[int, float]] = {}
    for record in again:
        fresh.setdefault(_key(record), {})[record.seed] = record.value
    measured_seeds = set(Records(again).seeds)
    rows = []
    for key, values in groups.items():
        # A number whose seeds were not asked for again is not missing.
        if key in fresh or measured_seeds & set(values):
            rows.append(_row(key, values, fresh.get(key, {}), key[0] in set(timed)))
    return tuple(rows)


def _key(record: Record) -> tuple[str, str, str, str, Any]:
    return record.part, record.system, record.dataset, record.metric, record.at


def _row(key: Any, old: dict[int, float], new: dict[int, float], timed: bool) -> Verified:
    part, system, dataset, metric, at = key
    both = tuple(sorted(set(old) & set(new)))
    finite = [value for value in old.values() if math.isfinite(value)]
    mean, low, high = t_interval(finite) if len(finite) == len(old) else (math.nan, math.nan, math.nan)
    before = fmean(old[seed] for seed in both) if both else math.nan
    again = fmean(new[seed] for seed in both) if both else math.nan
    counted = all(value.is_integer() for value in [*finite, *new.values()] if math.isfinite(value))
    band = BAND * spread(finite) if len(finite) > 1 else 0.0
    if band == 0 and not counted:
        # One seed, or seeds without effect: another machine rounds otherwise, and little more.
        band = SHARE * abs(before) if math.isfinite(before) else 0.0
    state: State
    if not both:
        state = "absent"
    elif all(_same(old[seed], new[seed]) for seed in both):
        state = "equal"
    elif is_timed(metric) or (timed and not counted):
        state = "timing"
    else:
        state = "inside" if abs(again - before) <= band else "outside"
    return Verified(part, system, dataset, metric, at, mean, low, high, again, before, band, both, state)


def _same(first: float, second: float) -> bool:
    return first == second or (math.isnan(first) and math.isnan(second))


def _differs(config: Any, name: str, value: Any) -> bool:
    return resolved(config).get(name) != value


def _same_machine(known: Iterable[UnitLine], new: Iterable[UnitLine]) -> bool:
    def classes(units: Iterable[UnitLine]) -> set[str]:
        return {
            str([unit.provenance.get(name) for name in SAME_MACHINE] + [unit.provenance.get("packages")])
            for unit in units
            if unit.provenance
        }

    old, now = classes(known), classes(new)
    return len(old) == 1 and old == now
