"""What the page asks a search for."""

from dataclasses import dataclass
from typing import Protocol

from octavo import catalogue
from octavo.page.cards import card
from octavo.page.store import Filters, ListedPaper, Store


@dataclass(frozen=True)
class Hit:
    """One paper that was found.

    Args:
        id: the paper's.
        why: why it stands where it stands, in words.
        snippet: the piece of its text that has the words, with the words between `[[` and `]]`.
        paper: as the store has it, where the search had to read it anyway.
    """

    id: str
    why: str = ""
    snippet: str = ""
    paper: ListedPaper | None = None


@dataclass(frozen=True)
class Found:
    """What a search found: one page of it, and whether there is more."""

    hits: tuple[Hit, ...] = ()
    more: bool = False
    note: str = ""


class Finder(Protocol):
    """A search over the store."""

    def find(self, text: str, filters: Filters, limit: int, offset: int) -> Found:
        """One page of what a text finds, best first."""
        ...

    def similar(self, paper: str, limit: int) -> list[str]:
        """The ids of papers like one, by its id."""
        ...


class Cards:
    """Finds the papers of this library by the words of their cards, without an index."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, text: str, filters: Filters, limit: int, offset: int) -> Found:
        """One page of what a text finds, best first."""
        scores = [(paper.slug, score) for paper, score in catalogue.search(text)]
        kept = []
        for slug, score in scores:
            paper = self._store.papers.get(slug)
            if paper is not None:
                kept.append(Hit(paper.id, f"words of the card: {score:.1f}", paper=paper))
        return Found(tuple(kept[offset : offset + limit]), len(kept) > offset + limit)

    def similar(self, paper: str, limit: int) -> list[str]:
        """Papers of the same tasks."""
        found = self._store.papers.get(paper)
        if found is None or not found.slug:
            return []
        tasks = set(card(found.slug).tasks)
        others = [
            (len(tasks & set(other.tasks)), other.arxiv)
            for other in catalogue.papers()
            if other.slug != found.slug
        ]
        return [arxiv for shared, arxiv in sorted(others, reverse=True) if shared][:limit]
