"""What a reader should know beside a verdict: a stronger control, an absent one, a noisy clock."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from octavo.catalogue import Claim
from octavo.ledger import printing
from octavo.ledger.evaluate import pushes
from octavo.ledger.evidence import Measured
from octavo.ledger.expression import Comparison, Name
from octavo.ledger.judgement import Component
from octavo.ledger.metrics import better, is_timed
from octavo.ledger.rules import BY_INTERVAL
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
    names = _names(comparisons)
    # An identity or a count is not a contest.
    praised = [name for each in comparisons for name in _praised(each)] if claim.kind in BY_INTERVAL else []
    found = []
    for control in claim.controls:
        if not any(_instead(name, control) in measured for name in names):
            found.append(f"the control {control} was not measured")
        beside = {name: _instead(name, control) for name in dict.fromkeys(praised) if name.system != control}
        known = {name: other for name, other in beside.items() if other in measured}
        stronger = [
            name for name, other in known.items() if _is_better(_mean(measured, other), name, measured)
        ]
        if stronger:
            first = stronger[0]
            its, own = (printing.number(_mean(measured, name)) for name in (known[first], first))
            more = f", and {len(stronger) - 1} more of {len(known)}" if len(stronger) > 1 else ""
            found.append(f"a simple baseline is stronger: {known[first]} = {its}, {first} = {own}{more}")
    return found


def _mean(measured: Measured, name: Name) -> float:
    return fmean(record.value for record in measured.seeds(name).values())


def _is_better(value: float, name: Name, measured: Measured) -> bool:
    own = _mean(measured, name)
    return value > own if better(name.metric) == "higher" else value < own


def _instead(name: Name, system: str) -> Name:
    return replace(name, system=system)


def _names(comparisons: Sequence[Comparison]) -> list[Name]:
    return [name for comparison in comparisons for name in pushes(standard(comparison).quantity)]


def _praised(comparison: Comparison) -> list[Name]:
    """The numbers of which the claim says that they are good; of an equality those that stand first."""
    form = standard(comparison)
    good = {"higher": 1, "lower": -1}
    found = []
    for name, sign in pushes(form.quantity).items():
        side = good.get(better(name.metric) or "", 0)
        if (sign > 0 and side) if form.form == "band" else form.sign * sign * side > 0:
            found.append(name)
    return found


def _clocks(comparisons: Sequence[Comparison], components: Sequence[Component]) -> list[str]:
    for comparison, component in zip(comparisons, components, strict=True):
        # What is claimed to be zero has no relative width; its margin says what is wide.
        if standard(comparison).form == "band":
            continue
        timed = any(is_timed(name.metric) for name in _names([comparison]))
        if timed and component.value > 0 and math.isfinite(component.high - component.low):
            half = (component.high - component.low) / 2 / component.value
            if half > NOISY:
                return [f"the interval of the times is ±{half:.0%}"]
    return []
