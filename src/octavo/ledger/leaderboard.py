"""All systems of all papers on one data set, best first."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.catalogue.suggest import did_you_mean
from octavo.errors import OctavoError
from octavo.lab.folder import Run
from octavo.lab.records import Record
from octavo.ledger import published
from octavo.ledger.evaluate import pushes
from octavo.ledger.intervals import Interval, t_interval
from octavo.ledger.judging import check_condition
from octavo.ledger.metrics import Better, better, is_share
from octavo.ledger.standard import split, standard


@dataclass(frozen=True)
class Row:
    """One system of one paper by one metric.

    Args:
        mean: over seeds; NaN where a seed has no finite value, which ranks last.
        low, high: the 95% interval over seeds; over items where there is one seed; NaN without either.
        better: which values are; "higher" is assumed where neither metric nor claims tell.
        assumed: whether it was.
    """

    dataset: str
    metric: str
    system: str
    paper: str
    part: str
    mean: float
    low: float
    high: float
    seeds: int
    scale: str
    unit: str
    better: Better
    assumed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that are not finite become None."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in values.items()
        }


def compare(dataset: str, runs: Iterable[Run] = (), *, scale: str = "laptop") -> list[Row]:
    """Every system that was measured on a data set, one metric after the other, best first within each.

    Args:
        dataset: its name, in upper or lower case.
        runs: runs made here, shown in the place of what their papers have published at that scale.
        scale: of the records that are compared; numbers of different scales do not compare.

    Raises:
        OctavoError: nothing was measured on a data set of that name; the message suggests others.
    """
    found = _measured(runs, scale)
    known = dict.fromkeys(record.dataset for _, record in found)
    name = next((each for each in known if each.casefold() == dataset.strip().casefold()), None)
    if name is None:
        hint = did_you_mean(dataset, known) or (
            f" Measured were: {', '.join(sorted(known))}." if known else " Nothing is published yet."
        )
        raise OctavoError(f"Nothing was measured on {dataset!r} at scale {scale}.{hint}")
    return _ranked([pair for pair in found if pair[1].dataset == name])


def every(*, scale: str = "laptop") -> dict[str, list[Row]]:
    """`compare` for every data set on which something is published, reading the records once.

    Args:
        scale: of the records that are compared.
    """
    by_name: dict[str, list[tuple[Paper, Record]]] = {}
    for pair in _measured((), scale):
        by_name.setdefault(pair[1].dataset, []).append(pair)
    return {name: _ranked(by_name[name]) for name in sorted(by_name)}


def _measured(runs: Iterable[Run], scale: str) -> list[tuple[Paper, Record]]:
    here = {run.paper: run for run in runs if run.scale == scale}
    found: list[tuple[Paper, Record]] = []
    for paper in catalogue.papers():
        chosen = [here[paper.slug]] if paper.slug in here else published.runs(paper)
        found += [(paper, r) for run in chosen if run.scale == scale for r in run.records() if not r.at]
    return found


def _ranked(found: list[tuple[Paper, Record]]) -> list[Row]:
    groups: dict[tuple[str, str, str, str], list[Record]] = {}
    papers: dict[str, Paper] = {}
    for paper, record in found:
        papers[paper.slug] = paper
        groups.setdefault((record.metric, paper.slug, record.system, record.part), []).append(record)
    sides = {metric: _side(metric, papers.values()) for metric in {key[0] for key in groups}}
    rows = [_row(group, sides[key[0]]) for key, group in groups.items()]
    return sorted(rows, key=_order)


def tables(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each metric, in their order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.metric, []).append(row)
    return found


def _row(records: list[Record], side: tuple[Better, bool]) -> Row:
    values = [record.value for record in records]
    first = records[0]
    interval = Interval(math.nan, math.nan, math.nan)
    if all(map(math.isfinite, values)):
        interval = (
            t_interval(values) if len(values) > 1 else Interval(values[0], first.item_low, first.item_high)
        )
        if len(values) > 1 and interval.width == 0:
            ends = [fmean(getattr(r, end) for r in records) for end in ("item_low", "item_high")]
            interval = Interval(interval.value, *ends)
    if is_share(first.metric) and all(0 <= value <= 1 for value in values):
        # Student's t knows no bounds, and a few seeds near the top would promise more than all.
        interval = Interval(interval.value, max(interval.low, 0.0), min(interval.high, 1.0))
    return Row(
        dataset=first.dataset,
        metric=first.metric,
        system=first.system,
        paper=first.paper,
        part=first.part,
        mean=interval.value,
        low=interval.low,
        high=interval.high,
        seeds=len(values),
        scale=first.scale,
        unit=first.unit,
        better=side[0],
        assumed=side[1],
    )


def _order(row: Row) -> tuple[str, bool, float, str, str]:
    value = row.mean if math.isfinite(row.mean) else 0.0
    return row.metric, math.isnan(row.mean), value if row.better == "lower" else -value, row.paper, row.system


def _side(metric: str, papers: Iterable[Paper]) -> tuple[Better, bool]:
    """Which values of a metric are better, and whether that had to be assumed."""
    known = better(metric)
    if known is not None:
        return known, False
    for paper in papers:
        for claim in paper.claims:
            for comparison in check_condition(claim.condition).comparisons:
                for single in split(comparison):
                    form = standard(single)
                    for name, sign in pushes(form.quantity).items():
                        # The side that a claim praises stands first, with the sign of the comparison.
                        if name.metric == metric and form.form != "band" and sign:
                            return ("higher" if sign * form.sign > 0 else "lower"), False
    return "higher", True
