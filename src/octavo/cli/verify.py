"""`octavo verify PAPER`: measures again what is published, and says what left its interval."""

from typing import Annotated

import tyro

from octavo import catalogue, ledger
from octavo.cli import output
from octavo.cli.parse import PaperName, call
from octavo.ledger.verification import Verification, Verified


def main(arguments: list[str]) -> int:
    """Reads the arguments, measures again and compares."""
    return call(verify, arguments, "octavo verify")


def verify(
    paper: PaperName,
    scale: str = "laptop",
    part: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME")] = (),
    seeds: int = 1,
    jobs: int | None = None,
    json: bool = False,
) -> int:
    """Measures a paper again in a folder of its own, and compares every number with the published one.

    Exit code 1 if a number left the band in which it may move.

    Args:
        paper: its slug, as `octavo papers` lists it.
        scale: of the published run.
        part: only this part of the experiment; may be given several times.
        seeds: how many, from seed 0 on; 0 for all that were published.
        jobs: processes side by side; one a core when left out.
        json: print JSON.
    """
    card = catalogue.paper(paper)
    with output.quiet_stdout(json):
        found = ledger.verify(card, seeds=seeds or None, parts=part or None, scale=scale, jobs=jobs or "auto")
    if json:
        output.print_json(
            {
                "paper": found.paper,
                "scale": found.scale,
                "passed": found.passed,
                "same_machine": found.same_machine,
                "ended_badly": [
                    {"part": unit.part, "seed": unit.seed, "status": unit.status, "why": unit.why}
                    for unit in found.ended_badly
                ],
                "numbers": [row.as_dict() for row in found.rows],
            }
        )
    else:
        _print(found)
    return 0 if found.passed else 1


def _print(found: Verification) -> None:
    from rich.table import Table
    from rich.text import Text

    from octavo.cli.terminal import console

    out = console()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("number", "published", "again"):
        table.add_column(name, justify="left" if name == "number" else "right")
    table.add_column("")
    for row in sorted(found.rows, key=lambda row: row.passed):
        table.add_row(
            Text(_name(row)),
            output.number(row.before),
            output.number(row.again),
            Text(row.state, _STYLES.get(row.state, "")),
        )
    out.print(table)
    out.print()
    for unit in found.ended_badly:
        out.print(Text(f"{unit.part}, seed {unit.seed}: {unit.status}: {unit.why}", "red"))
    passed = sum(row.passed for row in found.rows)
    machine = "a machine like the published one" if found.same_machine else "another machine"
    out.print(
        Text(f"{passed} of {len(found.rows)} numbers confirmed", "green" if found.passed else "red")
        + Text(f" at scale {found.scale}, on {machine}")
    )


def _name(row: Verified) -> str:
    at = "".join(f", {name}={value:g}" for name, value in row.at)
    return f"{row.metric}({row.system}, {row.dataset}{at})"


_STYLES = {"equal": "green", "inside": "green", "outside": "red", "absent": "red", "timing": "dim"}
