"""Search by words: FTS5 of SQLite or the text search of PostgreSQL, by the same query and weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, FromClause, bindparam, column, select, table, text

from octavo.page.search.query import Query, Term, tokenise
from octavo.page.store.database import Database
from octavo.page.store.papers import Filters
from octavo.page.store.tables import papers

TITLE, AUTHORS, ABSTRACT = 5.0, 2.0, 1.0
"""What a word counts in each field."""
ENOUGH = 50
"""Papers with all the words that make it needless to look for papers with some of them."""
_FTS = table("papers_fts", column("rowid"))
_OPEN, _CLOSE = "\x02", "\x03"
_POSTGRES_WEIGHTS = {"title": "A", "authors": "B", "abstract": "D", "": ""}


@dataclass(frozen=True)
class Snippet:
    """A piece of an abstract, as texts in turn, each with whether it is a word that was found."""

    pieces: tuple[tuple[str, bool], ...]


class KeywordIndex:
    """Search by words over the papers of a database; the database itself keeps the index in step.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(
        self, query: Query, filters: Filters | None = None, limit: int = 200
    ) -> list[tuple[int, float]]:
        """The rows of the best papers with their scores, best first: those with all words before the others.

        Args:
            query: what is looked for; its own filters are not read here.
            filters: what the search is narrowed to.
            limit: at most so many.
        """
        if not query.groups:
            return []
        conditions = (filters or Filters()).conditions()
        with self._database.read() as connection:
            found = self._matching(connection, _expression(query, True, self._sqlite), conditions, limit)
            if len(found) < min(ENOUGH, limit):
                some = self._matching(connection, _expression(query, False, self._sqlite), conditions, limit)
                there = {row for row, _ in found}
                found += [pair for pair in some if pair[0] not in there][: limit - len(found)]
        return found

    @property
    def _sqlite(self) -> bool:
        return self._database.is_sqlite

    def _matching(
        self, connection: Connection, expression: str, conditions: Sequence[ColumnElement[bool]], limit: int
    ) -> list[tuple[int, float]]:
        if not expression:
            return []
        if self._sqlite:
            if not conditions:
                plain = text(
                    "SELECT rowid, rank FROM papers_fts WHERE papers_fts MATCH :words "
                    f"AND rank MATCH 'bm25({TITLE}, {AUTHORS}, {ABSTRACT})' ORDER BY rank LIMIT :limit"
                )
                rows = connection.execute(plain, {"words": expression, "limit": limit})
                return [(row[0], -row[1]) for row in rows]
            source: FromClause = papers.join(_FTS, _FTS.c.rowid == papers.c.row)
            score = text(f"-bm25(papers_fts, {TITLE}, {AUTHORS}, {ABSTRACT}) AS score")
            match = text("papers_fts MATCH :words")
        else:
            source = papers
            # Weights of D, C, B, A; the length of a document counts by its logarithm.
            score = text(
                "ts_rank_cd('{0.1, 0.1, 0.4, 1.0}', words, to_tsquery('english', :words), 1) AS score"
            )
            match = text("words @@ to_tsquery('english', :words)")
        query = (
            select(papers.c.row, score)
            .select_from(source)
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
                "SELECT id, title FROM papers WHERE words @@ to_tsquery('english', :words) "
                "ORDER BY row DESC LIMIT :limit"
            )
        with self._database.read() as connection:
            rows = connection.execute(text(statement), {"words": words, "limit": limit})
            return [(row[0], row[1]) for row in rows]

    def snippets(self, query: Query, rows: Sequence[int]) -> dict[int, Snippet]:
        """For papers of a result: the piece of the abstract where the words are; others are left out."""
        if not rows or not query.groups:
            return {}
        expression = _expression(query, False, self._sqlite)
        if self._sqlite:
            statement = (
                f"SELECT rowid, snippet(papers_fts, 2, '{_OPEN}', '{_CLOSE}', '…', 32) FROM papers_fts "
                "WHERE papers_fts MATCH :words AND rowid IN :rows"
            )
        else:
            statement = (
                "SELECT row, ts_headline('english', abstract, to_tsquery('english', :words), "
                f"'StartSel={_OPEN}, StopSel={_CLOSE}, MaxWords=32, MinWords=16') "
                "FROM papers WHERE words @@ to_tsquery('english', :words) AND row IN :rows"
            )
        prepared = text(statement).bindparams(bindparam("rows", expanding=True))
        with self._database.read() as connection:
            found = connection.execute(prepared, {"words": expression, "rows": list(rows)})
            return {row[0]: _snippet(row[1]) for row in found if _OPEN in row[1]}


def _snippet(marked: str) -> Snippet:
    pieces: list[tuple[str, bool]] = []
    for part in marked.split(_OPEN):
        inside, closed, after = part.partition(_CLOSE)
        if closed:
            pieces += [(inside, True), (after, False)]
        else:
            pieces.append((part, False))
    return Snippet(tuple((" ".join(piece.split("\n")), found) for piece, found in pieces if piece))


def _expression(query: Query, all_words: bool, sqlite: bool) -> str:
    """The query in the database's language, made of quoted tokens alone."""
    one = _fts5 if sqlite else _tsquery
    either, both, but_not = (" OR ", " AND ", " NOT ") if sqlite else (" | ", " & ", " & !")
    groups = ["(" + either.join(one(term) for term in group) + ")" for group in query.groups]
    if all_words or len(groups) == 1:
        expression = both.join(groups)
    else:
        required = [text for text, group in zip(groups, query.groups, strict=True) if group[0].required]
        free = [text for text, group in zip(groups, query.groups, strict=True) if not group[0].required]
        expression = both.join(
            [*required, *(["(" + either.join(free) + ")"] if free and not required else [])]
        )
    if query.without:
        expression = f"({expression}){but_not}(" + either.join(one(term) for term in query.without) + ")"
    return expression


def _fts5(term: Term) -> str:
    words = '"' + " ".join(term.tokens) + '"' + (" *" if term.prefix else "")
    return f"{term.field} : {words}" if term.field else words


def _tsquery(term: Term) -> str:
    weight = _POSTGRES_WEIGHTS[term.field]
    mark = (":" + ("*" if term.prefix else "") + weight) if term.prefix or weight else ""
    return " <-> ".join(f"'{token}'{mark}" for token in term.tokens)
