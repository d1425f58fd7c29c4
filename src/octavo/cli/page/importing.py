"""`octavo page import WHAT [FILE]`: papers from elsewhere, streamed; started again it goes on."""

from pathlib import Path
from typing import Literal

import tyro

from octavo.cli import output
from octavo.cli.parse import call
from octavo.errors import OctavoError
from octavo.page import ingest
from octavo.page.store import Store, Upserted

What = Literal["library", "arxiv", "table", "daily", "jsonl", "bibtex", "delta"]


def main(arguments: list[str]) -> int:
    """Reads the arguments and imports."""
    return call(import_papers, arguments, "octavo page import")


def import_papers(
    what: tyro.conf.Positional[What],
    file: tyro.conf.Positional[Path | None] = None,
    folder: Path | None = None,
    set: str = "cs",
    since: str | None = None,
    json: bool = False,
) -> int:
    """Puts papers into the page's store.

    Args:
        what: `library`: the papers of octavo with their ledger; `arxiv`: the JSON-lines snapshot of its
        metadata;
            `table`: abstracts in columns; `daily`: daily lists with votes; `jsonl`, `bibtex`: papers of
            your own; `delta`: what arXiv has changed, over the network.
        file: where they are, .gz and .xz as they come; none for `library` and `delta`.
        folder: the page's folder, where that is not the usual one.
        set: of arXiv, for `delta`.
        since: the first day, for a `delta` that has no earlier one.
        json: print JSON.
    """
    if (file is None) != (what in ("library", "delta")):
        wants = "takes no FILE" if file is not None else "needs a FILE"
        raise OctavoError(f"octavo page import {what} {wants}. `octavo page import --help` says more.")
    store = Store(folder=folder)
    report = ingest.Report()
    if what == "library":
        report.papers = ingest.import_library(store)
    elif what == "delta":
        report = ingest.import_delta(store, set, since)
    else:
        assert file is not None
        if not file.is_file():
            raise OctavoError(f"There is no file {file}.")
        report = _from_file(store, what, file)
    store.close()
    papers = report.papers
    if json:
        output.print_json({"papers": papers, "rejected": report.rejected})
        return 0
    print(f"{papers.inserted:,} new, {papers.updated:,} changed, {papers.unchanged:,} the same")
    for reason, count in report.rejected.most_common():
        print(f"{count:,} left out: {reason}")
    return 0


def _from_file(store: Store, what: What, file: Path) -> ingest.Report:
    if what == "table":
        return ingest.Report(papers=ingest.import_table(store, file))
    if what == "daily":
        return ingest.import_daily(store, file)
    if what == "bibtex":
        return ingest.import_bibtex(store, file)
    if what == "jsonl":
        return ingest.import_jsonl(store, file, _say)
    return ingest.import_snapshot(store, file, _say)


def _say(report: ingest.Report) -> None:
    import sys

    if sys.stderr.isatty():
        print(f"\r{_sum(report.papers):,} papers", end="", file=sys.stderr, flush=True)


def _sum(papers: Upserted) -> int:
    return papers.inserted + papers.updated + papers.unchanged
