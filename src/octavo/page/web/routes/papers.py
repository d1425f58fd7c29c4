"""One paper: what it is, what holds, how to use it, its figures and demo, and what is like it."""

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from octavo.catalogue import Paper
from octavo.page.store import ListedPaper
from octavo.page.web import citing
from octavo.page.web.listing import card_of, entry
from octavo.page.web.page import Page, page_of

router = APIRouter(include_in_schema=False)
SIMILAR = 6


def found(page: Page, name: str) -> ListedPaper:
    """The paper of a slug or an id.

    Raises:
        HTTPException: 404 where there is none.
    """
    paper = page.store.papers.get(name) if len(name) <= 64 and "\0" not in name else None
    if paper is None:
        raise HTTPException(404, "There is no such paper here.")
    return paper


@router.get("/papers/{name:path}")
async def paper(name: str, request: Request, page: Page = Depends(page_of)) -> Response:
    """The page of a paper."""
    listed = found(page, name)
    common = await asyncio.to_thread(page.cache.get, ("paper", listed.id), lambda: _common(page, listed))
    reader = page.reader(request)
    tags = page.store.readers.tags(reader) if reader else {}
    response = page.render(
        request,
        "paper.html",
        **common,
        voted=reader is not None and listed.id in page.store.votes.of(reader),
        tags=[tag for tag, ids in tags.items() if listed.id in ids],
        form=page.demos.known(listed.slug) if listed.slug and listed.has_demo else None,
    )
    visitor = page.visitor(request)
    page.views.add(visitor, listed.id)
    return response


def _common(page: Page, listed: ListedPaper) -> dict[str, Any]:
    """What every reader sees of a paper."""
    card = card_of(listed)
    claims = page.store.ledger.judgements(listed.id) if card else []
    verdicts = [(claim["claim"], claim["verdict"]) for claim in claims]
    similar = page.store.papers.many(page.finder.similar(listed.id, SIMILAR))
    known = page.store.ledger.verdicts([each.id for each in similar])
    return {
        "paper": listed,
        "entry": entry(listed, verdicts),
        "card": card,
        "claims": claims,
        "runs": page.store.ledger.runs(listed.id) if card else [],
        "boards": page.boards.of(listed.slug) if listed.slug else [],
        "figures": page.figures.of(listed.slug) if listed.slug and listed.runs else [],
        "similar": [entry(each, known.get(each.id, [])) for each in similar],
        "commands": _commands(card) if card else [],
        "bibtex": citing.bibtex(listed),
        "ledger_bibtex": citing.ledger_bibtex(
            listed, page.absolute(f"/papers/{listed.slug}"), page.store.now()
        )
        if claims and listed.slug
        else "",
    }


def _commands(card: Paper) -> list[tuple[str, str]]:
    lines = []
    if card.runs and card.public:
        lines.append(("Import it", f"from octavo.{card.shelf} import {card.public[0]}"))
    if card.runs:
        lines.append(("Measure it again", f"octavo run {card.slug}"))
        lines.append(("Check what is published", f"octavo verify {card.slug}"))
    if card.has_demo:
        lines.append(("Try it here", f"octavo demo {card.slug}"))
    return lines


@router.get("/bibtex/{name:path}")
def bibtex(name: str, page: Page = Depends(page_of)) -> Response:
    """The BibTeX entry of a paper."""
    return PlainTextResponse(
        citing.bibtex(found(page, name)), media_type="application/x-bibtex; charset=utf-8"
    )


@router.get("/figures/{slug}/{name}.png")
def figure(slug: str, name: str, page: Page = Depends(page_of)) -> Response:
    """A figure of a paper."""
    file = page.figures.file(slug, name)
    if file is None:
        raise HTTPException(404, "There is no such figure.")
    return FileResponse(file, media_type="image/png", headers={"Cache-Control": "public, max-age=600"})
