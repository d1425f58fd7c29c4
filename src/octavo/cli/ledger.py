"""`octavo ledger`: every claim with its verdict, from the published records."""

from pathlib import Path
from typing import Any

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.cli import output
from octavo.cli.parse import OptionalPaperName, call
from octavo.cli.places import checkout
from octavo.errors import OctavoError
from octavo.ledger import markdown as text
from octavo.ledger import published


def main(arguments: list[str]) -> int:
    """Reads the arguments and prints or writes the ledger."""
    return call(ledger, arguments, "octavo ledger")


def ledger(
    paper: OptionalPaperName = None,
    markdown: bool = False,
    readme: bool = False,
    check: bool = False,
    json: bool = False,
) -> int:
    """Every claim with its verdict, computed from the records that octavo publishes.

    Args:
        paper: only this paper, with the reasons of its verdicts.
        markdown: write LEDGER.md; of one paper, print its table as Markdown.
        readme: write the block of verdicts into the paper's README.md, or into those of all papers.
        check: say whether LEDGER.md and the READMEs are what the records say; exit code 1 if they are not.
        json: print JSON.
    """
    cards = [catalogue.paper(paper)] if paper else catalogue.papers()
    if check:
        return _check(cards, whole=paper is None)
    if readme:
        for card in cards:
            if card.runs and text.write_readme(card):
                print(f"wrote {output.relative(card.folder / 'README.md')}")
        return 0
    if markdown and paper:
        print(text.readme_block(cards[0]))
        return 0
    if markdown:
        path = ledger_file()
        print(f"{'wrote' if text.write_ledger(path) else 'up to date:'} {output.relative(path)}")
        return 0
    rows = {card.slug: [each.as_dict() for each in published.judgements(card)] for card in cards}
    if json:
        output.print_json([row for found in rows.values() for row in found])
    else:
        _print(cards, rows, remarks=paper is not None)
    return 0


def ledger_file() -> Path:
    """Where LEDGER.md lies: at the top of a checkout, else here."""
    return (checkout() or Path.cwd()) / "LEDGER.md"


def _check(cards: list[Paper], whole: bool) -> int:
    wrong = [text.check_ledger(ledger_file())] if whole else []
    for card in cards:
        if card.runs:
            try:
                wrong.append(text.check_readme(card))
            except OctavoError as error:
                wrong.append(str(error))
    for line in filter(None, wrong):
        print(line)
    if not any(wrong):
        print("The ledger is what the records say.")
    return 1 if any(wrong) else 0


def _print(cards: list[Paper], rows: dict[str, list[dict[str, Any]]], remarks: bool) -> None:
    from rich.text import Text

    from octavo.cli.terminal import console
    from octavo.cli.verdicts import count, is_measured, print_verdicts

    out = console()
    unmeasured = []
    for card in cards:
        found = rows[card.slug]
        if not any(is_measured(row) for row in found) and not remarks:
            unmeasured += [card.slug] if found else []
            continue
        out.print(Text(f"{card.title} ({card.slug})", "bold"))
        out.print()
        if found:
            print_verdicts(out, found, remarks)
        else:
            out.print("The card has no claims yet.")
        out.print()
    everything = [row for found in rows.values() for row in found]
    if not any(is_measured(row) for row in everything):
        out.print("No records are published yet. `octavo run PAPER` measures a paper on this machine.")
    elif len(cards) > 1:
        out.print(Text("In all ").append_text(count(everything)))
    if unmeasured and len(unmeasured) < len(cards):
        out.print(Text(f"Claims without records: {', '.join(unmeasured)}", "dim"))
