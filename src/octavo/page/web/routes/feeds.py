"""Every list and every search as Atom and as JSON feed, with validators for readers that ask often."""

import asyncio
import hashlib
import json
import re
from typing import Any
from xml.etree import ElementTree

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from octavo.page.web.listing import Asked, Entry, Listing, asked, listing
from octavo.page.web.page import Page, page_of
from octavo.page.web.text import plain

router = APIRouter(tags=["feeds"])
ATOM = "http://www.w3.org/2005/Atom"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@router.get("/feed.atom", response_class=Response, summary="A list as Atom")
async def atom(request: Request, asked: Asked = Depends(asked), page: Page = Depends(page_of)) -> Response:
    """The list of the same query as an Atom feed."""
    found = await _listing(request, page, asked)
    content = await asyncio.to_thread(_atom, page, found)
    return validated(request, content, "application/atom+xml; charset=utf-8")


@router.get("/feed.json", response_class=Response, summary="A list as JSON feed")
async def json_feed(
    request: Request, asked: Asked = Depends(asked), page: Page = Depends(page_of)
) -> Response:
    """The list of the same query as a JSON feed (version 1.1)."""
    found = await _listing(request, page, asked)
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"octavo: {found.asked.title}",
        "home_page_url": page.absolute("/" + asked.query()),
        "feed_url": page.absolute("/feed.json" + asked.query()),
        "items": [_item(page, entry) for entry in found.entries],
    }
    if found.more:
        feed["next_url"] = page.absolute("/feed.json" + asked.query(page=asked.page + 1))
    return validated(request, json.dumps(feed, ensure_ascii=False).encode(), "application/feed+json")


async def _listing(request: Request, page: Page, asked: Asked) -> Listing:
    key = ("listing", asked)
    if (found := page.cache.peek(key)) is None:
        page.allow(request, "api", page.settings.limits.api)
        found = await asyncio.to_thread(page.cache.get, key, lambda: listing(page, asked))
    return found


def validated(request: Request, content: bytes, media_type: str) -> Response:
    """An answer with its ETag; 304 to a reader who has it."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _atom(page: Page, found: Listing) -> bytes:
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    here = page.absolute("/feed.atom" + found.asked.query())
    _add(feed, "title", f"octavo: {found.asked.title}")
    _add(feed, "id", here)
    _add(feed, "updated", max((_updated(entry) for entry in found.entries), default="1970-01-01T00:00:00Z"))
    _add(feed, "link", rel="self", href=here, type="application/atom+xml")
    _add(feed, "link", rel="alternate", href=page.absolute("/" + found.asked.query()), type="text/html")
    if found.more:
        after = found.asked.query(page=found.asked.page + 1)
        _add(feed, "link", rel="next", href=page.absolute("/feed.atom" + after), type="application/atom+xml")
    for entry in found.entries:
        node = _add(feed, "entry")
        url = page.absolute(f"/papers/{entry.name}")
        _add(node, "title", plain(entry.paper.title))
        _add(node, "id", url)
        _add(node, "updated", _updated(entry))
        _add(node, "published", f"{entry.paper.published}T00:00:00Z")
        _add(node, "link", rel="alternate", href=url, type="text/html")
        for author in entry.paper.authors or ("unknown",):
            _add(_add(node, "author"), "name", author)
        for category in entry.paper.categories:
            _add(node, "category", term=category)
        _add(node, "summary", plain(entry.summary) + _told(entry))
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(feed, encoding="utf-8")


def _item(page: Page, entry: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": page.absolute(f"/papers/{entry.name}"),
        "url": page.absolute(f"/papers/{entry.name}"),
        "external_url": entry.paper.url or None,
        "title": plain(entry.paper.title),
        "content_text": plain(entry.summary) + _told(entry),
        "date_published": f"{entry.paper.published}T00:00:00Z",
        "date_modified": _updated(entry),
        "authors": [{"name": name} for name in entry.paper.authors],
        "tags": list(entry.paper.categories),
        "_octavo": {
            "id": entry.paper.id,
            "slug": entry.paper.slug,
            "votes": entry.paper.votes,
            "verdicts": dict(entry.verdicts),
        },
    }
    return {name: value for name, value in item.items() if value is not None}


def _told(entry: Entry) -> str:
    if not entry.verdicts:
        return ""
    return " What holds: " + ", ".join(f"{claim} {verdict}" for claim, verdict in entry.verdicts) + "."


def _updated(entry: Entry) -> str:
    return f"{entry.paper.updated or entry.paper.published}T00:00:00Z"


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    clean = {key: _NOT_XML.sub("", value) for key, value in attributes.items()}
    node = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", clean)
    if text:
        node.text = _NOT_XML.sub("", text)
    return node
