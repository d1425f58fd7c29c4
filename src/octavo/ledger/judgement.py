"""What the ledger says of one claim: the verdict, the numbers it was computed from, and why."""

import math
from dataclasses import dataclass, field
from typing import Any

from octavo.catalogue import Claim

HOLDS = "holds"
IN_DIRECTION = "in direction"
DOES_NOT_HOLD = "does not hold"
UNDECIDED = "undecided"
NEEDS = "needs "
"""A verdict of this kind goes on with the name of what it needs: "needs gpu"."""

NOT_MEASURED = "not measured yet"
"""How `Judgement.why` begins when no record speaks to the claim and nothing is known to be missing."""

WORST_FIRST = (DOES_NOT_HOLD, NEEDS, UNDECIDED, IN_DIRECTION, HOLDS)
"""A claim of several comparisons has the verdict of the one that stands first here."""


def rank(verdict: str) -> int:
    """The place of a verdict in `WORST_FIRST`.

    Example:
        >>> rank("needs gpu") < rank("holds")
        True
    """
    return WORST_FIRST.index(NEEDS if verdict.startswith(NEEDS) else verdict)


def worst(verdicts: list[str]) -> str:
    """The verdict of a claim whose comparisons have these verdicts.

    Example:
        >>> worst(["holds", "in direction", "holds"])
        'in direction'
    """
    return min(verdicts, key=rank)


@dataclass(frozen=True)
class Effect:
    """How large a difference is, in three units; NaN where a unit does not apply.

    Args:
        absolute: in the metric's own unit, as the condition writes it.
        relative: divided by the size of the other side.
        deviations: divided by the standard deviation over seeds.
    """

    absolute: float = math.nan
    relative: float = math.nan
    deviations: float = math.nan


@dataclass(frozen=True)
class Component:
    """One comparison of a claim's condition, for one data set where it is made for several.

    Args:
        comparison: the comparison as text, with the data set it was made for.
        quantity: what was measured: the comparison's left side less its right side, without constants.
        threshold: what the quantity is compared with, such as ">= -0.02".
        verdict, why: of this comparison alone.
        value, low, high: the quantity and its interval; NaN where there is none.
        level: the level of that interval, 0.95, or 0.9 where two one-sided tests were made.
        by_seed: the quantity of each seed.
        item_low, item_high: the second interval, over test items; NaN where none was stored.
        effect: the size of the effect.
        halved, doubled: the verdict with half and with twice the margin; "" where the rule has no margin.
    """

    comparison: str
    quantity: str
    threshold: str
    verdict: str
    why: str = ""
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = 0.95
    by_seed: tuple[tuple[int, float], ...] = ()
    item_low: float = math.nan
    item_high: float = math.nan
    effect: Effect = field(default_factory=Effect)
    halved: str = ""
    doubled: str = ""
    measured: str = ""


@dataclass(frozen=True)
class Judgement:
    """The verdict on one claim.

    Args:
        paper: the paper's slug.
        claim: the claim as its card has it.
        verdict: "holds", "in direction", "does not hold", "undecided" or "needs NAME".
        measured: the quantity with its interval and number of seeds, as text; "" where nothing was measured.
        value, low, high: of the component that decided the verdict.
        seeds: how many seeds stand behind it.
        scale: the scale of the records, "" where there are none.
        why: the rule and what decided it, in one line.
        components: one a comparison and data set, in the order of the condition.
        command: what measures this claim again.
        note: what a reader should know beside the verdict, such as a simple baseline that is stronger.
        halved, doubled: the verdict with half and with twice the margin; "" where the rule has no margin.
    """

    paper: str
    claim: Claim
    verdict: str
    measured: str = ""
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    seeds: int = 0
    scale: str = ""
    why: str = ""
    components: tuple[Component, ...] = ()
    command: str = ""
    note: str = ""
    effect: Effect = field(default_factory=Effect)
    halved: str = ""
    doubled: str = ""

    @property
    def id(self) -> str:
        """The claim's name within its paper."""
        return self.claim.id

    @property
    def place(self) -> str:
        """Where the verdict was reached, such as "laptop: 5 seeds"; "" where nothing was measured."""
        if not self.seeds:
            return ""
        return f"{self.scale}: {self.seeds} seed{'s' if self.seeds != 1 else ''}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that are not finite become None."""
        return {
            "paper": self.paper,
            "claim": self.claim.id,
            "says": self.claim.says,
            "kind": self.claim.kind,
            "paper_figure": self.claim.figure,
            "source": self.claim.source,
            "condition": self.claim.condition,
            "verdict": self.verdict,
            "scale": self.scale,
            "seeds": self.seeds,
            "seeds_planned": self.claim.seeds,
            "measured": self.measured,
            "value": _finite(self.value),
            "low": _finite(self.low),
            "high": _finite(self.high),
            "unit": self.claim.unit,
            "why": self.why,
            "note": self.note,
            "effect": {
                "absolute": _finite(self.effect.absolute),
                "relative": _finite(self.effect.relative),
                "deviations": _finite(self.effect.deviations),
            },
            "sensitivity": {"half_margin": self.halved, "double_margin": self.doubled},
            "components": [
                {
                    "comparison": part.comparison,
                    "quantity": part.quantity,
                    "threshold": part.threshold,
                    "verdict": part.verdict,
                    "why": part.why,
                    "measured": part.measured,
                    "value": _finite(part.value),
                    "low": _finite(part.low),
                    "high": _finite(part.high),
                    "level": part.level,
                    "by_seed": {str(seed): _finite(value) for seed, value in part.by_seed},
                    "item_low": _finite(part.item_low),
                    "item_high": _finite(part.item_high),
                }
                for part in self.components
            ],
            "caveat": self.claim.caveat,
            "later": self.claim.later,
            "later_source": self.claim.later_source,
            "command": self.command,
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
