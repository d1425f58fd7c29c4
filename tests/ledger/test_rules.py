import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.ledger import rules
from octavo.ledger.intervals import Interval
from octavo.ledger.judgement import WORST_FIRST, rank, worst

HOLDS, IN_DIRECTION, DOES_NOT_HOLD, UNDECIDED = "holds", "in direction", "does not hold", "undecided"


def question(
    value: float,
    half: float,
    margin: float,
    *,
    band: bool = False,
    strict: bool = False,
    improvements: tuple[float, ...] | None = None,
    control: bool = False,
    size_range: float = math.nan,
) -> rules.Question:
    return rules.Question(
        improvements=improvements if improvements is not None else (value - half, value, value + half),
        interval=Interval(value, value - half, value + half),
        interval_90=Interval(value, value - 0.7 * half, value + 0.7 * half),
        margin=margin,
        band=band,
        strict=strict,
        names_control=control,
        size_range=size_range,
    )


MIXED = (-1.0, 1.0)


@pytest.mark.parametrize(
    ("kind", "asked", "verdict"),
    [
        ("direction", question(3, 1, 0), HOLDS),
        ("direction", question(3, 1, 1), HOLDS),
        ("direction", question(3, 1, 2.5), IN_DIRECTION),
        ("direction", question(3, 1, 9), IN_DIRECTION),
        ("direction", question(1, 2, 0, improvements=(0.5, 1, 1.5)), IN_DIRECTION),
        ("direction", question(1, 2, 0, improvements=(0.5, 1.5)), UNDECIDED),
        ("direction", question(1, 2, 0, improvements=MIXED), UNDECIDED),
        ("direction", question(1, 2, 4, improvements=MIXED), DOES_NOT_HOLD),
        ("direction", question(-3, 1, 0), DOES_NOT_HOLD),
        ("direction", question(0, 0, 0), UNDECIDED),
        # Not worse than by 2: the margin takes the place of zero.
        ("direction", question(-0.5, 1, -2), HOLDS),
        ("direction", question(-0.5, 1, -1, improvements=(-0.9, -0.5, 0)), IN_DIRECTION),
        ("direction", question(-1.5, 1, -2, improvements=(-3.0, 0.0)), UNDECIDED),
        ("direction", question(-4, 1, -2), DOES_NOT_HOLD),
        ("size", question(1, 0.2, 1), HOLDS),
        ("size", question(1, 0.21, 1), IN_DIRECTION),
        ("size", question(0.3, 0.4, 1), DOES_NOT_HOLD),
        ("size", question(0.3, 0.2, 1), IN_DIRECTION),
        ("size", question(0.7, 0.8, 1), UNDECIDED),
        ("size", question(0.1, 0.05, 0), HOLDS),
        ("at least", question(0.8, 0.05, 0.75), HOLDS),
        ("at least", question(0.76, 0.05, 0.75), IN_DIRECTION),
        ("at least", question(0.74, 0.05, 0.75), UNDECIDED),
        ("at least", question(0.6, 0.05, 0.75), DOES_NOT_HOLD),
        ("at least", question(0.75, 0, 0.75), HOLDS),
        ("at least", question(0.75, 0, 0.75, strict=True), DOES_NOT_HOLD),
        ("equality", question(0, 1, 1.1, band=True), HOLDS),
        ("equality", question(0, 1, 0.6, band=True), UNDECIDED),
        ("equality", question(0.5, 0.9, 1, band=True), IN_DIRECTION),
        ("equality", question(0, 9, 1, band=True), UNDECIDED),
        ("equality", question(3, 1, 1, band=True), DOES_NOT_HOLD),
        ("equality", question(-3, 1, 1, band=True), DOES_NOT_HOLD),
        ("equality", question(1, 0, 1, band=True), HOLDS),
        ("equality", question(1, 0, 1, band=True, strict=True), DOES_NOT_HOLD),
        ("equality", question(0.5, 1, -1), HOLDS),
        ("equality", question(-0.5, 0.8, -1), IN_DIRECTION),
        ("equality", question(-3, 1, -1), DOES_NOT_HOLD),
        ("exactness", question(0, 0, 1e-9, band=True, improvements=(1e-10, -1e-10)), HOLDS),
        ("exactness", question(0, 0, 1e-9, band=True, improvements=(1e-10, -2e-9)), DOES_NOT_HOLD),
        ("exactness", question(0, 0, 2, improvements=(2, 3, math.nan)), DOES_NOT_HOLD),
        ("existence", question(1, 0, 1, control=True), HOLDS),
        ("existence", question(1, 0, 1), IN_DIRECTION),
        ("existence", question(1, 0, 1, control=True, improvements=(1, 0, 1)), IN_DIRECTION),
        ("existence", question(1, 0, 1, control=True, improvements=(0, 0)), DOES_NOT_HOLD),
        ("scaling", question(1, 0.05, 1.1 - 0.2, size_range=16), HOLDS),
        ("scaling", question(1, 0.05, 0.9, size_range=4), UNDECIDED),
        ("scaling", question(0, 0.05, 0.1, band=True), HOLDS),
        ("scaling", question(0, 0.5, 0.1, band=True), IN_DIRECTION),
        ("scaling", question(1, 0.5, 0.1, band=True), DOES_NOT_HOLD),
        ("scaling", question(0.2, 0.5, 0.1, band=True), UNDECIDED),
        ("correlation", question(0.5, 0.2, 0.6), HOLDS),
        ("correlation", question(0.4, 0.2, 0.6), IN_DIRECTION),
        ("correlation", question(0.1, 0.15, 0.6), DOES_NOT_HOLD),
        ("correlation", question(0.3, 0.4, 0.6), UNDECIDED),
        # A band is an equality, whatever the card calls it.
        ("direction", question(0, 1, 1.1, band=True), HOLDS),
        ("at least", question(3, 1, 1, band=True), DOES_NOT_HOLD),
    ],
)
def test_each_kind_by_hand(kind: str, asked: rules.Question, verdict: str) -> None:
    found, why = rules.ruling(kind, asked)
    assert found == verdict
    assert why


