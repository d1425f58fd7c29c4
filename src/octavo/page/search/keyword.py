"""Search by words: FTS5 of SQLite or the text search of PostgreSQL, by the same query and weights."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, bindparam, column, select, text

from octavo.page.search.postings import PostingsCache
from octavo.page.search.query import Query, Term, tokenise
from octavo.page.search.vectors import FloatArray
from octavo.page.store.database import Database
from octavo.page.store.filters import Filters
from octavo.page.store.tables import papers

ENOUGH = 50
"""Papers with all the words that make it needless to look for papers with some of them."""
AT_ONCE = 500
"""Papers that are put in order, or asked about, at a time."""
_POSTGRES_WEIGHTS = {"title": "A", "authors": "B", "abstract": "D", "": ""}


class KeywordIndex:
    """Search by words over the papers of a database; the database itself keeps the index in step.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._postings = PostingsCache()

    def search(
        self,
        query: Query,
        filters: Filters | None = None,
        limit: int = 200,
        among: NDArray[np.int64] | None = None,
    ) -> list[tuple[int, float]]:
        """The rows of the best papers with their scores, best first: those with all words before the others.

        Args:
            query: what is looked for; its own filters are not read here.
            filters: what the search is narrowed to.
            limit: at most so many.
            among: the rows that the filters leave, where they are known already.
        """
        if not query.groups or (among is not None and not len(among)):
            return []
        conditions = (filters or Filters()).conditions()
        with self._database.read() as connection:
            if self._sqlite:
                order = self._added(connection, query, among)
                if among is None and conditions:
                    return _narrowed(connection, order, conditions, limit)
                return list(islice(order, limit))
            found = self._matching(connection, _expression(query, True), conditions, limit)
            if len(found) < min(ENOUGH, limit):
                some = self._matching(connection, _expression(query, False), conditions, limit)
                there = {row for row, _ in found}
                found += [pair for pair in some if pair[0] not in there][: limit - len(found)]
        return found

    def warm(self) -> None:
        """Reads what the most frequent words find, which a search would wait for."""
        if self._sqlite:
            with self._database.read() as connection:
                self._postings.warm(connection)

    @property
    def _sqlite(self) -> bool:
        return self._database.is_sqlite

    def _added(
        self, connection: Connection, query: Query, among: NDArray[np.int64] | None
    ) -> Iterator[tuple[int, float]]:
        """All papers with the words, best first, as sums of what each word says."""
        terms = [*dict.fromkeys(term for group in [*query.groups, query.without] for term in group)]
        found = dict(zip(terms, self._postings.of(connection, terms), strict=True))
        size = 1 + max((int(each.rows.max()) for each in found.values() if len(each.rows)), default=0)
        scores, groups = np.zeros(size, np.float32), np.zeros(size, np.uint8)
        left = np.ones(size, bool)
        if among is not None:
            left[:] = False
            left[among[among < size]] = True
        for group in query.groups:
            has = np.zeros(size, bool)
            for term in group:
                scores[found[term].rows] += found[term].scores
                has[found[term].rows] = True
            groups += has
            if any(term.required for term in group):
                left &= has
        for term in query.without:
            left[found[term].rows] = False
        every = left & (groups == len(query.groups))
        yield from _by_score(scores, np.flatnonzero(every))
        if np.count_nonzero(every) < ENOUGH:
            yield from _by_score(scores, np.flatnonzero(left & (groups > 0) & ~every))

    def _matching(
        self, connection: Connection, expression: str, conditions: Sequence[ColumnElement[bool]], limit: int
    ) -> list[tuple[int, float]]:
        """The same of PostgreSQL, which ranks by its own measure."""
        if not expression:
            return []
        # Weights of D, C, B, A; the length of a document counts by its logarithm.
        score = text("ts_rank_cd('{0.1, 0.1, 0.4, 1.0}', words, to_tsquery('octavo', :words), 1) AS score")
        match = text("words @@ to_tsquery('octavo', :words)")
        query = (
            select(papers.c.row, score)
            .select_from(papers)
            .where(match.bindparams(bindparam("words", expression)), *conditions)
            .order_by(column("score").desc(), papers.c.row)
            .limit(limit)
        )
        return [(row[0], float(row[1])) for row in connection.execute(query, {"words": expression})]

    def complete(self, typed: str, limit: int = 8) -> list[tuple[str, str]]:
        """(id, title) of papers whose title has the words, the last of which may go on; newest first."""
        tokens = tokenise(typed[:200])[:8]
        if not tokens or (len(tokens) == 1 and len(tokens[0]) < 2):
            return []
        if self._sqlite:
            words = (
                "title : ("
                + " AND ".join([*(f'"{each}"' for each in tokens[:-1]), f'"{tokens[-1]}" *'])
                + ")"
            )
            statement = (
                "SELECT papers.id, papers.title FROM papers_fts JOIN papers ON papers.row = papers_fts.rowid "
                "WHERE papers_fts MATCH :words ORDER BY papers_fts.rowid DESC LIMIT :limit"
            )
        else:
            words = " & ".join([*(f"'{each}':A" for each in tokens[:-1]), f"'{tokens[-1]}':*A"])
            statement = (
                "SELECT id, title FROM papers WHERE words @@ to_tsquery('octavo', :words) "
                "ORDER BY row DESC LIMIT :limit"
            )
        with self._database.read() as connection:
            rows = connection.execute(text(statement), {"words": words, "limit": limit})
            return [(row[0], row[1]) for row in rows]


