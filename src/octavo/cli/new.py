"""`octavo new`: writes the furniture of a new paper."""

import re
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Annotated

import tyro

from octavo import catalogue
from octavo.cli import furniture, output
from octavo.cli.parse import call
from octavo.cli.places import Places, checkout, outside_roots, package_root
from octavo.errors import OctavoError


def main(arguments: list[str]) -> int:
    """Reads the arguments and writes the files."""
    return call(new, arguments, "octavo new")


def new(
    shelf: tyro.conf.Positional[str],
    slug: tyro.conf.Positional[str],
    arxiv: str | None = None,
    to: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None,
) -> int:
    """Writes the furniture of a new paper: code that imports, and tests that say what is missing.

    Args:
        shelf: where it belongs; `octavo papers` shows the shelves.
        slug: its name in lower case, as in `from octavo.SHELF.SLUG import ...`.
        arxiv: its arXiv id, as 2405.13956; a planned paper has it already.
        to: a folder for papers of your own; the variable OCTAVO_PAPERS must name it too.
    """
    _check_names(shelf, slug)
    places = Places.of(_root(to), shelf, slug)
    files = write(places, shelf, slug, arxiv)
    for path in files:
        print(f"wrote {output.relative(path)}")
    if to is not None and to.resolve() not in outside_roots():
        print(f"\nSo that octavo finds it:  export OCTAVO_PAPERS={to.resolve()}")
    print(
        f"\nNext: write the claims into {output.relative(places.card)}. "
        f"`octavo check {slug}` says what is missing."
    )
    return 0


def write(places: Places, shelf: str, slug: str, arxiv: str | None) -> list[Path]:
    """Writes the files that are not there yet, and returns their paths.

    Raises:
        OctavoError: if anything but the card is there already, or if nobody says the arXiv id.
    """
    values = {
        "slug": slug,
        "shelf": shelf,
        "name": "".join(word.capitalize() for word in slug.split("_")),
        "arxiv": arxiv or "",
        "year": "",
        "task": catalogue.TASKS[0],
    }
    texts = {
        places.folder / "__init__.py": furniture.PACKAGE,
        places.folder / "system.py": furniture.SYSTEM,
        places.folder / "experiment.py": furniture.EXPERIMENT,
        places.folder / "demo.py": furniture.DEMO,
        places.folder / "README.md": furniture.README,
        places.tests / "reference.py": furniture.REFERENCE,
        places.tests / "furniture.py": furniture.EXAMPLES,
        places.tests / "test_system.py": furniture.TEST_SYSTEM,
        places.tests / "test_experiment.py": furniture.TEST_EXPERIMENT,
        places.benchmark: furniture.BENCHMARK,
    }
    there = [path for path in texts if path.exists()]
    if there:
        raise OctavoError(
            f"{output.relative(there[0])} is there already, so nothing was written. "
            f"`octavo check {slug}` says what is missing."
        )
    if places.card.exists():
        planned, values["arxiv"] = _planned(places.card, arxiv)
        texts[places.card] = planned.replace("$", "$$").replace('"$$name"', '"$name"')
        if not catalogue.read_card(places.card).claims:
            texts[places.card] += furniture.CARD_CLAIMS
    elif arxiv is None:
        raise OctavoError(f"octavo new {shelf} {slug} needs --arxiv ID, as --arxiv 2405.13956")
    else:
        values["year"] = str(_year(arxiv))
        texts[places.card] = furniture.CARD + furniture.CARD_ENTRY + furniture.CARD_CLAIMS
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        filled = Template(text).substitute(values)
        # Which of two imports comes first depends on the shelf's name.
        path.write_text(re.sub(r"(?:^from octavo\..*\n){2,}", _sorted_lines, filled, flags=re.M), "utf-8")
    return sorted(texts)


def _sorted_lines(block: re.Match[str]) -> str:
    return "".join(sorted(block[0].splitlines(keepends=True), key=lambda line: line.split()[1]))


def _root(to: Path | None) -> Path:
    """The folder that gets the paper: the one that is named, the checkout, or the first of one's own."""
    if to is not None:
        return to.resolve()
    if checkout() is not None:
        return package_root()
    if own := outside_roots():
        return own[0]
    raise OctavoError(
        "octavo is installed here, not checked out: name a folder for papers of your own with --to FOLDER"
    )


def _check_names(shelf: str, slug: str) -> None:
    if shelf not in catalogue.SHELVES:
        hint = (
            catalogue.did_you_mean(shelf, catalogue.SHELVES) or f" There are {', '.join(catalogue.SHELVES)}."
        )
        raise OctavoError(f"There is no shelf {shelf!r}.{hint}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug) or iskeyword(slug):
        raise OctavoError(f"A slug is lower case letters, digits and _, as pointer_network; got {slug!r}")
    for paper in catalogue.papers():
        if paper.slug == slug and paper.shelf != shelf:
            raise OctavoError(
                f"{slug} is on the shelf {paper.shelf} already: `octavo new {paper.shelf} {slug}`"
            )


def _year(arxiv: str) -> int:
    digits = re.fullmatch(r"(\d\d)\d\d\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/(\d\d)\d{5}", arxiv)
    if digits is None:
        raise OctavoError(f"An arXiv id is as 2405.13956 or cs/0112017, without a version; got {arxiv!r}")
    two = int(digits[1] or digits[2])
    return 2000 + two if two < 90 else 1900 + two


def _planned(card: Path, arxiv: str | None) -> tuple[str, str]:
    """The text and the arXiv id of a planned paper's card."""
    paper = catalogue.read_card(card)
    if arxiv not in (None, paper.arxiv):
        raise OctavoError(f"The card of {paper.slug} says arXiv {paper.arxiv}, got --arxiv {arxiv}")
    text = card.read_text(encoding="utf-8")
    if paper.public:
        return text, paper.arxiv
    # In TOML a key after a table's heading belongs to that table.
    heading = re.search(r"^\[", text, re.MULTILINE)
    at = heading.start() if heading else len(text)
    return text[:at].rstrip("\n") + "\n" + furniture.CARD_ENTRY + ("\n" if heading else "") + text[
        at:
    ], paper.arxiv