def test_an_opposite_sign_is_called_reversed() -> None:
    assert rules.ruling("direction", question(-3, 1, 0))[1].startswith("reversed")


def test_a_failed_rival_shows_no_size() -> None:
    asked = rules.Question((1.0, 1.0, math.inf), *[Interval(math.inf, 0.9, math.inf)] * 2, margin=0.5)
    assert rules.ruling("direction", asked)[0] == IN_DIRECTION
    assert rules.ruling("at least", asked)[0] == IN_DIRECTION


KINDS = st.sampled_from(["direction", "size", "at least", "equality", "exactness", "scaling", "correlation"])
NUMBER = st.floats(min_value=-10, max_value=10)


@given(KINDS, NUMBER, st.floats(0, 5), st.floats(0.01, 10), st.floats(0, 5), st.booleans())
def test_a_more_lenient_margin_never_loses_a_claim_that_holds(
    kind: str, value: float, half: float, margin: float, wider: float, band: bool
) -> None:
    lenient = margin + wider if band else margin - wider
    if rules.ruling(kind, question(value, half, margin, band=band))[0] == HOLDS:
        assert rules.ruling(kind, question(value, half, lenient, band=band))[0] == HOLDS


@given(KINDS, st.lists(st.floats(0.01, 9), min_size=1, max_size=5), st.floats(0, 5))
def test_no_claim_holds_where_every_seed_is_on_the_wrong_side(
    kind: str, shortfalls: list[float], margin: float
) -> None:
    values = tuple(-each for each in shortfalls)
    mean, half = sum(values) / len(values), max(values) - min(values)
    asked = question(mean, half, margin, improvements=values)
    assert rules.ruling(kind, asked)[0] not in (HOLDS, IN_DIRECTION)


def test_the_worst_comparison_decides() -> None:
    assert worst(["holds", "needs gpu", "undecided"]) == "needs gpu"
    assert worst(["needs gpu", "does not hold"]) == "does not hold"
    assert [rank(verdict) for verdict in WORST_FIRST] == sorted(range(5))
