"""The papers: what one knows of each, lists of them by filters and order, and putting them in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, exists, func, or_, select, update

from octavo.errors import OctavoError
from octavo.page import trending
from octavo.page.store.database import Database
from octavo.page.store.tables import claims, listings, paper_categories, papers, votes

Order = Literal["trending", "newest", "votes", "day"]
ORDERS: tuple[Order, ...] = ("trending", "newest", "votes", "day")
_BATCH = 500
LARGE = 2000
"""Papers from which on a category is large."""


@dataclass(frozen=True)
class ListedPaper:
    """One paper of the page.

    Args:
        id: its arXiv id without a version, or another id that the import gave.
        authors: as they sign.
        categories: the primary one first.
        published, updated: days, as `2024-05-22`.
        source: where the entry comes from: `octavo`, `arxiv`, `daily`, `user`.
        url, code: where it can be read, where its code lies; "" where not known.
        withdrawn: it stays findable, and out of the trending order.
        slug, shelf: of a paper of this library.
        runs, has_demo: what a paper of this library has.
        votes, heat: kept by the store, ignored when a paper is put in; see `octavo.page.trending`.
        row: its number in the store, 0 before it is there.
    """

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: str = ""
    updated: str = ""
    version: int = 1
    source: str = "user"
    url: str = ""
    code: str = ""
    withdrawn: bool = False
    slug: str | None = None
    shelf: str | None = None
    runs: bool = False
    has_demo: bool = False
    votes: int = 0
    heat: float = trending.COLD
    row: int = 0


@dataclass(frozen=True)
class Filters:
    """What a list or a search is narrowed to; a field that is left out does not narrow.

    Args:
        category: one that the paper is listed under, such as `cs.CL`; `cs` finds all of `cs.*`.
        shelf: of this library.
        verdict: papers with a claim of this verdict; `needs` finds every `needs NAME`.
        since, until: days, both included.
        has_demo, runs: True for those that have it.
        author: part of an author's name.
        ours: True for the papers of this library.
        withdrawn: False leaves withdrawn papers out.
    """

    category: str | None = None
    shelf: str | None = None
    verdict: str | None = None
    since: str | None = None
    until: str | None = None
    has_demo: bool | None = None
    runs: bool | None = None
    author: str | None = None
    ours: bool | None = None
    withdrawn: bool | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is narrowed."""
        return all(getattr(self, field.name) is None for field in fields(self))

    def conditions(self, *, walk: bool = False) -> list[ColumnElement[bool]]:
        """The filters as conditions on the table of papers, every value bound.

        Args:
            walk: ask each paper for its category, in the place of taking all papers of the category first:
                the way for categories so large that the first papers of any order have some of it.
        """
        found: list[ColumnElement[bool]] = []
        if self.category is not None:
            listed = paper_categories.c.category
            wanted = (
                listed == self.category
                if "." in self.category
                else or_(
                    listed == self.category,
                    # a range, so that the index serves it
                    and_(listed > self.category + ".", listed < self.category + "/"),
                )
            )
            if walk:
                found.append(exists().where(wanted, paper_categories.c.row == papers.c.row))
            else:
                found.append(papers.c.row.in_(select(paper_categories.c.row).where(wanted)))
        if self.shelf is not None:
            found.append(papers.c.shelf == self.shelf)
        if self.verdict is not None:
            same = (
                claims.c.verdict.startswith("needs ")
                if self.verdict == "needs"
                else claims.c.verdict == self.verdict
            )
            found.append(exists().where(claims.c.paper == papers.c.id, same))
        if self.since is not None:
            found.append(papers.c.published >= self.since)
        if self.until is not None:
            found.append(papers.c.published <= self.until)
        if self.author is not None:
            found.append(papers.c.authors.icontains(self.author, autoescape=True))
        if self.ours is not None:
            found.append(papers.c.slug.is_not(None) if self.ours else papers.c.slug.is_(None))
        for name in ("has_demo", "runs", "withdrawn"):
            if (value := getattr(self, name)) is not None:
                found.append(papers.c[name].is_(value))
        return found


