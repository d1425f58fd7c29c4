"""`octavo page trending`: the order of the page, and the formula that it comes from."""

from pathlib import Path

from octavo.cli import output
from octavo.cli.parse import call
from octavo.page import trending as formula
from octavo.page.store import Store


def main(arguments: list[str]) -> int:
    """Reads the arguments and prints the list."""
    return call(trending, arguments, "octavo page trending")


def trending(limit: int = 20, folder: Path | None = None, json: bool = False) -> int:
    """The papers that are warm now.

    Args:
        limit: how many.
        folder: the page's folder, where that is not the usual one.
        json: print JSON.
    """
    store = Store(folder=folder)
    papers = [paper for paper in store.papers.listed(limit=limit) if paper.heat > formula.COLD]
    now = store.now()
    store.close()
    warm = [
        {"id": paper.id, "title": paper.title, "votes": paper.votes, "heat": formula.heat_at(paper.heat, now)}
        for paper in papers
    ]
    if json:
        output.print_json({"formula": formula.FORMULA, "papers": warm})
        return 0
    for each, paper in zip(warm, papers, strict=True):
        print(f"{output.number(float(str(each['heat']))):>8}  {paper.id:<14}  {paper.title}")
    print(f"\n{formula.FORMULA}" if warm else "No paper has been voted for or viewed yet.")
    return 0
