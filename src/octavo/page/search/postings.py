"""What one term finds, with its scores: asked of FTS5 once, and kept until the index changes.

BM25 is a sum over the terms of a query, so the database is asked about each term alone and numpy adds. A
word that is frequent in papers is frequent in queries too, and costs the database a tenth of a second that is
spent once; a rare one costs little.
"""

import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from octavo.page.search.query import Term

TITLE, AUTHORS, ABSTRACT = 5.0, 2.0, 1.0
"""What a word counts in each field."""
MOST = 100_000
"""Papers that a term is ranked in; one that has more is looked for in titles, among the newest of them."""
WARMED = 2000
"""Words that are asked for ahead: in 100,000 papers each of them is in a thousand, or more."""
TOKENS = "porter unicode61 remove_diacritics 2"
"""The tokenizer of the index; see the first migration."""
KEPT = 16_000_000
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

    def warm(self, connection: Connection, most: int = WARMED) -> None:
        """Asks for the most frequent words before a reader does."""
        cursor = connection.connection.cursor()
        cursor.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.papers_words "
            "USING fts5vocab('main', 'papers_fts', 'row')"
        )
        frequent = cursor.execute(
            "SELECT term FROM temp.papers_words ORDER BY doc DESC LIMIT ?", (most,)
        ).fetchall()
        cursor.close()
        # The rarest first: what is kept longest is the most frequent.
        for (word,) in reversed(frequent):
            self.of(connection, [Term((word,))])

    def _one(self, cursor: Any, stamp: bytes, term: Term) -> Postings:
        key = replace(term, tokens=tuple(map(stem, term.tokens)), required=False) if not term.prefix else term
        with self._lock:
            if stamp != self._stamp:
                self._kept.clear()
                self._stamp, self._pairs = stamp, 0
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
        found = _asked(cursor, term)
        with self._lock:
            if stamp == self._stamp and key not in self._kept:
                self._kept[key] = found
                self._pairs += len(found.rows)
                while self._pairs > KEPT:
                    self._pairs -= len(self._kept.popitem(last=False)[1].rows)
        return found


def _asked(cursor: Any, term: Term) -> Postings:
    found = _ranked(cursor, fts5(term), "")
    if len(found.rows) > MOST:
        words = fts5(term) if term.field else f"title : {fts5(term)}"
        found = _ranked(cursor, words, "ORDER BY rowid DESC")
        found = Postings(found.rows[:MOST], found.scores[:MOST])
    return found


def _ranked(cursor: Any, words: str, order: str) -> Postings:
    """The rows of some words with their scores, as one text.

    A row at a time, the driver would give the interpreter away and wait to have it back for every row.
    """
    statement = (
        "SELECT group_concat(row, ' '), group_concat(printf('%.5g', score), ' ') FROM (SELECT rowid AS row, "
        "-rank AS score FROM papers_fts WHERE papers_fts MATCH ? "
        f"AND rank MATCH 'bm25({TITLE}, {AUTHORS}, {ABSTRACT})' {order} LIMIT {MOST + 1})"
    )
    rows, scores = cursor.execute(statement, (words,)).fetchone()
    return Postings(
        np.fromstring(rows or "", np.int32, sep=" "),
        np.fromstring(scores or "", np.float32, sep=" "),
    )


_STEMS = threading.local()


@lru_cache(maxsize=50_000)
def stem(token: str) -> str:
    """A token as the index has it, by the index's own rules.

    Example:
        >>> stem("learning"), stem("memories")
        ('learn', 'memori')
    """
    if (table := getattr(_STEMS, "table", None)) is None:
        table = _STEMS.table = sqlite3.connect(":memory:", isolation_level=None)
        table.execute(f"CREATE VIRTUAL TABLE one USING fts5(word, tokenize='{TOKENS}')")
        table.execute("CREATE VIRTUAL TABLE stems USING fts5vocab(one, 'row')")
    table.execute("INSERT INTO one(rowid, word) VALUES (1, ?)", (token,))
    found = table.execute("SELECT term FROM stems").fetchall()
    table.execute("DELETE FROM one")
    return " ".join(term for (term,) in found)


def fts5(term: Term) -> str:
    """A term in the language of FTS5: quoted tokens, nothing else of what was typed.

    Example:
        >>> fts5(Term(("gradient", "noise"), "title", prefix=True))
        'title : "gradient noise" *'
    """
    words = '"' + " ".join(term.tokens) + '"' + (" *" if term.prefix else "")
    return f"{term.field} : {words}" if term.field else words
