"""The pictures of the guides, drawn from the published records: `make docs`."""

import io
from pathlib import Path

from rich.console import Console

from octavo import catalogue, runner
from octavo.cli.verdicts import print_verdicts
from octavo.lab.figures import house_style, to_png
from octavo.lab.parts import plots_of
from octavo.ledger import published

IMAGES = Path(__file__).parent / "images"


def table(slug: str, path: Path) -> None:
    """The claims of a paper as `octavo ledger` prints them, without the remarks."""
    console = Console(record=True, width=132, file=io.StringIO(), highlight=False)
    print_verdicts(console, [each.as_dict() for each in published.judgements(slug)], remarks=False)
    path.write_text(console.export_svg(title=f"octavo run {slug}", unique_id=slug), encoding="utf-8")


def figures(slug: str) -> None:
    """Every plot of a paper that its published records are enough for."""
    records = published.records(slug)
    for plot in plots_of(runner.experiment(slug)):
        with house_style():
            figure = plot(records)
            if figure is not None:
                (IMAGES / f"{slug}_{plot.name}.png").write_bytes(to_png(figure))


def main() -> None:
    """Draws all of them anew."""
    IMAGES.mkdir(exist_ok=True)
    for paper in catalogue.papers():
        if published.runs(paper):
            table(paper.slug, IMAGES / f"{paper.slug}.svg")
            figures(paper.slug)


if __name__ == "__main__":
    main()
