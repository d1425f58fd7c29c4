"""The ledger as text: `LEDGER.md` for all papers, and the block of verdicts in a paper's README."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from octavo import catalogue
from octavo.catalogue import SHELVES, Paper
from octavo.errors import OctavoError
from octavo.lab.folder import write_whole
from octavo.ledger import published, rules
from octavo.ledger.judgement import (
    DOES_NOT_HOLD,
    HOLDS,
    IN_DIRECTION,
    NEEDS,
    NOT_MEASURED,
    UNDECIDED,
    Judgement,
)

BEGIN, END = "<!-- verdicts:begin -->", "<!-- verdicts:end -->"
_BY_CHANCE = {"equality": 0.05}
_BY_CHANCE_ELSE = 0.025
"""How often a verdict of "holds" or "does not hold" is wrong by chance: one side of a 95% or 90% interval."""


def counts(judgements: Iterable[Judgement]) -> dict[str, int]:
    """How many claims have each verdict; all kinds of "needs" together, and the unmeasured apart.

    Example:
        >>> counts([])
        {'holds': 0, 'in direction': 0, 'does not hold': 0, 'undecided': 0, 'needs': 0, 'not measured': 0}
    """
    found: Counter[str] = Counter(_state(judgement) for judgement in judgements)
    names = (HOLDS, IN_DIRECTION, DOES_NOT_HOLD, UNDECIDED, NEEDS.strip(), "not measured")
    return {name: found[name] for name in names}


def expected_false(judgements: Iterable[Judgement]) -> tuple[float, int]:
    """How many verdicts may be wrong by chance, at most, and how many were decided by an interval."""
    decided = [
        judgement
        for judgement in judgements
        if judgement.verdict in (HOLDS, DOES_NOT_HOLD)
        and judgement.claim.kind in rules.BY_INTERVAL
        and any(component.low < component.high for component in judgement.components)
    ]
    return sum(_BY_CHANCE.get(each.claim.kind, _BY_CHANCE_ELSE) for each in decided), len(decided)


def ledger_text() -> str:
    """The whole ledger as Markdown, from the published records of all papers."""
    by_paper = {paper: published.judgements(paper) for paper in catalogue.papers() if _in_package(paper)}
    return _ledger(by_paper)


def _ledger(by_paper: dict[Paper, list[Judgement]]) -> str:
    everything = [judgement for found in by_paper.values() for judgement in found]
    wrong, decided = expected_false(everything)
    lines = [
        "# The ledger",
        "",
        "Every claim with its verdict, computed from the published records by the rules of "
        "[Read the ledger](docs/ledger.md). This file is written by `octavo ledger --markdown`.",
        "",
        f"{len(everything)} claims of {len([p for p, found in by_paper.items() if found])} papers: "
        + ", ".join(f"{count} {name}" for name, count in counts(everything).items())
        + ".",
        "",
        f"{decided} verdicts were decided by an interval; of these at most {wrong:.1f} are expected to be "
        "wrong by chance (2.5 % each, 5 % for an equality).",
        "",
    ]
    for shelf, title in SHELVES.items():
        papers = {paper: found for paper, found in by_paper.items() if paper.shelf == shelf and found}
        if papers:
            lines += [f"## {shelf}: {title}", ""]
        for paper, found in papers.items():
            lines += [
                f"### {paper.slug}: {paper.title}",
                "",
                *_table(found),
                *_remarks(found),
                *_errata(paper),
            ]
    return "\n".join(lines).rstrip() + "\n"


def _table(judgements: Sequence[Judgement]) -> list[str]:
    rows = [
        "| claim | the paper | measured | verdict | measure it again |",
        "|---|---|---|---|---|",
    ]
    for judgement in judgements:
        claim = judgement.claim
        figure = f"{claim.figure} ({claim.source})" if claim.source else claim.figure
        place = f" ({judgement.place})" if judgement.place else ""
        verdict = "not measured" if _state(judgement) == "not measured" else f"**{judgement.verdict}**{place}"
        cells = [f"{claim.id}: {claim.says}", figure, judgement.measured or "–", verdict]
        rows.append(f"| {' | '.join(map(_cell, cells))} | `{judgement.command}` |")
    return [*rows, ""]


def _remarks(judgements: Sequence[Judgement]) -> list[str]:
    lines = []
    for judgement in judgements:
        claim = judgement.claim
        remarks = [] if _state(judgement) == "not measured" else [judgement.why]
        remarks += [judgement.note, f"the paper's protocol: {claim.caveat}" if claim.caveat else ""]
        remarks += [f"later evidence: {claim.later} ({claim.later_source})" if claim.later else ""]
        if judgement.halved and {judgement.halved, judgement.doubled} != {judgement.verdict}:
            remarks.append(
                f"with half the margin: {judgement.halved}, with twice the margin: {judgement.doubled}"
            )
        text = "; ".join(_cell(remark).rstrip(".") for remark in remarks if remark)
        if text:
            lines.append(f"- {claim.id}: {text}.")
    return [*lines, ""] if lines else []


def _errata(paper: Paper) -> list[str]:
    changed = published.history(paper)
    if not changed:
        return []
    lines = [
        f"- {each['date']}: {each['claim']} was *{each['old']}*, is *{each['new']}*." for each in changed
    ]
    return ["Verdicts that changed:", "", *lines, ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _state(judgement: Judgement) -> str:
    if judgement.verdict.startswith(NEEDS):
        return NEEDS.strip()
    # The reason may follow the comparison that it is about.
    if judgement.verdict == UNDECIDED and not judgement.seeds and NOT_MEASURED in judgement.why:
        return "not measured"
    return judgement.verdict


def _in_package(paper: Paper) -> bool:
    return paper.folder.resolve().is_relative_to(published.HERE.parents[1])


def write_ledger(path: Path) -> bool:
    """Write the ledger; whether that changed the file."""
    return _write(path, ledger_text())


def check_ledger(path: Path) -> str:
    """What is wrong with the file at `path`: "" if it is what `write_ledger` would write."""
    if not path.is_file():
        return f"{path.name} is absent; `octavo ledger --markdown` writes it."
    return _difference(path, path.read_text(encoding="utf-8"), ledger_text(), "octavo ledger --markdown")


def readme_block(paper: Paper) -> str:
    """The block of verdicts for a paper's README, from its published records."""
    found = published.judgements(paper)
    if not found:
        return "No claims yet."
    if not any(judgement.seeds for judgement in found):
        return "\n".join(
            ["Nothing is published yet; this is what will be judged.", "", *_table(found)]
        ).rstrip()
    return "\n".join([*_table(found), *_remarks(found), *_errata(paper)]).rstrip()


