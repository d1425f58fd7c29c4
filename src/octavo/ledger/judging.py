"""From a paper's claims and records to verdicts."""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from octavo.catalogue import SCALES, Claim, Paper
from octavo.errors import OctavoError
from octavo.lab.folder import Run, UnitLine
from octavo.lab.records import Record
from octavo.ledger import printing
from octavo.ledger.component import component
from octavo.ledger.evidence import CUT_OFF, Items, Measured
from octavo.ledger.expression import Comparison, Condition, Name, names
from octavo.ledger.judgement import NEEDS, NOT_MEASURED, UNDECIDED, Component, Judgement, rank
from octavo.ledger.notes import notes
from octavo.ledger.parser import parse
from octavo.ledger.standard import split, standard

OF_THE_MACHINE = ("gpu", "hub")
"""Needs that hold wherever they are not known to be met."""
MOST_SHOWN = 3
"""So many comparisons of one claim are printed in its line."""

_parsed = lru_cache(maxsize=2048)(parse)


def judge(
    paper: Paper,
    records: Iterable[Record],
    units: Iterable[UnitLine] = (),
    *,
    once: Collection[str] = (),
    items: Items | None = None,
) -> list[Judgement]:
    """The verdict on every claim of a paper, from records alone.

    Args:
        paper: whose claims are judged.
        records: of a run, or of several at different scales; those of other papers are passed over.
        units: how the units of work ended; they tell what is missing and what failed.
        once: the parts that are made with one seed by design; their numbers stand beside those of every seed.
            A number of any other part is compared only within its own seed.
        items: how to read the values of a record's items, where they are at hand (`Run.items`).

    Returns:
        One judgement a claim, in the order of the card.

    Raises:
        OctavoError: a condition cannot be read, or a number was recorded twice for one seed.
    """
    by_scale: dict[str, list[Record]] = {}
    for record in records:
        if record.paper == paper.slug:
            by_scale.setdefault(record.scale, []).append(record)
    mine = [unit for unit in units if unit.paper == paper.slug]
    scales = {*by_scale, *(unit.scale for unit in mine)}
    measured = {
        scale: Measured(by_scale.get(scale, ()), [unit for unit in mine if unit.scale == scale], once, items)
        for scale in scales
    }
    return [_judge_claim(paper, claim, measured) for claim in paper.claims]


def judge_run(paper: Paper, run: Run) -> list[Judgement]:
    """The verdict on every claim of a paper, from a run's folder.

    Args:
        paper: whose claims are judged.
        run: the folder, complete or not.
    """
    once = run.description.get("once", ())
    return judge(paper, run.records(), run.units(), once=once, items=run.items)


def check_condition(condition: str) -> Condition:
    """Read a condition as the ledger will, so that a card's mistakes show before anything is measured.

    Raises:
        OctavoError: it cannot be read or judged.

    Example:
        >>> str(check_condition("accuracy(a,D)>=0.5"))
        'accuracy(a, D) >= 0.5'
    """
    parsed = _parsed(condition)
    for comparison in parsed.comparisons:
        for single in split(comparison):
            standard(single)
    return parsed


def _judge_claim(paper: Paper, claim: Claim, by_scale: dict[str, Measured]) -> Judgement:
    try:
        condition = check_condition(claim.condition)
    except OctavoError as error:
        raise OctavoError(f"{paper.slug}: the condition of claim {claim.id}: {error}") from error
    wanted = names(condition)
    scale = _scale_for(claim, wanted, by_scale)
    measured = by_scale.get(scale) or Measured(())
    parts = measured.parts(wanted)
    singles = [single for comparison in condition.comparisons for single in split(comparison)]
    components = tuple(
        component(claim, single, measured, parts) or _unmeasured(claim, single, measured)
        for single in singles
    )
    decisive = min(components, key=lambda each: rank(each.verdict))
    seeds = min((len(each.by_seed) for each in components if each.by_seed), default=0)
    verdict, why = decisive.verdict, decisive.why
    text = _measured_text(components, decisive, seeds)
    if seeds and _is_beyond(claim, scale):
        need = claim.needs[0] if claim.needs else ("gpu" if claim.scale == "gpu" else f"{claim.scale} scale")
        verdict, why = NEEDS + need, f"the {scale} scale alone says: {verdict} ({why})"
    elif len(components) > 1 and len({each.verdict for each in components}) > 1:
        why = f"{decisive.comparison}: {why}"
    return Judgement(
        paper=paper.slug,
        claim=claim,
        verdict=verdict,
        measured=text,
        value=decisive.value,
        low=decisive.low,
        high=decisive.high,
        seeds=seeds,
        scale=scale if seeds else "",
        why=why,
        components=components,
        command=_command(paper, claim, parts, scale if seeds else claim.scale),
        note=notes(claim, singles, measured, components) if seeds else "",
        effect=decisive.effect,
        halved=_worst_of([each.halved for each in components]),
        doubled=_worst_of([each.doubled for each in components]),
    )


