"""What one term finds, with its scores: asked of FTS5 once, and kept until the index changes.

BM25 is a sum over the terms of a query, so the database is asked about each term alone and numpy adds. A word
that is frequent in papers is frequent in queries too, and costs the database a tenth of a second that is spent
once; a rare one costs little.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from octavo.page.search.query import Term

TITLE, AUTHORS, ABSTRACT = 5.0, 2.0, 1.0
"""What a word counts in each field."""
MOST = 100_000
"""Papers that a term is ranked in; one that has more is looked for in titles, among the newest of them."""
KEPT = 8_000_000
"""(paper, score) pairs that are kept at most, of eight bytes each."""


@dataclass(frozen=True)
class Postings:
    """The papers that have a term.

    Args:
        rows: (n,) row numbers, each once.
        scores: (n,) BM25 of the term in them, more is better.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


class PostingsCache:
    """The postings of terms over the full-text index of an SQLite store."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Term, Postings] = OrderedDict()
        self._stamp: bytes | None = None
        self._pairs = 0
        self._lock = threading.Lock()

    def of(self, connection: Connection, terms: list[Term]) -> list[Postings]:
        """The postings of some terms.

        Args:
            connection: to the store, of one transaction.
            terms: what is looked for.
        """
        cursor = connection.connection.cursor()
        try:
            # The record of the index's segments is written anew with every change of the index.
            stamp: bytes = cursor.execute("SELECT block FROM papers_fts_data WHERE id = 10").fetchone()[0]
            return [self._one(cursor, stamp, term) for term in terms]
        finally:
            cursor.close()

    def _one(self, cursor: object, stamp: bytes, term: Term) -> Postings:
        with self._lock:
            if stamp != self._stamp:
                self._kept.clear()
                self._stamp, self._pairs = stamp, 0
            if (found := self._kept.get(term)) is not None:
                self._kept.move_to_end(term)
                return found
        found = _asked(cursor, term)
        with self._lock:
            if stamp == self._stamp and term not in self._kept:
                self._kept[term] = found
                self._pairs += len(found.rows)
                while self._pairs > KEPT:
                    self._pairs -= len(self._kept.popitem(last=False)[1].rows)
        return found


def _asked(cursor: object, term: Term) -> Postings:
    rows = _ranked(cursor, fts5(term), "")
    if len(rows) > MOST:
        words = fts5(term) if term.field else f"title : {fts5(term)}"
        rows = _ranked(cursor, words, "ORDER BY rowid DESC")[:MOST]
    found = np.array(rows, np.float64).reshape(-1, 2)
    return Postings(found[:, 0].astype(np.int32), (-found[:, 1]).astype(np.float32))


def _ranked(cursor: object, words: str, order: str) -> list[tuple[int, float]]:
    statement = (
        "SELECT rowid, rank FROM papers_fts WHERE papers_fts MATCH ? "
        f"AND rank MATCH 'bm25({TITLE}, {AUTHORS}, {ABSTRACT})' {order} LIMIT {MOST + 1}"
    )
    found: list[tuple[int, float]] = cursor.execute(statement, (words,)).fetchall()  # type: ignore[attr-defined]
    return found


def fts5(term: Term) -> str:
    """A term in the language of FTS5: quoted tokens, nothing else of what was typed.

    Example:
        >>> fts5(Term(("gradient", "noise"), "title", prefix=True))
        'title : "gradient noise" *'
    """
    words = '"' + " ".join(term.tokens) + '"' + (" *" if term.prefix else "")
    return f"{term.field} : {words}" if term.field else words
