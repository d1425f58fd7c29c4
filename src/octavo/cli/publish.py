"""`octavo publish PAPER`: makes a run of this machine the published one."""

from octavo import catalogue, ledger, runner
from octavo.cli import output
from octavo.cli.ledger import ledger_file
from octavo.cli.parse import PaperName, call
from octavo.cli.places import checkout
from octavo.errors import OctavoError
from octavo.lab import Run
from octavo.ledger import markdown


def main(arguments: list[str]) -> int:
    """Reads the arguments and publishes the run."""
    return call(publish, arguments, "octavo publish")


def publish(paper: PaperName, scale: str = "laptop", force: bool = False) -> int:
    """Puts the records of a complete run into the ledger, and writes the verdicts that follow from them.

    Args:
        paper: its slug, as `octavo papers` lists it.
        scale: of the run.
        force: publish although units failed, flags were changed, or the code has changed since.
    """
    card = catalogue.paper(paper)
    folder = runner.plan(card, scale).folder
    if not (folder / "run.json").is_file():
        raise OctavoError(
            f"There is no run of {card.slug} at scale {scale} to publish. "
            f"`octavo run {card.slug} --scale {scale}` makes one."
        )
    print(f"published {output.relative(ledger.publish(card, Run(folder), force=force))}")
    if markdown.write_readme(card):
        print(f"wrote {output.relative(card.folder / 'README.md')}")
    if checkout() is not None and markdown.write_ledger(ledger_file()):
        print(f"wrote {output.relative(ledger_file())}")
    return 0
