"""How a shelf gives its papers' public names without importing any paper before one is used."""

import os
import sys
from collections.abc import Callable, Iterator, MutableSequence
from importlib import import_module
from typing import Any

from octavo.catalogue.card import CardError, Paper, read_card
from octavo.catalogue.find import CARD, cards, outside_roots, package_root
from octavo.catalogue.suggest import did_you_mean


class ShelfPath(list[str]):
    """A shelf's ``__path__``: its own folder, then the same shelf in each folder of ``OCTAVO_PAPERS``.

    The import system goes through it at each import, so a folder that is named later is found as well.
    """

    def __init__(self, shelf: str, own: MutableSequence[str]) -> None:
        super().__init__(own)
        self.shelf = shelf

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        for root in outside_roots():
            yield os.fspath(root / self.shelf)


def lazy_shelf(
    module: str, path: MutableSequence[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], ShelfPath]:
    """What a shelf's ``__init__`` needs: ``__getattr__, __dir__, __path__ = lazy_shelf(__name__, __path__)``.

    A public name of a card, or a paper's slug, is imported when it is first used and kept. A wrong card hides
    its own names and no others.

    Args:
        module: the shelf's full name.
        path: the shelf's own ``__path__``.
    """
    shelf = module.rpartition(".")[2]

    def read() -> tuple[dict[str, Paper], dict[str, Paper], list[CardError]]:
        """The owners of the public names, the papers by slug, and what is wrong with the other cards."""
        names: dict[str, Paper] = {}
        slugs: dict[str, Paper] = {}
        wrong: list[CardError] = []
        for root in [package_root(), *outside_roots()]:
            for card in cards(root, shelf):
                try:
                    paper = read_card(card)
                except CardError as error:
                    wrong.append(error)
                else:
                    slugs.setdefault(paper.slug, paper)
                    for name in paper.public:
                        names.setdefault(name, paper)
        return names, slugs, wrong

    def get(name: str) -> Any:
        if name == "__all__":
            return sorted(read()[0])
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        names, slugs, wrong = read()
        if name in names:
            paper = names[name]
            room = import_module(paper.module)
            if not hasattr(room, name):
                card = paper.folder / CARD
                raise AttributeError(
                    f"{card} says that {name!r} is public, but {paper.module} has no such name"
                )
            value = getattr(room, name)
            setattr(sys.modules[module], name, value)
            return value
        if name in slugs:
            return import_module(f"{module}.{name}")
        why = "".join(f" Besides, {error}." for error in wrong)
        raise AttributeError(f"{module} has no {name!r}.{did_you_mean(name, [*names, *slugs])}{why}")

    def names_and_slugs() -> list[str]:
        names, slugs, _ = read()
        own = (name for name in vars(sys.modules[module]) if name.startswith("__"))
        return sorted({*own, *names, *slugs})

    return get, names_and_slugs, ShelfPath(shelf, path)
