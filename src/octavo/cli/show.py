"""`octavo show PAPER`: the card, the verdicts, and how to use it."""

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.cli import output
from octavo.cli.papers import summary
from octavo.cli.parse import PaperName, call


def main(arguments: list[str]) -> int:
    """Reads the arguments and prints the paper."""
    return call(show, arguments, "octavo show")


def show(paper: PaperName, json: bool = False) -> int:
    """One paper: what it is, its claims with their verdicts, how to import it and run it.

    Args:
        paper: its slug, as `octavo papers` lists it.
        json: print JSON.
    """
    from octavo.ledger import published

    card = catalogue.paper(paper)
    claims = [judgement.as_dict() for judgement in published.judgements(card)]
    if json:
        output.print_json(
            {
                **summary(card),
                "authors": card.authors,
                "venue": card.venue,
                "url": card.url,
                "code": card.code,
                "public": card.public,
                "data": card.data,
                "module": card.module,
                "claims": claims,
            }
        )
        return 0
    _print(card, claims)
    return 0


def _print(card: Paper, claims: list[dict[str, object]]) -> None:
    from rich.text import Text

    from octavo.cli.terminal import console
    from octavo.cli.verdicts import print_verdicts

    out = console()
    out.print(Text(card.title, "bold"))
    out.print(Text(f"{', '.join(card.authors)}. {card.venue}, {card.year}."))
    out.print(Text(f"{card.url}" + (f"   code of the authors: {card.code}" if card.code else ""), "dim"))
    out.print()
    out.print(Text(card.summary))
    out.print()
    facts = {"shelf": card.shelf, "tasks": ", ".join(card.tasks), "data": ", ".join(card.data)}
    for name, text in facts.items():
        if text:
            out.print(Text(f"{name:<8}", "dim") + Text(text))
    lines = []
    if card.runs and card.public:
        lines.append(("import", f"from octavo.{card.shelf} import {card.public[0]}"))
    if card.runs:
        lines.append(("run", f"octavo run {card.slug}"))
    if card.has_demo:
        lines.append(("demo", f"octavo demo {card.slug}"))
    for name, text in lines:
        out.print(Text(f"{name:<8}", "dim") + Text(text, "cyan"), soft_wrap=True)
    if not card.runs:
        out.print(Text("Planned: it does not run yet.", "yellow"))
    out.print()
    if claims:
        out.print(Text("Claims", "bold"))
        out.print()
        print_verdicts(out, claims)
    elif card.runs:
        out.print("The card has no claims yet.")
