import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.ledger.metrics import better, is_timed
from octavo.ledger.printing import faithful, number, with_interval


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.0211, 0.0101, 0.0321), "0.021 [0.010, 0.032]"),
        ((98.123, 97.0, 99.2), "98.1 [97.0, 99.2]"),
        ((3152896.0,) * 3, "3152896"),
        ((1.5e-13,) * 3, "1.5e-13"),
        ((-0.001, -0.02, 0.018), "-0.001 [-0.020, 0.018]"),
        ((-math.inf, -math.inf, 0.5), "-inf [-inf, 0.5]"),
    ],
)
def test_digits_follow_the_interval(values: tuple[float, float, float], text: str) -> None:
    assert with_interval(*values) == text


def test_rounding_does_not_cross_a_bound() -> None:
    assert with_interval(0.0499, 0.0399, 0.0599, (0.05,)) == "0.0499 [0.040, 0.060]"
    assert faithful(0.04999999, None, (0.05,)) == "0.04999999"


@given(
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.one_of(st.none(), st.integers(0, 4)),
)
def test_a_printed_number_is_on_its_own_side(value: float, bound: float, decimals: int | None) -> None:
    printed = float(faithful(value, decimals, (bound,)))
    assert (printed > bound, printed < bound) == (value > bound, value < bound)


def test_nothing_is_printed_as_minus_zero() -> None:
    assert number(-0.0001, 2) == "0.00"


@pytest.mark.parametrize(
    ("metric", "side"),
    [
        ("accuracy", "higher"),
        ("top5_accuracy", "higher"),
        ("recall@10", "higher"),
        ("recall_at_5", "higher"),
        ("nll", "lower"),
        ("test_loss", "lower"),
        ("seconds_per_token", "lower"),
        ("slope", None),
    ],
)
def test_which_side_of_a_metric_is_better(metric: str, side: str | None) -> None:
    assert better(metric) == side


def test_what_belongs_to_the_machine() -> None:
    assert is_timed("seconds")
    assert is_timed("training_seconds")
    assert not is_timed("state_bytes")
