"""The published records of each paper: what the ledger is computed from, shipped with octavo.

A paper of the package has its records in ``octavo/ledger/published/SLUG/``, a paper outside of it (see
``octavo.catalogue``) in its own folder, under ``published/``. The folder holds a run as any other does
(`octavo.lab.Run`); runs at other scales than `laptop` lie in a folder of their scale's name inside.
``history.jsonl`` has a line for every verdict that a later publication changed.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from octavo import catalogue
from octavo.catalogue import SCALES, Paper
from octavo.lab.folder import Run, UnitLine
from octavo.lab.records import Record, Records
from octavo.ledger.judgement import Judgement
from octavo.ledger.judging import judge

HERE = Path(__file__).resolve().parent / "published"
MAIN_SCALE = "laptop"


def folder(paper: str | Paper, scale: str = MAIN_SCALE) -> Path:
    """Where a paper's published records lie, whether or not there are any.

    Raises:
        OctavoError: there is no such paper.
    """
    card = catalogue.paper(paper) if isinstance(paper, str) else paper
    inside = card.folder.resolve().is_relative_to(HERE.parents[1])
    home = HERE / card.slug if inside else card.folder / "published"
    return home if scale == MAIN_SCALE else home / scale


def runs(paper: str | Paper) -> list[Run]:
    """The published runs of a paper, the smallest scale first."""
    folders = [folder(paper, scale) for scale in SCALES]
    return [Run(path) for path in folders if (path / "run.json").is_file()]


def records(paper: str | Paper) -> Records:
    """All published records of a paper; none where nothing is published.

    Raises:
        OctavoError: there is no such paper.

    Example:
        >>> set(records("aaren").systems) >= set()
        True
    """
    return Records(record for run in runs(paper) for record in run.records())


def units(paper: str | Paper) -> tuple[UnitLine, ...]:
    """How the units of the published runs of a paper ended."""
    return tuple(unit for run in runs(paper) for unit in run.units())


def judgements(paper: str | Paper, further: Iterable[Run] = ()) -> list[Judgement]:
    """The verdict on every claim of a paper, from its published records.

    Args:
        paper: a slug, or a paper of the catalogue.
        further: runs that take the place of the published run of their scale, such as one made here.

    Example:
        >>> all(judgement.paper == "aaren" for judgement in judgements("aaren"))
        True
    """
    card = catalogue.paper(paper) if isinstance(paper, str) else paper
    by_scale = {run.scale: run for run in [*runs(card), *further]}
    once = {part for run in by_scale.values() for part in run.description.get("once", ())}

    def items(record: Record) -> Any:
        return by_scale[record.scale].items(record)

    return judge(
        card,
        [record for run in by_scale.values() for record in run.records()],
        [unit for run in by_scale.values() for unit in run.units()],
        once=once,
        items=items,
    )


def history(paper: str | Paper) -> list[dict[str, Any]]:
    """The verdicts that a later publication changed: claim, old, new, date and commit, oldest first."""
    path = folder(paper) / "history.jsonl"
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    )
