"""One paper of the page, and how it stands in the table."""

import json
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from octavo.page import trending


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


COLUMNS = tuple(field.name for field in fields(ListedPaper) if field.name not in ("votes", "heat", "row"))
"""The fields that a paper is put in with, which are columns of the table."""
_OURS = ("slug", "shelf", "runs", "has_demo")
_FIELDS = attrgetter(*COLUMNS)
_AUTHORS, _CATEGORIES = COLUMNS.index("authors"), COLUMNS.index("categories")
_JSON = json.JSONEncoder(ensure_ascii=False).encode


def row_of(entry: ListedPaper) -> list[Any]:
    """A paper's columns as the table has them, in the order of `COLUMNS`."""
    values = list(_FIELDS(entry))
    values[_AUTHORS] = _JSON(values[_AUTHORS])
    values[_CATEGORIES] = " ".join(values[_CATEGORIES])
    return values


def difference(old: Row[Any], entry: ListedPaper) -> dict[str, Any]:
    """What an entry changes in the row that is there; nothing where it is older."""
    if entry.version < old.version:
        return {}
    values = dict(zip(COLUMNS, row_of(entry), strict=True))
    if old.slug is not None and entry.slug is None:
        # From elsewhere: it may bring the abstract up to date, and leaves what is ours.
        for name in (*_OURS, "source", "code", "title"):
            values.pop(name)
    if entry.source != "octavo" and not entry.code:
        values.pop("code", None)
    return {name: value for name, value in values.items() if getattr(old, name) != value}


def paper_of(row: Row[Any]) -> ListedPaper:
    """The paper of a row."""
    values = {name: getattr(row, name) for name in COLUMNS}
    values["authors"] = tuple(json.loads(row.authors))
    values["categories"] = tuple(row.categories.split())
    return ListedPaper(**values, votes=row.votes, heat=row.heat, row=row.row)