def _by_score(scores: FloatArray, rows: NDArray[np.int64]) -> Iterator[tuple[int, float]]:
    """Rows with their scores, best first; only as many are put in order as are taken."""
    parts = [rows]
    if len(rows) > 2 * AT_ONCE:
        # Papers of one score stay in the order of rows: all of them fall on one side of the cut.
        least = -np.partition(-scores[rows], AT_ONCE)[AT_ONCE]
        parts = [rows[scores[rows] > least], rows[scores[rows] <= least]]
    for part in parts:
        for row in part[np.argsort(-scores[part], kind="stable")]:
            yield int(row), float(scores[row])


def _narrowed(
    connection: Connection,
    order: Iterator[tuple[int, float]],
    conditions: Sequence[ColumnElement[bool]],
    limit: int,
) -> list[tuple[int, float]]:
    """The first pairs whose papers fulfil some conditions, asked about a batch at a time."""
    found: list[tuple[int, float]] = []
    while len(found) < limit and (batch := list(islice(order, AT_ONCE))):
        asked = select(papers.c.row).where(papers.c.row.in_([row for row, _ in batch]), *conditions)
        left = set(connection.execute(asked).scalars())
        found += [pair for pair in batch if pair[0] in left]
    return found[:limit]


def _expression(query: Query, all_words: bool) -> str:
    """The query in the language of PostgreSQL, made of quoted tokens alone."""
    groups = ["(" + " | ".join(_tsquery(term) for term in group) + ")" for group in query.groups]
    if all_words or len(groups) == 1:
        expression = " & ".join(groups)
    else:
        pairs = list(zip(groups, query.groups, strict=True))
        required = [written for written, group in pairs if group[0].required]
        free = [written for written, group in pairs if not group[0].required]
        expression = " & ".join(required or ["(" + " | ".join(free) + ")"])
    if query.without:
        expression = f"({expression}) & !(" + " | ".join(_tsquery(term) for term in query.without) + ")"
    return expression


def _tsquery(term: Term) -> str:
    weight = _POSTGRES_WEIGHTS[term.field]
    mark = (":" + ("*" if term.prefix else "") + weight) if term.prefix or weight else ""
    return " <-> ".join(f"'{token}'{mark}" for token in term.tokens)
