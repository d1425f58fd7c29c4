"""The search of the page over a store, as the application, the digest and the command line use it."""

import logging

from octavo import data
from octavo.page.search import MiniLM, Search, VectorIndex
from octavo.page.store import Filters, Store
from octavo.page.web.finding import Found, Hit

LOG = logging.getLogger(__name__)


def search_of(store: Store) -> Search:
    """The search over a store: by meaning too where it has vectors and MiniLM is on this machine."""
    index = VectorIndex(store.folder / "vectors")
    return Search(store, index, MiniLM if data.available("minilm") else None)


class Fused:
    """A `Finder` over the fused search.

    Args:
        search: over the store.
    """

    def __init__(self, search: Search) -> None:
        self._search = search

    def find(self, text: str, filters: Filters, limit: int, offset: int) -> Found:
        """One page of what a text finds, best first."""
        results = self._search.search(text, filters, limit=limit, offset=offset)
        hits = []
        for hit in results.hits:
            pieces = hit.snippet.pieces if hit.snippet else ()
            marked = "".join(f"[[{piece}]]" if found else piece for piece, found in pieces)
            hits.append(Hit(hit.paper.id, hit.why, marked))
        note = (
            ""
            if self._search.ready or not self._search.load
            else "The search by meaning is still being loaded."
        )
        return Found(tuple(hits), results.found > offset + limit, note)

    def similar(self, paper: str, limit: int) -> list[str]:
        """The ids of papers like one, by its id; none where it has no vector."""
        found = self._search.store.papers.get(paper)
        return [] if found is None else [each.id for each, _ in self._search.similar(found, limit)]
