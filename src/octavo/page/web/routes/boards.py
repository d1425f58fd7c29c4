"""The leaderboards: a data set, every system that was measured on it, and the command behind each number."""

import asyncio
import math

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from octavo.ledger.leaderboard import Row
from octavo.page.web.page import Page, page_of

router = APIRouter(include_in_schema=False)


@router.get("/leaderboards")
async def boards(request: Request, page: Page = Depends(page_of)) -> Response:
    """All boards."""
    found = await asyncio.to_thread(page.boards.all)
    return page.render(request, "boards.html", boards=found)


@router.get("/leaderboards/{dataset:path}")
async def board(
    dataset: str, request: Request, scale: str = "laptop", page: Page = Depends(page_of)
) -> Response:
    """One board."""
    found = await asyncio.to_thread(page.boards.get, dataset, scale)
    if found is None:
        raise HTTPException(404, "Nothing is published on a data set of that name.")
    return page.render(request, "board.html", board=found, spans=_spans(found.tables))


def _spans(tables: dict[str, list[Row]]) -> dict[str, tuple[float, float]]:
    """From where to where the intervals of each table reach."""
    found = {}
    for metric, rows in tables.items():
        ends = [each for row in rows for each in (row.mean, row.low, row.high) if math.isfinite(each)]
        low, high = (min(ends), max(ends)) if ends else (0.0, 0.0)
        room = 0.05 * (high - low)
        found[metric] = (low - room, high + room)
    return found
