"""`octavo check PAPER`: what a paper has and what it still lacks."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.cli import output, requirements
from octavo.cli.parse import PaperName, call
from octavo.cli.places import Places, checkout


@dataclass(frozen=True)
class Row:
    """One requirement: its name, what it asks for, and what says where a paper falls short."""

    name: str
    asks: str
    problems: Callable[[Paper], list[str]]


ROWS = (
    Row("files", "the furniture is complete", requirements.files),
    Row("written", "nothing is left to be written", requirements.written),
    Row("claims", "the card's claims can be read", requirements.claims),
    Row("public", "public names are those of the card", requirements.public),
    Row("docstrings", "docstrings have their sections", requirements.docstrings),
    Row("readme", "the README has its sections", requirements.readme),
    Row("demo", "the demo can be called without arguments", requirements.demo),
    Row("config", "the experiment has Config, SCALES and parts", requirements.config),
    Row("examples", "the furniture test has its example modules", requirements.declared_examples),
    Row("smoke", "a smoke run measures every claim", requirements.smoke),
    Row(
        "published",
        "the ledger has records of this code, and the pages their verdicts",
        requirements.published,
    ),
    Row("changelog", "the changelog names it", requirements.changelog),
)


def main(arguments: list[str]) -> int:
    """Reads the arguments and checks the paper."""
    return call(check, arguments, "octavo check")


def check(paper: PaperName, tests: bool = False, json: bool = False) -> int:
    """Says of each requirement whether a paper meets it, and what to do where it does not.

    Args:
        paper: its slug, as `octavo papers` lists it.
        tests: also run this paper's own tests and its row of the furniture test.
        json: print JSON.
    """
    card = catalogue.paper(paper)
    results: list[tuple[str, str, list[str]]] = []
    with output.quiet_stdout(json), runs_aside():
        for row in ROWS:
            problems = [] if row.name in card.opt_outs else met(row, card)
            results.append((row.name, row.asks, problems))
            if not json:
                _print(row, card, problems)
        if tests:
            failed = run_tests(card)
            problems = ["its tests fail"] if failed else []
            results.append(("tests", "its tests pass", problems))
            if not json:
                print(f"{'missing' if failed else 'ok     '}  its tests pass")
    if json:
        output.print_json(
            [
                {"requirement": name, "asks": asks, "ok": not problems, "problems": problems}
                for name, asks, problems in results
            ]
        )
    return 1 if any(problems for *_, problems in results) else 0


def met(row: Row, paper: Paper) -> list[str]:
    """What is wrong with a paper; code of the paper that breaks is wrong too."""
    try:
        return row.problems(paper)
    except Exception as error:
        return [f"{type(error).__name__}: {' '.join(str(error).split())}"]


@contextmanager
def runs_aside() -> Iterator[None]:
    """Smoke runs of a check go where nobody keeps runs."""
    before = os.environ.get("OCTAVO_RUNS")
    with tempfile.TemporaryDirectory(prefix="octavo-check-") as folder:
        os.environ["OCTAVO_RUNS"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["OCTAVO_RUNS"]
            else:
                os.environ["OCTAVO_RUNS"] = before


def run_tests(paper: Paper) -> bool:
    """Runs a paper's tests and its row of the furniture test; True if one fails."""
    paths = [str(Places.of_paper(paper).tests)]
    commands = [["-p", "no:cacheprovider", "--import-mode=importlib", *paths]]
    if (project := checkout()) is not None:
        commands.append([str(project / "tests" / "test_furniture.py"), "-k", f"[{paper.slug}]"])
    return any(
        subprocess.run([sys.executable, "-m", "pytest", "-q", *command], check=False).returncode
        for command in commands
    )


def _print(row: Row, card: Paper, problems: list[str]) -> None:
    from rich.text import Text

    from octavo.cli.terminal import console

    out = console()
    if row.name in card.opt_outs:
        out.print(Text("left out ", "yellow") + Text(row.asks) + Text(f" ({card.opt_outs[row.name]})", "dim"))
        return
    mark = Text("missing  ", "red") if problems else Text("ok       ", "green")
    out.print(mark + Text(row.asks))
    for problem in problems:
        out.print(Text(f"         - {problem}", "dim"), soft_wrap=True)
