"""The papers: what one knows of each, lists of them by filters and order, and putting them in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, delete, func, select, update

from octavo.errors import OctavoError
from octavo.page import trending
from octavo.page.store.database import Database
from octavo.page.store.filters import Filters
from octavo.page.store.listed_paper import COLUMNS, ListedPaper, difference, paper_of, row_of
from octavo.page.store.tables import listings, paper_categories, papers, votes

Order = Literal["trending", "newest", "votes", "day"]
ORDERS: tuple[Order, ...] = ("trending", "newest", "votes", "day")
_BATCH = 500
LARGE = 2000
"""Papers from which on a category is large."""


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
                    return paper_of(row)
        return None

    def many(self, ids: Sequence[str]) -> list[ListedPaper]:
        """The papers of these ids in this order; ids that are not there are left out."""
        found: dict[str, ListedPaper] = {}
        if not ids:
            return []
        with self._database.read() as connection:
            for start in range(0, len(ids), _BATCH):
                chosen = select(papers).where(papers.c.id.in_(ids[start : start + _BATCH]))
                found |= {row.id: paper_of(row) for row in connection.execute(chosen)}
        return [found[each] for each in ids if each in found]

    def by_rows(self, rows: Sequence[int]) -> list[ListedPaper]:
        """The papers of these row numbers in this order; rows that are not there are left out."""
        found: dict[int, ListedPaper] = {}
        with self._database.read() as connection:
            for start in range(0, len(rows), _BATCH):
                chosen = select(papers).where(papers.c.row.in_(rows[start : start + _BATCH]))
                found |= {row.row: paper_of(row) for row in connection.execute(chosen)}
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
            paper_of(row)
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
            return [(paper_of(row), row.n) for row in connection.execute(query.limit(limit).offset(offset))]

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
            return [paper_of(each) for each in connection.execute(query)]

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
                if changes := difference(old, entry):
                    changed.append((old, entry, changes))
                else:
                    unchanged += 1
            self._insert(connection, fresh)
            for old, entry, changes in changed:
                connection.execute(update(papers).where(papers.c.row == old.row).values(**changes))
                if "categories" in changes:
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
        columns = [*COLUMNS, "votes", "heat", "row"]
        first = connection.execute(select(func.coalesce(func.max(papers.c.row), 0))).scalar_one() + 1
        rows = [(*row_of(entry), 0, trending.COLD, row) for row, entry in enumerate(fresh, start=first)]
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
