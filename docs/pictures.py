"""The pictures that the documents show, drawn from the published records: `make docs`."""

import io
import re
from pathlib import Path

from rich.console import Console

from octavo import catalogue
from octavo.cli.verdicts import print_verdicts
from octavo.lab.figures import house_style, to_png
from octavo.lab.parts import plots_of
from octavo.ledger import published
from octavo.runner.plans import experiment

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"


def shown() -> set[str]:
    """The names of the pictures that a document shows."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "src").rglob("README.md")]
    return {
        name
        for path in documents
        for name in re.findall(r"images/([\w.]+\.(?:png|svg))", path.read_text(encoding="utf-8"))
    }


def table(slug: str) -> str:
    """The claims of a paper as `octavo ledger` prints them, without the remarks."""
    console = Console(record=True, width=132, file=io.StringIO(), highlight=False)
    print_verdicts(console, [each.as_dict() for each in published.judgements(slug)], remarks=False)
    return console.export_svg(title=f"octavo run {slug}", unique_id=slug)


def main() -> None:
    """Draws all of them anew."""
    wanted = shown()
    IMAGES.mkdir(exist_ok=True)
    for paper in catalogue.papers():
        if not published.runs(paper):
            continue
        if f"{paper.slug}.svg" in wanted:
            (IMAGES / f"{paper.slug}.svg").write_text(table(paper.slug), encoding="utf-8")
        for plot in plots_of(experiment(paper)):
            name = f"{paper.slug}_{plot.name}.png"
            if name not in wanted:
                continue
            with house_style():
                figure = plot(published.records(paper))
            if figure is not None:
                (IMAGES / name).write_bytes(to_png(figure))


if __name__ == "__main__":
    main()