@dataclass(frozen=True)
class Upserted:
    """What putting papers in came to."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "Upserted") -> "Upserted":
        return Upserted(
            self.inserted + other.inserted, self.updated + other.updated, self.unchanged + other.unchanged
        )


class Papers:
    """The papers of a store; see `octavo.page.store.Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> ListedPaper | None:
        """A paper by its id, by its slug, or by an arXiv id with a version; None where there is none."""
        bare = name.partition("v")[0] if name[:1].isdigit() else name
        with self._database.read() as connection:
            for condition in (papers.c.id == name, papers.c.slug == name, papers.c.id == bare):
                if row := connection.execute(select(papers).where(condition)).first():
                    return _paper(row)
        return None

    def many(self, ids: Sequence[str]) -> list[ListedPaper]:
        """The papers of these ids in this order; ids that are not there are left out."""
        found: dict[str, ListedPaper] = {}
        if not ids:
            return []
        with self._database.read() as connection:
            for start in range(0, len(ids), _BATCH):
                chosen = select(papers).where(papers.c.id.in_(ids[start : start + _BATCH]))
                found |= {row.id: _paper(row) for row in connection.execute(chosen)}
        return [found[each] for each in ids if each in found]

    def by_rows(self, rows: Sequence[int]) -> list[ListedPaper]:
        """The papers of these row numbers in this order; rows that are not there are left out."""
        found: dict[int, ListedPaper] = {}
        with self._database.read() as connection:
            for start in range(0, len(rows), _BATCH):
                chosen = select(papers).where(papers.c.row.in_(rows[start : start + _BATCH]))
                found |= {row.row: _paper(row) for row in connection.execute(chosen)}
        return [found[each] for each in rows if each in found]

    def listed(
        self,
        filters: Filters | None = None,
        order: Order = "trending",
        *,
        limit: int = 20,
        offset: int = 0,
        day: str | None = None,
    ) -> list[ListedPaper]:
        """One page of a list.

        Args:
            filters: what it is narrowed to.
            order: `trending` by heat, `newest`, `votes`, or `day`: a saved daily list by its votes.
            limit, offset: which part of it.
            day: of the order `day`; the newest day that was saved where it is left out.
        """
        return [
            _paper(row)
            for row in self._rows(select(papers), filters, order, limit=limit, offset=offset, day=day)
        ]

    def ids(
        self, filters: Filters | None = None, order: Order = "trending", *, limit: int = 20, offset: int = 0
    ) -> list[str]:
        """As `listed`, but only the ids."""
        found = self._rows(select(papers.c.id), filters, order, limit=limit, offset=offset)
        return [str(row.id) for row in found]

    def _rows(
        self,
        query: Select[Any],
        filters: Filters | None,
        order: Order,
        *,
        limit: int,
        offset: int,
        day: str | None = None,
    ) -> Sequence[Row[Any]]:
        if order not in ORDERS:
            raise OctavoError(f"A list is ordered by one of {', '.join(ORDERS)}, got {order!r}.")
        newest = (papers.c.published.desc(), papers.c.row.desc())
        with self._database.read() as connection:
            conditions = (filters or Filters()).conditions(walk=_is_large(connection, filters))
            if order == "day":
                if day is None:
                    day = connection.execute(select(func.max(listings.c.day))).scalar()
                query = query.join(listings, listings.c.paper == papers.c.id).where(listings.c.day == day)
                query = query.order_by(listings.c.votes.desc(), papers.c.row)
            elif order == "trending":
                if filters is None or filters.withdrawn is None:
                    conditions.append(papers.c.withdrawn.is_(False))
                query = query.order_by(papers.c.heat.desc(), *newest)
            elif order == "votes":
                query = query.order_by(papers.c.votes.desc(), *newest)
            else:
                query = query.order_by(*newest)
            return connection.execute(query.where(*conditions).limit(limit).offset(offset)).all()

    def top(
        self, since: float, until: float, *, limit: int = 20, offset: int = 0
    ) -> list[tuple[ListedPaper, int]]:
        """The papers with most counted votes between two times, with those votes."""
        n = func.count().label("n")
        query = (
            select(papers, n)
            .join(votes, votes.c.paper == papers.c.id)
            .where(votes.c.at >= since, votes.c.at < until, votes.c.counted.is_(True))
            .group_by(papers.c.row)
            .order_by(n.desc(), papers.c.heat.desc(), papers.c.row.desc())
        )
        with self._database.read() as connection:
            return [(_paper(row), row.n) for row in connection.execute(query.limit(limit).offset(offset))]

    def count(self, filters: Filters | None = None) -> int:
        """How many papers the filters leave."""
        query = select(func.count()).select_from(papers).where(*(filters or Filters()).conditions())
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def rows(
        self, filters: Filters | None = None, *, limit: int | None = None, among: Sequence[int] | None = None
    ) -> list[int]:
        """The row numbers that the filters leave, ascending.

        Args:
            filters: what is left.
            limit: at most so many.
            among: only of these rows, some hundreds.
        """
        query = select(papers.c.row).where(*(filters or Filters()).conditions()).order_by(papers.c.row)
        if among is not None:
            query = query.where(papers.c.row.in_(among))
        with self._database.read() as connection:
            return list(connection.execute(query.limit(limit)).scalars())

    def after(self, row: int, limit: int) -> list[ListedPaper]:
        """The papers behind a row number in the order of rows: how a job goes through all of them."""
        query = select(papers).where(papers.c.row > row).order_by(papers.c.row).limit(limit)
        with self._database.read() as connection:
            return [_paper(each) for each in connection.execute(query)]

    def categories(self) -> dict[str, int]:
        """Every category with the number of its papers, most first."""
        n = func.count().label("n")
        query = select(paper_categories.c.category, n).group_by(paper_categories.c.category)
        with self._database.read() as connection:
            return {row.category: row.n for row in connection.execute(query.order_by(n.desc()))}

    def days(self, limit: int = 60) -> list[str]:
        """The days whose lists were saved, newest first."""
        query = select(listings.c.day).distinct().order_by(listings.c.day.desc()).limit(limit)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def put(self, entries: Iterable[ListedPaper], cursor: tuple[str, Any] | None = None) -> Upserted:
        """Puts papers in, in one transaction: new ones are added, changed ones take the newer text.

        A lower version than the one that is there changes nothing. What the library knows of its own papers
        (slug, shelf, demo) is kept when an import from elsewhere brings the same id.

        Args:
            entries: the papers.
            cursor: a source and how far its import has come, saved in the same transaction, so that an
                import which is killed goes on exactly where the store stands.
        """
        # The last entry of an id wins over earlier ones of the same batch, unless its version is lower.
        newest: dict[str, ListedPaper] = {}
        for entry in entries:
            if entry.id not in newest or entry.version >= newest[entry.id].version:
                newest[entry.id] = entry
        with self._database.write(bulk=True) as connection:
            there = self._versions(connection, list(newest))
            fresh = [entry for entry in newest.values() if entry.id not in there]
            changed, unchanged = [], 0
            for entry in newest.values():
                if (old := there.get(entry.id)) is None:
                    continue
                if difference := _difference(old, entry):
                    changed.append((old, entry, difference))
                else:
                    unchanged += 1
            self._insert(connection, fresh)
            for old, entry, difference in changed:
                connection.execute(update(papers).where(papers.c.row == old.row).values(**difference))
                if "categories" in difference:
                    connection.execute(delete(paper_categories).where(paper_categories.c.row == old.row))
                    self._categorise(connection, {old.row: entry.categories})
            if cursor is not None:
                from octavo.page.store.jobs import save_cursor

                save_cursor(self._database, connection, *cursor)
        return Upserted(len(fresh), len(changed), unchanged)

    def put_listing(self, day: str, votes_by_id: Mapping[str, int]) -> None:
        """Saves a daily list: the votes of each paper as counted then, in the place of earlier ones."""
        with self._database.write() as connection:
            for paper, count in votes_by_id.items():
                values = {"day": day, "paper": paper, "votes": count}
                self._database.put(connection, listings, values, ("day", "paper"))

    def _versions(self, connection: Any, ids: list[str]) -> dict[str, Row[Any]]:
        found: dict[str, Row[Any]] = {}
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            found |= {row.id: row for row in connection.execute(select(papers).where(papers.c.id.in_(part)))}
        return found

    def _insert(self, connection: Any, fresh: list[ListedPaper]) -> None:
        if not fresh:
            return
        columns = [*_COLUMNS, "votes", "heat", "row"]
        first = connection.execute(select(func.coalesce(func.max(papers.c.row), 0))).scalar_one() + 1
        rows = [(*_row(entry), 0, trending.COLD, row) for row, entry in enumerate(fresh, start=first)]
        pairs = {first + index: entry.categories for index, entry in enumerate(fresh)}
        if self._database.is_sqlite:
            # The driver itself: a snapshot of millions of rows spends most of its time here.
            cursor = connection.connection.cursor()
            marks = ", ".join("?" * len(columns))
            cursor.executemany(f"INSERT INTO papers ({', '.join(columns)}) VALUES ({marks})", rows)
            cursor.execute(
                "INSERT INTO papers_fts(rowid, title, authors, abstract) "
                "SELECT row, title, authors, abstract FROM papers WHERE row >= ?",
                (first,),
            )
            cursor.close()
        else:
            connection.execute(papers.insert(), [dict(zip(columns, row, strict=True)) for row in rows])
        self._categorise(connection, pairs)

    def _categorise(self, connection: Any, pairs: Mapping[int, Sequence[str]]) -> None:
        rows = [(category, row) for row, names in pairs.items() for category in dict.fromkeys(names)]
        if not rows:
            return
        if self._database.is_sqlite:
            cursor = connection.connection.cursor()
            cursor.executemany("INSERT INTO paper_categories (category, row) VALUES (?, ?)", sorted(rows))
            cursor.close()
        else:
            values = [{"category": category, "row": row} for category, row in rows]
            connection.execute(paper_categories.insert(), values)


def _is_large(connection: Connection, filters: Filters | None) -> bool:
    """Whether the category of a filter has so many papers that an order is better walked than made."""
    if filters is None or filters.category is None:
        return False
    some = Filters(category=filters.category).conditions()[0]
    rows = select(papers.c.row).where(some).limit(LARGE).subquery()
    return int(connection.execute(select(func.count()).select_from(rows)).scalar_one()) == LARGE


_COLUMNS = tuple(field.name for field in fields(ListedPaper) if field.name not in ("votes", "heat", "row"))
_OURS = ("slug", "shelf", "runs", "has_demo")


_FIELDS = attrgetter(*_COLUMNS)
_AUTHORS, _CATEGORIES = _COLUMNS.index("authors"), _COLUMNS.index("categories")
_JSON = json.JSONEncoder(ensure_ascii=False).encode


def _row(entry: ListedPaper) -> list[Any]:
    """A paper's columns as the table has them, in the order of `_COLUMNS`."""
    values = list(_FIELDS(entry))
    values[_AUTHORS] = _JSON(values[_AUTHORS])
    values[_CATEGORIES] = " ".join(values[_CATEGORIES])
    return values


def _difference(old: Row[Any], entry: ListedPaper) -> dict[str, Any]:
    """What an entry changes in the row that is there; nothing where it is older."""
    if entry.version < old.version:
        return {}
    values = dict(zip(_COLUMNS, _row(entry), strict=True))
    if old.slug is not None and entry.slug is None:
        # From elsewhere: it may bring the abstract up to date, and leaves what is ours.
        for name in (*_OURS, "source", "code", "title"):
            values.pop(name)
    if entry.source != "octavo" and not entry.code:
        values.pop("code", None)
    return {name: value for name, value in values.items() if getattr(old, name) != value}


def _paper(row: Row[Any]) -> ListedPaper:
    values = {name: getattr(row, name) for name in _COLUMNS}
    values["authors"] = tuple(json.loads(row.authors))
    values["categories"] = tuple(row.categories.split())
    return ListedPaper(**values, votes=row.votes, heat=row.heat, row=row.row)