def write_readme(paper: Paper) -> bool:
    """Write the block of verdicts between the markers of the paper's README; whether that changed the file.

    Raises:
        OctavoError: the README is absent, or does not have the two markers.
    """
    path = paper.folder / "README.md"
    return _write(path, _with_block(path, readme_block(paper)))


def check_readme(paper: Paper) -> str:
    """What is wrong with the block of verdicts in the paper's README: "" if it is up to date.

    Raises:
        OctavoError: the README is absent, or does not have the two markers.
    """
    path = paper.folder / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return _difference(
        path, text, _with_block(path, readme_block(paper)), f"octavo ledger {paper.slug} --readme"
    )


def _with_block(path: Path, block: str) -> str:
    if not path.is_file():
        raise OctavoError(f"{path.parent.name} has no README.md to write its verdicts into.")
    text = path.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise OctavoError(
            f"{path.parent.name}/README.md needs the lines `{BEGIN}` and `{END}`, once each and in this "
            "order; the verdicts are written between them."
        )
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    return f"{before}{BEGIN}\n{block}\n{after}"


def _write(path: Path, text: str) -> bool:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_whole(path, text)
    return True


def _difference(path: Path, found: str, expected: str, command: str) -> str:
    if found == expected:
        return ""
    pairs = zip(found.splitlines(), expected.splitlines(), strict=False)
    line = next((number for number, (a, b) in enumerate(pairs, 1) if a != b), None)
    where = f"from line {line} on" if line else "at its end"
    return f"{path.name} is not what the records say, {where}; `{command}` writes it anew."
