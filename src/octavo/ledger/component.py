"""One comparison of a claim: its evidence, the interval that counts, the rule, and the numbers as text."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from octavo.catalogue import Claim
from octavo.ledger import printing, rules
from octavo.ledger.evaluate import evaluate
from octavo.ledger.evidence import Evidence, Measured, gather, narrowed_to_90
from octavo.ledger.expression import Binary, Call, Comparison, Expression, names
from octavo.ledger.intervals import Interval, spread
from octavo.ledger.judgement import DOES_NOT_HOLD, UNDECIDED, Component, Effect
from octavo.ledger.standard import Standard, standard

MUCH_WIDER = 2.0
"""Of the intervals over seeds and over items, the wider one counts if it is wider by more than this."""


def component(
    claim: Claim, comparison: Comparison, measured: Measured, parts: Sequence[str]
) -> Component | None:
    """The verdict on one comparison; None where no seed has every number that it needs.

    Args:
        claim: whose rule, number of seeds and unit of replication hold.
        comparison: without a list at its top.
        measured: the records.
        parts: the parts that measure the claim; what a failure of theirs left out counts as the worst value.
    """
    form = standard(comparison, ratios=claim.kind in rules.ON_LOG_SCALE)
    evidence = gather(form, measured, parts, correlation=claim.kind == "correlation")
    if evidence is None:
        return None
    if form.form == "ratio" and _has_no_logarithm(form, measured, evidence):
        form = standard(comparison, ratios=False)
        evidence = gather(form, measured, parts)
        assert evidence is not None
    interval, interval_90, over_items = _headline(claim, evidence)
    question = rules.Question(
        improvements=evidence.improvements,
        interval=interval,
        interval_90=interval_90,
        margin=form.margin,
        band=form.form == "band",
        strict=form.strict,
        names_control=any(name.system in claim.controls for name in names(comparison)),
        size_range=_size_range(comparison, measured) if claim.kind == "scaling" else math.nan,
    )
    # Of a part that is made with one seed by design no more are planned.
    planned = 1 if all(measured.is_once(name) for name in names(comparison)) else claim.seeds
    verdict, why = _ruling(claim, question, planned)
    remarks = _remarks(evidence, over_items)
    two_tests = rules.is_equality(claim.kind, question.band)
    shown = interval_90 if two_tests else interval
    value, low, high = _as_written(form, shown, claim, question)
    halved = doubled = ""
    if claim.kind in rules.WITH_MARGIN:
        halved, doubled = (
            _ruling(claim, replace(question, margin=form.margin * factor), planned)[0]
            for factor in (0.5, 2.0)
        )
    bounds = (
        (form.bound, -form.bound) if question.band else (form.bound, 1.0 if form.form == "ratio" else 0.0)
    )
    item_low, item_high = (math.nan, math.nan)
    if evidence.items is not None:
        _, item_low, item_high = _turned(form, evidence.items)
    return Component(
        comparison=str(comparison),
        quantity=str(form.quantity),
        threshold=f"within ±{form.bound:.12g}" if question.band else form.threshold,
        verdict=verdict,
        why="; ".join([why, *remarks]),
        value=value,
        low=low,
        high=high,
        level=0.9 if two_tests and low < high else 0.95,
        by_seed=tuple((seed, form.quantity_of(each)) for seed, each in evidence.by_seed.items()),
        item_low=item_low,
        item_high=item_high,
        effect=_effect(form, measured, evidence, value),
        halved=halved,
        doubled=doubled,
        measured=printing.with_interval(value, low, high, bounds),
    )


def _ruling(claim: Claim, question: rules.Question, planned: int) -> rules.Ruling:
    """The rule's verdict, if all planned seeds are there; a counterexample needs no more."""
    verdict, why = rules.ruling(claim.kind, question)
    count = len(question.improvements)
    if count < planned and not (claim.kind == "exactness" and verdict == DOES_NOT_HOLD):
        return UNDECIDED, f"{count} of {planned} seeds; these alone: {verdict}"
    return verdict, why


def _headline(claim: Claim, evidence: Evidence) -> tuple[Interval, Interval, bool]:
    """The interval that the rule looks at, at 95% and 90%, and whether it is the one over items."""
    seeds, items = evidence.seeds, evidence.items
    if items is None:
        return seeds, evidence.seeds_90, False
    if len(evidence.by_seed) == 1 or evidence.seed_has_no_effect:
        over_items = True
    elif claim.replicates == "item":
        over_items = not seeds.width > MUCH_WIDER * items.width
    else:
        over_items = items.width > MUCH_WIDER * seeds.width
    if over_items:
        return items, narrowed_to_90(items), True
    return seeds, evidence.seeds_90, False


def _remarks(evidence: Evidence, over_items: bool) -> list[str]:
    remarks = []
    if evidence.failed:
        which = ", ".join(map(str, evidence.failed))
        remarks.append(f"seed {which} failed and counts as the worst value")
    if evidence.seed_has_no_effect:
        remarks.append("the seed has no effect")
    if over_items:
        remarks.append("interval over items")
    return remarks


def _has_no_logarithm(form: Standard, measured: Measured, evidence: Evidence) -> bool:
    """Whether a number in the ratio is zero or negative for some seed."""
    return any(measured.value(name, seed) <= 0 for name in form.names for seed in evidence.by_seed)


def _as_written(
    form: Standard, interval: Interval, claim: Claim, question: rules.Question
) -> tuple[float, float, float]:
    """The quantity and its bounds; for an exactness the worst instance, which is what its rule looks at."""
    if claim.kind == "exactness":
        worst = max(question.improvements, key=abs) if form.form == "band" else min(question.improvements)
        worst = form.quantity_of(worst)
        return worst, worst, worst
    return _turned(form, interval)


def _turned(form: Standard, interval: Interval) -> tuple[float, float, float]:
    value, first, second = (form.quantity_of(bound) for bound in interval)
    return value, min(first, second), max(first, second)


def _size_range(comparison: Comparison, measured: Measured) -> float:
    """The factor between the smallest and the largest size that was measured; NaN where none was recorded."""
    factors = []
    for name in names(comparison):
        places = measured.places(name)
        for axis in {axis for place in places for axis in place}:
            sizes = [place[axis] for place in places if place.get(axis, 0) > 0]
            if sizes:
                factors.append(max(sizes) / min(sizes))
    return max(factors, default=math.nan)


def _effect(form: Standard, measured: Measured, evidence: Evidence, value: float) -> Effect:
    finite = evidence.finite
    deviation = spread(finite) if len(finite) > 1 else 0.0
    sign = 1 if form.form == "band" else form.sign
    deviations = sign * fmean(finite) / deviation if deviation > 0 else math.nan
    if form.form == "ratio":
        return Effect(absolute=value, relative=value - 1, deviations=deviations)
    other = _other_side(form.quantity)
    if other is None:
        return Effect(absolute=value, deviations=deviations)
    levels = [
        evaluate(other, {name: measured.value(name, seed) for name in names(other)})
        for seed in evidence.by_seed
    ]
    level = abs(fmean(levels)) if all(map(math.isfinite, levels)) else math.nan
    return Effect(value, value / level if level else math.nan, deviations)


def _other_side(quantity: Expression) -> Expression | None:
    """What a difference is taken from."""
    if isinstance(quantity, Binary) and quantity.operator == "-":
        return quantity.right
    if isinstance(quantity, Call) and quantity.function == "mean" and len(quantity.arguments) == 1:
        inner = _other_side(quantity.arguments[0])
        return None if inner is None else Call("mean", (inner,))
    return None
