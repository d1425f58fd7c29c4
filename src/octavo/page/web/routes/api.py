"""The page as JSON, under /api/v1, described by OpenAPI."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field

from octavo import catalogue
from octavo.catalogue import SHELVES
from octavo.ledger.leaderboard import Row
from octavo.page import trending
from octavo.page.store import ListedPaper
from octavo.page.web import citing
from octavo.page.web.boards import Board
from octavo.page.web.listing import Asked, Entry, asked, card_of, entry, listing
from octavo.page.web.page import Page, page_of
from octavo.page.web.routes.feeds import validated
from octavo.page.web.routes.papers import found

router = APIRouter(prefix="/api/v1", tags=["api"])
BATCH = 500


class PaperOut(BaseModel):
    """A paper as lists have it."""

    id: str = Field(description="Its arXiv id, or the id that its import gave.")
    slug: str | None = Field(description="Its name in this library, where it is of this library.")
    title: str
    authors: list[str]
    summary: str = Field(description="In our words for papers of this library, else the abstract.")
    categories: list[str]
    published: str
    updated: str
    venue: str
    url: str = Field(description="Where it can be read.")
    code: str
    shelf: str | None
    runs: bool
    has_demo: bool
    votes: int
    heat: float | None = Field(
        description="log2 of its heat, by which the trending order is sorted; null when cold."
    )
    verdicts: dict[str, str] = Field(description="Its claims with their verdicts.")
    page: str = Field(description="Its page here.")
    why: str = Field("", description="Of a search: why it stands where it stands.")


class ListOut(BaseModel):
    """One page of a list."""

    papers: list[PaperOut]
    page: int
    next: str | None = Field(description="Where the list goes on.")
    note: str


class ClaimsOut(BaseModel):
    """The ledger of a paper, as `octavo ledger --json` prints it."""

    paper: str
    claims: list[dict[str, Any]]
    runs: list[dict[str, Any]]


class PaperDetails(PaperOut):
    """A paper with all there is about it."""

    abstract: str
    tasks: list[str]
    public: list[str] = Field(description="What can be imported.")
    data: list[str]
    commands: dict[str, str]
    bibtex: str
    similar: list[str]
    leaderboards: list[str]
    claims: list[dict[str, Any]]


class RowOut(BaseModel):
    """One system on a leaderboard."""

    system: str
    paper: str
    part: str
    mean: float | None
    low: float | None
    high: float | None
    seeds: int
    unit: str
    command: str = Field(description="What measures it again.")


class TableOut(BaseModel):
    """One metric of a leaderboard, best first."""

    metric: str
    better: str
    rows: list[RowOut]


class BoardOut(BaseModel):
    """A leaderboard."""

    dataset: str
    scale: str
    papers: list[str]
    tables: list[TableOut]


class BoardName(BaseModel):
    """A leaderboard by name."""

    dataset: str
    scale: str
    papers: list[str]
    metrics: list[str]


class Formula(BaseModel):
    """How the trending order comes about."""

    formula: str
    half_life_seconds: float
    epoch: float
    weights: dict[str, float]


async def _counted(request: Request, page: Page = Depends(page_of)) -> Page:
    page.allow(request, "api", page.settings.limits.api)
    return page


@router.get("/papers", response_model=ListOut, summary="A list or a search")
async def papers(request: Request, asked: Asked = Depends(asked), page: Page = Depends(_counted)) -> Response:
    """The same lists and searches as the page and the feeds have."""
    key = ("listing", asked)
    found = page.cache.peek(key) or await asyncio.to_thread(page.cache.get, key, lambda: listing(page, asked))
    body = ListOut(
        papers=[_paper(page, each) for each in found.entries],
        page=asked.page,
        next=page.absolute("/api/v1/papers" + asked.query(page=asked.page + 1)) if found.more else None,
        note=found.note,
    )
    return _json(request, body)


@router.get("/papers.jsonl", response_class=StreamingResponse, summary="All papers, a line each")
def everything(page: Page = Depends(_counted)) -> StreamingResponse:
    """Every paper of the page as JSON lines."""
    return StreamingResponse(_lines(page), media_type="application/jsonl")


def _lines(page: Page) -> Iterator[bytes]:
    row = 0
    while batch := page.store.papers.after(row, BATCH):
        verdicts = page.store.ledger.verdicts([paper.id for paper in batch])
        for paper in batch:
            line = _paper(page, entry(paper, verdicts.get(paper.id, []))).model_dump()
            yield orjson.dumps(line) + b"\n"
        row = batch[-1].row


@router.get("/papers/{name:path}/claims", response_model=ClaimsOut, summary="The ledger of a paper")
def claims(name: str, request: Request, page: Page = Depends(_counted)) -> Response:
    """Each claim with its numbers, interval, verdict and the command that measures it again."""
    listed = found(page, name)
    runs = [
        {
            "commit": run.commit,
            "scale": run.scale,
            "machine": run.machine,
            "at": run.at,
            "run": run.description,
        }
        for run in page.store.ledger.runs(listed.id)
    ]
    body = ClaimsOut(paper=listed.id, claims=page.store.ledger.judgements(listed.id), runs=runs)
    return _json(request, body)


@router.get("/papers/{name:path}", response_model=PaperDetails, summary="One paper")
def paper(name: str, request: Request, page: Page = Depends(_counted)) -> Response:
    """A paper by its slug or id, with its claims, commands, leaderboards and similar papers."""
    listed = found(page, name)
    return _json(request, _details(page, listed))


@router.get("/shelves", summary="The shelves")
def shelves(page: Page = Depends(_counted)) -> dict[str, str]:
    """The shelves of the library, each with what lies there."""
    return dict(SHELVES)


@router.get("/leaderboards", response_model=list[BoardName], summary="The leaderboards")
def boards(page: Page = Depends(_counted)) -> list[BoardName]:
    """Every data set on which something was measured."""
    return [
        BoardName(dataset=board.dataset, scale=board.scale, papers=board.papers, metrics=list(board.tables))
        for board in page.boards.all()
    ]


@router.get("/leaderboards/{dataset:path}", response_model=BoardOut, summary="One leaderboard")
def board(
    dataset: str, scale: str = Query("laptop", max_length=16), page: Page = Depends(_counted)
) -> BoardOut:
    """All systems that were measured on a data set, by metric, best first."""
    known = page.boards.get(dataset, scale)
    if known is None:
        raise HTTPException(404, "Nothing is published on a data set of that name.")
    return _board(known)


@router.get("/trending", response_model=Formula, summary="The trending formula")
def formula(page: Page = Depends(_counted)) -> Formula:
    """How the trending order comes about, so that anybody can recompute it."""
    return Formula(
        formula=trending.FORMULA,
        half_life_seconds=trending.HALF_LIFE,
        epoch=trending.EPOCH,
        weights={"vote": trending.VOTE, "view": trending.VIEW, "run": trending.RUN},
    )


def _paper(page: Page, each: Entry) -> PaperOut:
    paper = each.paper
    return PaperOut(
        id=paper.id,
        slug=paper.slug,
        title=paper.title,
        authors=list(paper.authors),
        summary=each.summary,
        categories=list(paper.categories),
        published=paper.published,
        updated=paper.updated,
        venue=each.venue,
        url=paper.url,
        code=paper.code,
        shelf=paper.shelf,
        runs=paper.runs,
        has_demo=paper.has_demo,
        votes=paper.votes,
        heat=paper.heat if paper.heat > trending.COLD else None,
        verdicts=dict(each.verdicts),
        page=page.absolute(f"/papers/{each.name}"),
        why=each.why,
    )


def _details(page: Page, listed: ListedPaper) -> PaperDetails:
    judgements = page.store.ledger.judgements(listed.id)
    verdicts = [(claim["claim"], claim["verdict"]) for claim in judgements]
    card = card_of(listed)
    return PaperDetails(
        **_paper(page, entry(listed, verdicts)).model_dump(),
        abstract=listed.abstract,
        tasks=list(card.tasks) if card else [],
        public=list(card.public) if card else [],
        data=list(card.data) if card else [],
        commands=_commands(card) if card else {},
        bibtex=citing.bibtex(listed),
        similar=page.finder.similar(listed.id, 6),
        leaderboards=[board.dataset for board in page.boards.of(listed.slug)] if listed.slug else [],
        claims=judgements,
    )


def _commands(card: catalogue.Paper) -> dict[str, str]:
    commands: dict[str, str] = {}
    if card.runs:
        commands |= {"run": f"octavo run {card.slug}", "verify": f"octavo verify {card.slug}"}
        if card.public:
            commands["import"] = f"from octavo.{card.shelf} import {card.public[0]}"
    if card.has_demo:
        commands["demo"] = f"octavo demo {card.slug}"
    return commands


def _board(board: Board) -> BoardOut:
    return BoardOut(
        dataset=board.dataset,
        scale=board.scale,
        papers=board.papers,
        tables=[
            TableOut(
                metric=metric,
                better=rows[0].better,
                rows=[_row(row) for row in rows],
            )
            for metric, rows in board.tables.items()
        ],
    )


def _row(row: Row) -> RowOut:
    return RowOut.model_validate({**row.as_dict(), "command": f"octavo run {row.paper} --part {row.part}"})


def _json(request: Request, body: BaseModel) -> Response:
    return validated(request, orjson.dumps(body.model_dump()), "application/json")