def _scale_for(claim: Claim, wanted: Sequence[Name], by_scale: dict[str, Measured]) -> str:
    """The claim's own scale where anything of it was measured there, else the largest where all of it was."""
    own = by_scale.get(claim.scale)
    if own is not None and any(name in own for name in wanted):
        return claim.scale
    for enough in (all, any):
        for scale in reversed(SCALES):
            if scale in by_scale and enough(name in by_scale[scale] for name in wanted):
                return scale
    if claim.scale in by_scale or not by_scale:
        return claim.scale
    return max(by_scale, key=SCALES.index)


def _is_beyond(claim: Claim, scale: str) -> bool:
    """Whether the claim asks for more than the scale that it was measured at."""
    return claim.scale in ("gpu", "paper") and SCALES.index(scale) < SCALES.index(claim.scale)


def _unmeasured(claim: Claim, comparison: Comparison, measured: Measured) -> Component:
    """The component of a comparison of which no seed has every number."""
    wanted = names(comparison)
    missing = [name for name in wanted if name not in measured]
    if not missing:
        verdict, why = UNDECIDED, "no seed has all the numbers that are compared"
    else:
        verdict, why = _what_is_missing(claim, missing, measured)
    form = standard(comparison)
    return Component(str(comparison), form.text, form.threshold, verdict, why)


def _what_is_missing(claim: Claim, missing: Sequence[Name], measured: Measured) -> tuple[str, str]:
    waiting = {unit.needs: unit for unit in measured.units if unit.status == "needs" and unit.needs}
    wanted = [name.dataset for name in missing if name.dataset in waiting]
    wanted += [need for need in claim.needs if need in waiting]
    # What a machine must have is known from the card; whether a data set is there, only from a run.
    wanted += [need for need in claim.needs if need in OF_THE_MACHINE]
    # A part that could not be run is the likely reason why no part recorded the number.
    wanted += sorted(waiting)
    if wanted:
        why = waiting[wanted[0]].why if wanted[0] in waiting else "what it needs was not at hand"
        return NEEDS + wanted[0], why or "what it needs was not at hand"
    never = [unit for unit in measured.units if unit.status in CUT_OFF]
    what = f"{missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
    if never:
        unit = never[0]
        detail = f": {unit.why}" if unit.why else ""
        return UNDECIDED, f"{NOT_MEASURED}: {what}; the part {unit.part} {unit.status}{detail}"
    return UNDECIDED, f"{NOT_MEASURED}: {what}"


def _measured_text(components: Sequence[Component], decisive: Component, seeds: int) -> str:
    known = [each for each in components if each.measured]
    if not known:
        return ""
    suffix = printing.seeds(seeds)
    if any(each.level == 0.9 for each in known):
        suffix += ", 90 % interval"
    if len(components) == 1:
        return f"{known[0].measured} ({suffix})"
    shown = known if len(known) <= MOST_SHOWN else [decisive if decisive.measured else known[0]]
    text = "; ".join(f"{each.quantity}: {each.measured}" for each in shown)
    more = f"; and {len(known) - len(shown)} more" if len(known) > len(shown) else ""
    return f"{text}{more} ({suffix})"


def _command(paper: Paper, claim: Claim, parts: Sequence[str], scale: str) -> str:
    flags = "".join(f" --part {part}" for part in parts)
    return f"octavo run {paper.slug}{flags}" + (f" --scale {scale}" if scale != "laptop" else "")


def _worst_of(verdicts: Sequence[str]) -> str:
    return min(verdicts, key=rank) if all(verdicts) else ""
