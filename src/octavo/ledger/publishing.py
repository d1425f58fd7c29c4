"""From a run's folder to published records: what may be published, and what of it is kept."""

import json
import math
import platform
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.errors import OctavoError
from octavo.lab.folder import FINISHED, Run, UnitLine, write_whole
from octavo.lab.records import Record
from octavo.ledger import published
from octavo.ledger.expression import names
from octavo.ledger.judgement import Judgement
from octavo.ledger.parser import parse

MOST_ITEMS = 200_000
"""Bytes of item files that are published with a run: more would make reading the ledger slow."""

_FOLDERS = re.compile(r"""(?<![\w:/\\.])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\'",:;]+)*[/\\]""")


def publish(paper: str | Paper, run: Run, *, force: bool = False) -> Path:
    """Make a run the published one of its paper and scale.

    Records, units and the run's description are kept, sorted so that the same run gives the same files; of a
    machine only what a reader needs, never a folder's or a host's name. Verdicts that change are written to
    the history.

    Args:
        paper: whose run it is.
        run: a complete run with the scale's own config, measured by committed code.
        force: publish although units failed or ran out of time (they count as the worst value), flags were
            changed, or the code has changed since.

    Returns:
        The folder of the published records.

    Raises:
        OctavoError: the run is of another paper, of scale `smoke`, incomplete, or from a tree with
            uncommitted changes; nothing is written then.
    """
    from octavo import runner

    card = catalogue.paper(paper) if isinstance(paper, str) else paper
    plan = runner.plan(card, run.scale) if run.scale != "smoke" else None
    planned = [(unit.part, unit.seed) for unit in plan.units] if plan else []
    _refuse(card, run, planned)
    if not force and plan is not None:
        _refuse_without_force(card, run, plan.hash, plan.code)
    once = sorted(part.name for part in plan.parts if part.seeds == 1) if plan else []
    before = published.judgements(card) if published.runs(card) else []
    target = published.folder(card, run.scale)
    write(run, target, once=once, judged=_judged(card))
    _remember(card, before, published.judgements(card), run.units())
    return target


def write(
    run: Run, target: Path, *, once: Iterable[str] = (), judged: Collection[tuple[str, str, str]] = ()
) -> None:
    """Write a run in the form in which it is published, in the place of what is there.

    Args:
        run: the run.
        target: the folder of the published records.
        once: the parts that are made with one seed by design.
        judged: system, data set and metric of the numbers that claims are judged by; their items come first.
    """
    records = sorted(
        run.records(),
        key=lambda r: (r.part, r.dataset, r.metric, r.system, [(n, float(v)) for n, v in r.at], r.seed),
    )
    kept = _kept_items(run, records, judged)
    records = [record if record.items in kept else replace(record, items="") for record in records]
    units = sorted(run.units(), key=lambda unit: (unit.part, unit.seed))
    description = {**_without_machine(run.description), "once": sorted(once)}
    write_whole(target / "records.jsonl", _text(record.to_json() for record in records))
    write_whole(target / "units.jsonl", _text(_public(unit).to_json() for unit in units))
    write_whole(target / "run.json", json.dumps(description, indent=1, sort_keys=True) + "\n")
    shutil.rmtree(target / "items", ignore_errors=True)
    for name in sorted({record.items for record in records if record.items}):
        write_whole(target / name, (run.folder / name).read_bytes())


def _refuse(card: Paper, run: Run, planned: Iterable[tuple[str, int]]) -> None:
    """What `force` does not help with."""
    if run.paper != card.slug:
        raise OctavoError(f"{run.folder} is a run of {run.paper}, not of {card.slug}.")
    if run.scale == "smoke":
        raise OctavoError("Runs at scale smoke only show that all is in order; publish one at scale laptop.")
    units = {(unit.part, unit.seed): unit for unit in run.units()}
    absent = [f"{part} (seed {seed})" for part, seed in planned if (part, seed) not in units]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise OctavoError(
            f"The run is not complete: {absent[0]}{more} was not measured. "
            f"Run `octavo run {card.slug} --scale {run.scale}` to its end, then publish."
        )
    strangers = {record.paper for record in run.records()} - {card.slug}
    if strangers:
        raise OctavoError(
            f"{run.folder} holds records of {', '.join(sorted(strangers))}, not of {card.slug} alone."
        )
    for unit in units.values():
        if unit.status != "needs" and (
            unit.provenance.get("dirty") is not False or not unit.provenance.get("commit")
        ):
            raise OctavoError(
                f"{unit.part} (seed {unit.seed}) was measured with uncommitted changes, so that nobody could "
                "measure it again. Commit, run with --fresh, then publish."
            )


