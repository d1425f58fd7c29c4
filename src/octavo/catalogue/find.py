"""Where papers lie, and the papers that lie there."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from octavo.catalogue.card import SHELVES, CardError, Paper, read_card
from octavo.catalogue.suggest import did_you_mean
from octavo.errors import OctavoError

CARD = "paper.toml"


@cache
def package_root() -> Path:
    """The package itself, which holds its papers as any other root does."""
    return Path(__file__).resolve().parents[1]


def outside_roots() -> list[Path]:
    """The folders that ``OCTAVO_PAPERS`` names, whether or not they exist."""
    named = [
        Path(name).expanduser().absolute()
        for name in os.environ.get("OCTAVO_PAPERS", "").split(os.pathsep)
        if name
    ]
    return [root for root in dict.fromkeys(named) if root != package_root()]


def roots() -> list[Path]:
    """The folders that hold papers: the package itself, then those that ``OCTAVO_PAPERS`` names.

    Raises:
        OctavoError: one that is named is not a folder.
    """
    outside = outside_roots()
    for root in outside:
        if not root.is_dir():
            raise OctavoError(f"OCTAVO_PAPERS names {root}, which is not a folder; correct or unset it.")
    return [package_root(), *outside]


def cards(root: Path, shelf: str | None = None) -> Iterator[Path]:
    """The cards below a root, in order of their folders' names: of one shelf, or of all, unknown ones too.

    Raises:
        OctavoError: a folder cannot be read.
    """
    try:
        for folder in [root / shelf] if shelf else sorted(root.iterdir()):
            if folder.is_dir():
                yield from (paper / CARD for paper in sorted(folder.iterdir()) if (paper / CARD).is_file())
    except OSError as error:
        raise OctavoError(f"{error.filename} cannot be read for papers: {error.strerror}.") from None


def papers() -> list[Paper]:
    """All papers, by shelf and then by slug.

    Raises:
        CardError: a card is wrong, or two papers have one slug, or two of a shelf one public name.

    Example:
        >>> "aaren" in [paper.slug for paper in papers()]
        True
    """
    found: dict[str, Paper] = {}
    owners: dict[tuple[str, str], Paper] = {}
    for root in roots():
        for card in cards(root):
            paper = read_card(card)
            if paper.slug in found:
                raise _taken(card, found[paper.slug].folder)
            found[paper.slug] = paper
            for name in paper.public:
                owner = owners.setdefault((paper.shelf, name), paper)
                if owner is not paper:
                    taken = f"{name!r}, as {owner.slug} of the same shelf has"
                    raise CardError(card, "public", taken, "names of its own")
    order = list(SHELVES)
    return sorted(found.values(), key=lambda paper: (order.index(paper.shelf), paper.slug))


def paper(slug: str) -> Paper:
    """The paper of that name; what is wrong with the cards of others does not matter.

    Args:
        slug: its name; ``-`` is read as ``_``, and case does not matter.

    Raises:
        OctavoError: there is none; the message says which come close.
        CardError: its card is wrong, or two papers have this name.

    Example:
        >>> paper("aaren").shelf
        'sequence'
    """
    wanted = slug.strip().casefold().replace("-", "_")
    found = [card for root in roots() for card in cards(root)]
    named = [card for card in found if card.parent.name == wanted]
    if not named:
        hint = did_you_mean(slug, [card.parent.name for card in found]) or " `octavo papers` lists them all."
        raise OctavoError(f"There is no paper {slug!r}.{hint}")
    if len(named) > 1:
        raise _taken(named[1], named[0].parent)
    return read_card(named[0])


def _taken(card: Path, other: Path) -> CardError:
    return CardError(card, "slug (the folder)", f"{card.parent.name!r}, as {other}", "a slug of its own")
