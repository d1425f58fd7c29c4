"""The lists, as the page, the feeds and the API share them: a query string, and the papers that answer it."""

import time
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from fastapi import HTTPException, Query, Request

from octavo import catalogue
from octavo.catalogue import SHELVES
from octavo.errors import OctavoError
from octavo.page.cards import card
from octavo.page.store import Filters, ListedPaper
from octavo.page.web.page import Page

Sort = Literal["trending", "newest", "votes", "day", "week", "month"]
Verdict = Literal["holds", "in direction", "does not hold", "undecided", "needs"]
SORTS: dict[str, str] = {
    "trending": "Trending",
    "newest": "Newest",
    "votes": "Most votes",
    "day": "Top of the day",
    "week": "Top of the week",
    "month": "Top of the month",
}
VERDICTS = get_args(Verdict)
WINDOWS = {"day": 1, "week": 7, "month": 30}
SIZE = 20
MOST_PAGES = 500


@dataclass(frozen=True)
class Asked:
    """What a list is asked for.

    Args:
        q: words or a sentence to search for.
        sort: the order, where nothing is searched for.
        page: from 1.
        size: papers a page.
    """

    q: str = ""
    sort: str = "trending"
    shelf: str = ""
    verdict: str = ""
    category: str = ""
    author: str = ""
    since: str = ""
    until: str = ""
    demo: bool = False
    ours: bool = False
    page: int = 1
    size: int = SIZE

    @property
    def filters(self) -> Filters:
        """What the store narrows a list to."""
        return Filters(
            category=self.category or None,
            shelf=self.shelf or None,
            verdict=self.verdict or None,
            since=self.since or None,
            until=self.until or None,
            author=self.author or None,
            has_demo=True if self.demo else None,
            ours=True if self.ours else None,
        )

    def query(self, **changes: Any) -> str:
        """The query string of this list with some of it changed, what is as usual left out."""
        usual = Asked()
        values = {name: changes.get(name, getattr(self, name)) for name in self.__dataclass_fields__}
        kept = {
            name: (1 if value is True else value)
            for name, value in values.items()
            if value != getattr(usual, name) and (name != "page" or "page" in changes)
        }
        return f"?{urlencode(kept)}" if kept else ""

    @property
    def title(self) -> str:
        """The list in words."""
        head = f"“{self.q}”" if self.q else SORTS[self.sort]
        parts = [self.shelf, self.verdict, self.category, self.author, "with a demo" if self.demo else ""]
        return ", ".join([head, *filter(None, parts)])


async def asked(
    q: str = Query("", max_length=400, description="Words, a sentence, or a title."),
    sort: Sort = Query("trending", description="The order where nothing is searched for."),
    shelf: str = Query("", description="A shelf of the library."),
    verdict: Verdict | Literal[""] = Query("", description="Papers with a claim of this verdict."),
    category: str = Query("", max_length=32, pattern=r"^[A-Za-z.\-]*$", description="Such as cs.CL, or cs."),
    author: str = Query("", max_length=100, description="Part of an author's name."),
    since: str = Query("", pattern=r"^(\d{4}-\d\d-\d\d)?$", description="First day, such as 2024-05-01."),
    until: str = Query("", pattern=r"^(\d{4}-\d\d-\d\d)?$", description="Last day."),
    demo: bool = Query(False, description="Only papers with a live demo."),
    ours: bool = Query(False, description="Only papers of this library."),
    page: int = Query(1, ge=1, le=MOST_PAGES, description="From 1."),
    size: int = Query(SIZE, ge=1, le=100, description="Papers a page."),
) -> Asked:
    """The list that a query string asks for, for FastAPI's `Depends`."""
    if shelf and shelf not in SHELVES:
        raise HTTPException(422, f"There is no shelf {shelf!r}; there are {', '.join(SHELVES)}.")
    words = " ".join(q.replace("\0", " ").split())
    return Asked(
        words, sort, shelf, verdict, category, author.replace("\0", ""), since, until, demo, ours, page, size
    )


@dataclass(frozen=True)
class Entry:
    """One paper of a list.

    Args:
        paper: as the store has it.
        summary: ours where the paper is of this library, else its abstract.
        venue: where it appeared, "" where that is not known.
        verdicts: (claim, verdict) pairs.
        why, snippet: of a search: why it stands where it stands, and the piece of text that was found.
    """

    paper: ListedPaper
    summary: str
    venue: str = ""
    verdicts: list[tuple[str, str]] = field(default_factory=list)
    why: str = ""
    snippet: str = ""

    @property
    def name(self) -> str:
        """What its address ends with."""
        return self.paper.slug or self.paper.id


@dataclass(frozen=True)
class Listing:
    """One page of a list."""

    asked: Asked
    entries: list[Entry]
    more: bool
    note: str = ""
    seconds: float = 0.0


def listing(page: Page, asked: Asked) -> Listing:
    """The papers that a list has on the page that is asked for."""
    start = time.perf_counter()
    limit, offset = asked.size, (asked.page - 1) * asked.size
    whys: dict[str, tuple[str, str]] = {}
    note = ""
    if asked.q:
        found = page.finder.find(asked.q, asked.filters, limit, offset)
        whys = {hit.id: (hit.why, hit.snippet) for hit in found.hits}
        read = {hit.id: hit.paper for hit in found.hits if hit.paper is not None}
        read |= {
            paper.id: paper for paper in page.store.papers.many([name for name in whys if name not in read])
        }
        papers, more, note = [read[name] for name in whys if name in read], found.more, found.note
    elif asked.sort in WINDOWS:
        papers = _window(page, asked, limit + 1, offset)
        papers, more = papers[:limit], len(papers) > limit
    else:
        order: Any = asked.sort
        papers = page.store.papers.listed(asked.filters, order, limit=limit + 1, offset=offset)
        papers, more = papers[:limit], len(papers) > limit
    verdicts = page.store.ledger.verdicts([paper.id for paper in papers])
    entries = [entry(paper, verdicts.get(paper.id, []), *whys.get(paper.id, ("", ""))) for paper in papers]
    return Listing(asked, entries, more, note, time.perf_counter() - start)


def _window(page: Page, asked: Asked, limit: int, offset: int) -> list[ListedPaper]:
    """Most votes in the last day, week or month; where nobody has voted, the newest of that time."""
    now = page.store.now()
    begin = now - WINDOWS[asked.sort] * 86400
    if asked.filters.empty:
        top = [paper for paper, _ in page.store.papers.top(begin, now + 1, limit=limit, offset=offset)]
    else:
        kept = set(page.store.papers.ids(asked.filters, "votes", limit=10_000))
        top = [paper for paper, _ in page.store.papers.top(begin, now + 1, limit=10_000) if paper.id in kept]
        top = top[offset : offset + limit]
    return top


def entry(paper: ListedPaper, verdicts: list[tuple[str, str]], why: str = "", snippet: str = "") -> Entry:
    """A paper for a list, with what its card tells where it has one."""
    card = card_of(paper)
    if card is None:
        return Entry(paper, paper.abstract, "", verdicts, why, snippet)
    return Entry(paper, " ".join(card.summary.split()), card.venue, verdicts, why, snippet)


def card_of(paper: ListedPaper) -> catalogue.Paper | None:
    """The card of a paper of this library."""
    if not paper.slug:
        return None
    try:
        return card(paper.slug)
    except OctavoError:
        return None


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks for a piece of the page."""
    return (
        request.headers.get("hx-request") == "true"
        and request.headers.get("hx-history-restore-request") != "true"
    )
