"""The interval over items of a comparison, where the items are at hand: the paired bootstrap."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from octavo.ledger import intervals
from octavo.ledger.evaluate import Functions, evaluate
from octavo.ledger.expression import Name
from octavo.ledger.standard import Standard

if TYPE_CHECKING:
    from octavo.ledger.evidence import Measured

ARRAYS: Functions = {
    "abs": np.abs,
    "log": lambda values: np.log(np.where(np.asarray(values) > 0, values, np.nan)),
    "mean": lambda *values: sum(values) / len(values),
    "sum": lambda *values: sum(values),
    "min": lambda *values: np.minimum.reduce(np.broadcast_arrays(*values)),
    "max": lambda *values: np.maximum.reduce(np.broadcast_arrays(*values)),
}
"""What a condition's functions do with arrays of resampled values."""


def resampled(
    standard: Standard, measured: "Measured", wanted: Sequence[Name], seeds: Sequence[int]
) -> intervals.Interval | None:
    """The improvement with its BCa interval over items; None where the items do not allow it.

    Systems measured on the same data set are resampled together, item by item; data sets independently. The
    values of an item are averaged over seeds first, so that seeds are not taken for further items.
    """
    columns: dict[Name, Any] = {}
    for name in wanted:
        column = _column(measured, name, seeds)
        if column is None:
            return None
        columns[name] = column
    groups: dict[str, list[Name]] = {}
    for name in wanted:
        groups.setdefault(name.dataset, []).append(name)
    stacked = []
    for members in groups.values():
        if len({len(columns[name]) for name in members}) != 1:
            return None
        stacked.append([columns[name] for name in members])
    order = [name for members in groups.values() for name in members]

    def statistic(means: Any) -> Any:
        with np.errstate(all="ignore"):
            return _improvement(standard, dict(zip(order, means, strict=True)))

    found = intervals.bootstrap(stacked, statistic)
    return found if math.isfinite(found.low) and math.isfinite(found.high) else None


def _column(measured: "Measured", name: Name, seeds: Sequence[int]) -> Any:
    """A number's items, averaged over seeds; None where the number is not their mean."""
    assert measured.items is not None
    rows = []
    for seed in seeds:
        found = measured.seeds(name)
        record = found[seed] if seed in found else next(iter(found.values()))
        values = measured.items(record)
        if values is None or len(values) < 2:
            return None
        values = np.asarray(values, dtype=np.float64)
        if not math.isclose(record.value, float(values.mean()), rel_tol=1e-4, abs_tol=1e-7):
            return None
        rows.append(values)
    return np.mean(rows, axis=0) if len({len(row) for row in rows}) == 1 else None


def _improvement(standard: Standard, values: Mapping[Name, Any]) -> Any:
    quantity = evaluate(standard.quantity, values, ARRAYS)
    if standard.form == "band":
        return quantity
    if standard.form == "ratio":
        quantity = ARRAYS["log"](quantity)
    return standard.sign * quantity
