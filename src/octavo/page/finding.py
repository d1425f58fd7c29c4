"""The fused search as the application and the digest ask for it, and the job that completes vectors."""

from octavo.page.embed import embed
from octavo.page.search import Search, vectors_of
from octavo.page.store import Filters
from octavo.page.web.finding import Cards, Found, Hit

AT_A_TIME = 5000
"""Papers that one run of the job encodes at most."""


class Fused:
    """A `Finder` over the fused search.

    Args:
        search: over the store.
    """

    def __init__(self, search: Search) -> None:
        self.search = search
        self._cards = Cards(search.store)

    def find(self, text: str, filters: Filters, limit: int, offset: int) -> Found:
        """One page of what a text finds, best first."""
        results = self.search.search(text, filters, limit=limit, offset=offset)
        hits = []
        for hit in results.hits:
            pieces = hit.snippet.pieces if hit.snippet else ()
            marked = "".join(f"[[{piece}]]" if found else piece for piece, found in pieces)
            hits.append(Hit(hit.paper.id, hit.why, marked, hit.paper))
        note = "" if results.mode != "words" or self.search.load is None or self.search.ready else LOADING
        return Found(tuple(hits), results.found > offset + limit, note)

    def similar(self, paper: str, limit: int) -> list[str]:
        """The ids of papers like one, by its id; by the tasks of its card where it has no vector."""
        found = self.search.store.papers.get(paper)
        near = self.search.similar(found, limit) if found is not None else []
        return [each.id for each, _ in near] or self._cards.similar(paper, limit)


LOADING = "Found by words alone: the search by meaning is being made ready."


def complete_vectors(search: Search) -> int:
    """Encodes papers that have no vector yet, some thousand at most; returns how many."""
    if search.load is None:
        return 0
    search.warm(wait=True)
    assert search.encoder is not None
    return embed(search.store, vectors_of(search.store), search.encoder, limit=AT_A_TIME).papers
