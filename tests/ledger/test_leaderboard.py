"""A row of a leaderboard: what its interval may promise."""

import math

import pytest

from octavo.lab.records import Record
from octavo.ledger.leaderboard import _row


def records(metric: str, values: list[float]) -> list[Record]:
    return [
        Record("aaren", "part", "system", "D", metric, value, seed=seed) for seed, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("metric", "values", "low", "high"),
    [
        ("accuracy", [0.9, 0.99, 1.0], 0.831, 1.0),
        ("test_accuracy", [0.0, 0.05, 0.0], 0.0, 0.088),
        # A percentage is no share, and a loss has no upper bound.
        ("accuracy", [90.0, 99.0, 100.0], 82.65, 110.01),
        ("loss", [0.9, 0.99, 1.0], 0.827, 1.1),
    ],
)
def test_no_interval_leaves_what_the_metric_can_be(
    metric: str, values: list[float], low: float, high: float
) -> None:
    row = _row(records(metric, values), ("higher", False))
    assert (row.low, row.high) == pytest.approx((low, high), abs=6e-3)


def test_one_seed_without_items_has_no_interval() -> None:
    row = _row(records("accuracy", [0.9]), ("higher", False))
    assert row.mean == 0.9
    assert math.isnan(row.low)
    assert math.isnan(row.high)
