"""`octavo papers`: the catalogue, shelf by shelf."""

from itertools import groupby
from typing import TYPE_CHECKING

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.cli import output
from octavo.cli.parse import call
from octavo.errors import OctavoError

if TYPE_CHECKING:
    from rich.table import Table


def main(arguments: list[str]) -> int:
    """Reads the arguments and prints the papers."""
    return call(papers, arguments, "octavo papers")


def papers(shelf: str | None = None, task: str | None = None, runs: bool = False, json: bool = False) -> int:
    """The papers, shelf by shelf, and which of them run today.

    Args:
        shelf: only this shelf.
        task: only papers with this task.
        runs: only papers that run today.
        json: print JSON.
    """
    found = list(catalogue.papers())
    if shelf is not None:
        _known(shelf, list(catalogue.SHELVES), "shelf")
        found = [paper for paper in found if paper.shelf == shelf]
    if task is not None:
        _known(task, sorted({each for paper in found for each in paper.tasks}), "task")
        found = [paper for paper in found if task in paper.tasks]
    if runs:
        found = [paper for paper in found if paper.runs]
    if json:
        output.print_json([summary(paper) for paper in found])
    else:
        print_papers(found)
    return 0


def summary(paper: Paper) -> dict[str, object]:
    """A paper in one line of a listing."""
    return {
        "slug": paper.slug,
        "shelf": paper.shelf,
        "title": paper.title,
        "arxiv": paper.arxiv,
        "year": paper.year,
        "runs": paper.runs,
        "demo": paper.has_demo,
        "tasks": list(paper.tasks),
        "summary": paper.summary,
    }


def print_papers(found: list[Paper], by_shelf: bool = True) -> None:
    """Prints papers with a mark for those that run.

    Args:
        found: the papers, in the order in which they are printed.
        by_shelf: under the names of their shelves, each shelf once.
    """
    from octavo.cli.terminal import console, marks

    out = console()
    there, planned = marks()
    if not found:
        out.print("No paper is like that.")
        return
    width = max(len(paper.slug) for paper in found)
    if by_shelf:
        for shelf, group in groupby(found, key=lambda paper: paper.shelf):
            out.print(f"[bold]{shelf}[/bold]  [dim]{catalogue.SHELVES.get(shelf, '')}[/dim]")
            out.print(_table(list(group), width))
            out.print()
    else:
        out.print(_table(found, width))
        out.print()
    running = sum(paper.runs for paper in found)
    out.print(
        f"[green]{there}[/green] runs today: {running}   "
        f"[dim]{planned}[/dim] planned: {len(found) - running}   "
        "[dim]`octavo show PAPER` says more[/dim]",
    )


def _table(found: list[Paper], width: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from octavo.cli.terminal import marks

    there, planned = marks()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False, expand=True)
    table.add_column(width=1)
    table.add_column(width=width, no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(width=4, style="dim")
    table.add_column(width=max(len(paper.arxiv) for paper in found), style="dim", no_wrap=True)
    for paper in found:
        mark = Text(there, "green") if paper.runs else Text(planned, "dim")
        table.add_row(
            mark,
            Text(paper.slug, "bold" if paper.runs else ""),
            Text(paper.title),
            str(paper.year),
            paper.arxiv,
        )
    return table


def _known(name: str, names: list[str], kind: str) -> None:
    if name not in names:
        hint = catalogue.did_you_mean(name, names) or f" There are {', '.join(names)}."
        raise OctavoError(f"There is no {kind} {name!r}.{hint}")
