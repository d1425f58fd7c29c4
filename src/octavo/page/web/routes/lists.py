"""The list of papers: the first page, and every search and filter of it."""

import asyncio

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from octavo.page import trending
from octavo.page.web.listing import SORTS, VERDICTS, Asked, Listing, asked, listing, wants_fragment
from octavo.page.web.page import Page, page_of
from octavo.page.web.text import plain

router = APIRouter(include_in_schema=False)


@router.get("/")
async def papers(request: Request, asked: Asked = Depends(asked), page: Page = Depends(page_of)) -> Response:
    """A list, or what htmx puts in the place of one."""
    key = ("rows", asked)
    rows = page.cache.peek(key)
    if rows is None:
        if asked.q:
            page.allow(request, "search", page.settings.limits.search)
        rows = await asyncio.to_thread(page.cache.get, key, lambda: _rows(page, asked))
    html, found = rows
    if wants_fragment(request):
        return HTMLResponse(html, headers={"Vary": "HX-Request", "Cache-Control": "no-cache"})
    voted = set(page.store.votes.of(reader)) if (reader := page.reader(request)) else set()
    return page.render(
        request,
        "list.html",
        asked=asked,
        rows=html,
        found=found,
        voted=voted & {entry.paper.id for entry in found.entries},
        sorts=SORTS,
        verdicts=VERDICTS,
        formula=trending.FORMULA,
        totals=page.totals.peek("all")
        or await asyncio.to_thread(page.totals.get, "all", lambda: _totals(page)),
        headers={"Vary": "HX-Request"},
    )


@router.get("/complete")
def complete(request: Request, q: str = Query("", max_length=400), page: Page = Depends(page_of)) -> Response:
    """Titles that have the words typed so far, as JSON, for the list under the search box."""
    page.allow(request, "complete", page.settings.limits.complete)
    titles = dict.fromkeys(plain(title) for _, title in page.titles.complete(q.replace("\0", " ")))
    return JSONResponse(list(titles), headers={"Cache-Control": "private, max-age=60"})


def _rows(page: Page, asked: Asked) -> tuple[str, Listing]:
    found = listing(page, asked)
    return page.fragment("rows.html", found=found, asked=asked), found


def _totals(page: Page) -> dict[str, int]:
    from octavo.page.store import Filters

    return {
        "papers": page.store.papers.count(),
        "ours": page.store.papers.count(Filters(ours=True)),
        "runs": page.store.papers.count(Filters(runs=True)),
        "demos": page.store.papers.count(Filters(has_demo=True)),
    }
