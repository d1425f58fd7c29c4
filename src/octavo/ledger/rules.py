"""The rules: from the improvement's interval and the margin to a verdict, one rule for each kind of claim.

Δ is the improvement in the claimed direction, [low, high] its 95% interval, m the margin. Every rule tries
the verdicts in one order: holds, in direction, does not hold, undecided. `docs/ledger.md` has a table.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from octavo.ledger.intervals import Interval
from octavo.ledger.judgement import DOES_NOT_HOLD, HOLDS, IN_DIRECTION, UNDECIDED

ENOUGH_TO_AGREE = 3
"""So many seeds that all show the claimed sign are a direction, though not a proof."""
SIZE_SHARE = 0.8
"""A claimed size counts as reached from this share of it on."""
CORRELATION_SHARE = 0.5
"""A claimed correlation counts as reached from this share of it on."""
LEAST_RANGE = 8
"""An exponent is fitted over sizes that differ by at least this factor."""
_SLACK = 1e-9


@dataclass(frozen=True)
class Question:
    """All that a rule looks at.

    Args:
        improvements: one a seed, -inf for a failure, inf where the other side failed.
        interval: the 95% interval.
        interval_90: the 90% interval, for the two one-sided tests of an equality.
        margin: the smallest improvement that is claimed; half the width of a band.
        band: whether the claim is |Δ| <= margin.
        strict: whether reaching the margin exactly is not enough.
        names_control: whether the comparison names a control of the claim.
        size_range: the largest size that was measured over the smallest; NaN where sizes were not recorded.
    """

    improvements: Sequence[float]
    interval: Interval
    interval_90: Interval
    margin: float
    band: bool = False
    strict: bool = False
    names_control: bool = False
    size_range: float = math.nan

    def reaches(self, value: float, margin: float | None = None) -> bool:
        """Whether a value is on the claimed side of the margin; rounding in the tenth digit is forgiven."""
        margin = self.margin if margin is None else margin
        return value > margin if self.strict else value >= margin - _SLACK * abs(margin)

    def inside(self, low: float, high: float) -> bool:
        """Whether all of [low, high] is within the band."""
        return self.reaches(-high, -self.margin) and self.reaches(low, -self.margin)

    @property
    def agree(self) -> int:
        """How many seeds agree if all of them do, in a number that is enough to say so."""
        return len(self.improvements) if len(self.improvements) >= ENOUGH_TO_AGREE else 0


Ruling = tuple[str, str]
"""A verdict and why."""


def direction(question: Question) -> Ruling:
    """Better than, by the margin if there is one; with a negative margin: not worse than by that much."""
    _, low, high = question.interval
    margin = question.margin
    # "Better" without a margin is not fulfilled by a draw.
    if low > 0 if margin == 0 else question.reaches(low):
        return HOLDS, "the whole interval is on the claimed side"
    least = min(0.0, margin)
    if low > least:
        return IN_DIRECTION, "the whole interval has the claimed sign, but does not clear the margin"
    if question.agree and min(question.improvements) > least:
        sign = "are within the margin" if margin < 0 else "have the claimed sign"
        return IN_DIRECTION, f"all {question.agree} seeds {sign}, but the interval does not clear it"
    if high < 0 <= margin:
        return DOES_NOT_HOLD, "reversed: the whole interval has the opposite sign"
    if not question.reaches(high):
        return DOES_NOT_HOLD, "the whole interval is on the other side of the margin"
    return UNDECIDED, "the interval lies on both sides"


def size(question: Question) -> Ruling:
    """So much larger; a ratio's size is its logarithm. A bound that claims no improvement is a direction."""
    if question.margin <= 0:
        return direction(question)
    _, low, high = question.interval
    enough = SIZE_SHARE * question.margin
    if question.reaches(low, enough):
        return HOLDS, f"the whole interval has at least {SIZE_SHARE:g} of the claimed size"
    if low > 0:
        return IN_DIRECTION, "the whole interval has the claimed sign, but may be smaller than claimed"
    if high < enough:
        return DOES_NOT_HOLD, f"the whole interval is below {SIZE_SHARE:g} of the claimed size"
    return UNDECIDED, "the interval lies on both sides"


def at_least(question: Question) -> Ruling:
    """A level is reached."""
    value, low, high = question.interval
    if question.reaches(low):
        return HOLDS, "the whole interval is on the claimed side"
    if question.reaches(value):
        return IN_DIRECTION, "the mean is on the claimed side, the interval is not"
    if not question.reaches(high):
        return DOES_NOT_HOLD, "the whole interval is on the other side"
    return UNDECIDED, "the interval lies on both sides"