def _refuse_without_force(card: Paper, run: Run, config: str, code: str) -> None:
    if run.hash != config:
        raise OctavoError(
            f"The run's flags are not those of scale {run.scale}. Publish a run of {card.slug} without flags."
        )
    for unit in run.units():
        if unit.status not in (*FINISHED, "needs"):
            raise OctavoError(
                f"{unit.part} (seed {unit.seed}) {unit.status}: {unit.why or 'no reason was written'}. "
                "Correct it and run again, or force the publication: it then counts as the worst value."
            )
        if unit.status != "needs" and unit.provenance.get("code") not in (code, "", None):
            raise OctavoError(
                f"{unit.part} (seed {unit.seed}) was measured with other code of {card.slug} than there is "
                "now. Run with --fresh, then publish."
            )


def _judged(card: Paper) -> set[tuple[str, str, str]]:
    return {
        (name.system, name.dataset, name.metric)
        for claim in card.claims
        for name in names(parse(claim.condition))
    }


def _kept_items(
    run: Run, records: Iterable[Record], judged: Collection[tuple[str, str, str]] = ()
) -> set[str]:
    """The item files to publish: of the judged numbers first, then of others; the smallest data sets first.

    All systems of one data set stay together: items of one system alone are worth nothing, since comparisons
    pair them.
    """
    groups: dict[tuple[bool, str, str], set[str]] = {}
    for record in records:
        if record.items:
            other = bool(record.at) or (record.system, record.dataset, record.metric) not in judged
            groups.setdefault((other, record.dataset, record.metric), set()).add(record.items)
    kept: set[str] = set()
    left = float(MOST_ITEMS)
    sized = sorted((other, _size(run, files), sorted(files)) for (other, *_), files in groups.items())
    for _, size, files in sized:
        left -= size
        if left < 0:
            break
        kept.update(files)
    return kept


def _size(run: Run, files: Iterable[str]) -> float:
    """Bytes of the files; infinite where one is lost."""
    try:
        return sum((run.folder / name).stat().st_size for name in files)
    except OSError:
        return math.inf


def _text(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _public(unit: UnitLine) -> UnitLine:
    return replace(unit, why=_without_machine(unit.why), provenance=_without_machine(unit.provenance))


def _without_machine(value: Any) -> Any:
    """The value with folders, and the host's and the user's name, left out of every text in it."""
    if isinstance(value, Mapping):
        return {key: _without_machine(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_machine(inner) for inner in value]
    if not isinstance(value, str):
        return value
    value = _FOLDERS.sub("", value)
    host = platform.node()
    return re.sub(rf"\b{re.escape(host)}\b", "host", value) if len(host) > 3 else value


def _remember(
    card: Paper, before: list[Judgement], after: list[Judgement], units: Iterable[UnitLine]
) -> None:
    old = {judgement.id: judgement.verdict for judgement in before}
    commits = sorted({str(unit.provenance["commit"]) for unit in units if unit.provenance.get("commit")})
    lines = [
        json.dumps(
            {
                "claim": judgement.id,
                "old": old[judgement.id],
                "new": judgement.verdict,
                "date": time.strftime("%Y-%m-%d", time.gmtime()),
                "commit": ", ".join(commits),
            },
            ensure_ascii=False,
        )
        for judgement in after
        if old.get(judgement.id, judgement.verdict) != judgement.verdict
    ]
    if lines:
        path = published.folder(card) / "history.jsonl"
        known = path.read_text(encoding="utf-8") if path.is_file() else ""
        write_whole(path, known + _text(iter(lines)))
