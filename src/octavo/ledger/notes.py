"""What a reader should know beside a verdict: a stronger control, an absent one, a noisy clock."""

import math
from collections.abc import Sequence
from statistics import fmean

from octavo.catalogue import Claim
from octavo.ledger import printing
from octavo.ledger.evaluate import pushes
from octavo.ledger.evidence import Measured
from octavo.ledger.expression import Comparison, Name
from octavo.ledger.judgement import Component
from octavo.ledger.metrics import better, is_timed
from octavo.ledger.standard import standard

NOISY = 0.1
"""The half width, relative, from which on an interval of times says little."""


def notes(
    claim: Claim, comparisons: Sequence[Comparison], measured: Measured, components: Sequence[Component]
) -> str:
    """The notes on a claim as one line, "" where there is nothing to say."""
    found = [*_controls(claim, comparisons, measured), *_clocks(comparisons, components)]
    return "; ".join(dict.fromkeys(found))


def _controls(claim: Claim, comparisons: Sequence[Comparison], measured: Measured) -> list[str]:
    praised = [name for comparison in comparisons for name in _praised(comparison)]
    found = []
    for control in claim.controls:
        beside = [(name, Name(name.metric, control, name.dataset, name.at)) for name in praised]
        known = [(name, other) for name, other in beside if other in measured and name.system != control]
        compared = any(name.system == control for name in _names(comparisons))
        if not known and not compared:
            found.append(f"the control {control} was not measured")
        for name, other in known:
            mine, its = (
                fmean(record.value for record in measured.seeds(each).values()) for each in (name, other)
            )
            if its > mine if better(name.metric) == "higher" else its < mine:
                found.append(
                    f"a simple baseline is stronger: {other} = {printing.number(its)}, "
                    f"{name} = {printing.number(mine)}"
                )
    return found


def _names(comparisons: Sequence[Comparison]) -> list[Name]:
    return [name for comparison in comparisons for name in pushes(standard(comparison).quantity)]


def _praised(comparison: Comparison) -> list[Name]:
    """The numbers of which the claim says that they are good."""
    form = standard(comparison)
    if form.form == "band":
        return []
    good = {"higher": 1, "lower": -1}
    return [
        name
        for name, sign in pushes(form.quantity).items()
        if form.sign * sign * good.get(better(name.metric) or "", 0) > 0
    ]


def _clocks(comparisons: Sequence[Comparison], components: Sequence[Component]) -> list[str]:
    for comparison, component in zip(comparisons, components, strict=True):
        timed = any(is_timed(name.metric) for name in _names([comparison]))
        if timed and component.value > 0 and math.isfinite(component.high - component.low):
            half = (component.high - component.low) / 2 / component.value
            if half > NOISY:
                return [f"the interval of the times is ±{half:.0%}"]
    return []