def equality(question: Question) -> Ruling:
    """As good as: two one-sided tests at 5%; never "no difference was found, so equal"."""
    value, low, high = question.interval
    _, low_90, high_90 = question.interval_90
    failed = not all(map(math.isfinite, question.improvements))
    if question.band:
        margin = question.margin
        holds, point = question.inside(low_90, high_90), question.inside(value, value)
        outside = low >= margin or high <= -margin
    else:
        margin = abs(question.margin)
        holds, point = question.reaches(low_90), question.reaches(value)
        outside = not question.reaches(high)
    if holds and not failed:
        return HOLDS, "the 90% interval is within the margin (two one-sided tests)"
    if point and not failed and high - low <= 2 * margin:
        return IN_DIRECTION, "the mean is within the margin, the 90% interval is not quite"
    if outside:
        return DOES_NOT_HOLD, "the whole interval is outside the margin"
    return UNDECIDED, "the interval lies on both sides of the margin"


def exactness(question: Question) -> Ruling:
    """Every instance of every seed; one counterexample is enough."""
    if question.band:
        wrong = sum(not question.inside(value, value) for value in question.improvements)
    else:
        wrong = sum(not question.reaches(value) for value in question.improvements)
    if wrong:
        return DOES_NOT_HOLD, f"a counterexample in {wrong} of {len(question.improvements)} seeds"
    return HOLDS, "within the tolerance in every seed"


def existence(question: Question) -> Ruling:
    """An instance was found; it counts in full where a control shows that mere search does not find one."""
    if question.band:
        found = [question.inside(value, value) for value in question.improvements]
    else:
        found = [question.reaches(value) for value in question.improvements]
    count = f"{sum(found)} of {len(found)} seeds"
    if not any(found):
        return DOES_NOT_HOLD, f"found in {count}"
    if not question.names_control:
        return IN_DIRECTION, f"found in {count}, with no control beside it"
    if not all(found):
        return IN_DIRECTION, f"found beyond the control in {count}"
    return HOLDS, f"found beyond the control in {count}"


def scaling(question: Question) -> Ruling:
    """A fitted exponent is on the claimed side of what separates the claim from its rival."""
    if question.size_range < LEAST_RANGE:
        return (
            UNDECIDED,
            f"the sizes differ by {question.size_range:.3g} times, an exponent needs {LEAST_RANGE}",
        )
    if not question.band:
        return at_least(question)
    value, low, high = question.interval
    if question.inside(low, high):
        return HOLDS, "the whole interval is within the claimed range"
    if question.inside(value, value):
        return IN_DIRECTION, "the mean is within the claimed range, the interval is not"
    if low > question.margin or high < -question.margin:
        return DOES_NOT_HOLD, "the whole interval is outside the claimed range"
    return UNDECIDED, "the interval lies on both sides"


def correlation(question: Question) -> Ruling:
    """A rank correlation of the claimed sign and of at least half the claimed size."""
    if question.margin <= 0:
        return direction(question)
    _, low, high = question.interval
    enough = CORRELATION_SHARE * question.margin
    if low > 0 and question.reaches(low, enough):
        return HOLDS, f"the whole interval has at least {CORRELATION_SHARE:g} of the claimed size"
    if low > 0:
        return IN_DIRECTION, "the whole interval has the claimed sign, but may be smaller than claimed"
    if high < enough:
        return DOES_NOT_HOLD, f"the whole interval is below {CORRELATION_SHARE:g} of the claimed size"
    return UNDECIDED, "the interval lies on both sides"


RULES: dict[str, Callable[[Question], Ruling]] = {
    "direction": direction,
    "size": size,
    "at least": at_least,
    "equality": equality,
    "exactness": exactness,
    "existence": existence,
    "scaling": scaling,
    "correlation": correlation,
}

BY_INTERVAL = ("direction", "size", "at least", "equality", "scaling", "correlation")
"""Kinds whose verdict can be wrong by chance."""
TURNED_INTO_EQUALITY = ("direction", "size", "at least", "correlation")
"""Kinds whose rule has no two sides: abs(...) <= m is an equality there."""
WITH_MARGIN = ("direction", "size", "equality", "exactness", "correlation")
"""Kinds whose bound is a margin, so that half and twice of it can be asked."""
ON_LOG_SCALE = ("direction", "size", "at least", "equality", "scaling")
"""Kinds in which a comparison of a ratio is judged by the ratio's logarithm."""


def is_equality(kind: str, band: bool) -> bool:
    """Whether a claim is judged by the rule of equality."""
    return kind == "equality" or (band and kind in TURNED_INTO_EQUALITY)


def ruling(kind: str, question: Question) -> Ruling:
    """The verdict by the rule of a kind, and why; infinite improvements show a sign and no size."""
    rule = equality if is_equality(kind, question.band) else RULES[kind]
    verdict, why = rule(question)
    if verdict == HOLDS and math.inf in question.improvements and kind in BY_INTERVAL:
        return IN_DIRECTION, "what it is compared with failed, which shows a sign and no size"
    return verdict, why
