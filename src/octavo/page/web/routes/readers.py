"""What a reader does: votes, marks, follows; their data to take away and to delete. All of it by POST."""

import json
from typing import Any

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from octavo.errors import OctavoError
from octavo.page.web.listing import wants_fragment
from octavo.page.web.page import READER, Page, page_of
from octavo.page.web.routes.papers import found

router = APIRouter(include_in_schema=False)
LARGEST_IMPORT = 1 << 20


class _Reader:
    """Who changes something, and the cookie for somebody who is new."""

    def __init__(self, page: Page, request: Request) -> None:
        known = page.reader(request)
        self.name, self._cookie = (known, "") if known else page.new_reader()
        self._page = page

    def back(self, response: Response) -> Response:
        """The answer, with the cookie where it is needed."""
        if self._cookie:
            self._page.set_cookie(response, READER, self._cookie)
        return response


@router.post("/votes")
def vote(
    request: Request,
    paper: str = Form(max_length=64),
    withdraw: bool = Form(False),
    form_token: str = Form(""),
    page: Page = Depends(page_of),
) -> Response:
    """Casts a vote, or takes it back."""
    page.check_form(request, form_token)
    listed = found(page, paper)
    reader = _Reader(page, request)
    if withdraw:
        page.store.votes.withdraw(reader.name, listed.id)
    else:
        page.allow(request, "vote", page.settings.limits.vote)
        if page.store.votes.cast(reader.name, listed.id, page.network(request)) == "too many":
            raise HTTPException(429, "That is all the votes of this hour.", {"Retry-After": "3600"})
    page.cache.changed()
    if wants_fragment(request):
        fresh = found(page, listed.id)
        html = page.fragment("vote.html", paper=fresh, voted=not withdraw)
        return reader.back(HTMLResponse(html))
    return reader.back(RedirectResponse(f"/papers/{listed.slug or listed.id}", 303))


@router.post("/tags")
def tag(
    request: Request,
    paper: str = Form(max_length=64),
    tag: str = Form("read", max_length=64),
    remove: bool = Form(False),
    form_token: str = Form(""),
    page: Page = Depends(page_of),
) -> Response:
    """Puts a private tag on a paper, or takes it off."""
    page.check_form(request, form_token)
    page.allow(request, "write", page.settings.limits.write)
    listed = found(page, paper)
    reader = _Reader(page, request)
    if remove:
        page.store.readers.untag(reader.name, listed.id, tag)
    else:
        _kept(page.store.readers.tag, reader.name, listed.id, tag)
    return reader.back(RedirectResponse(f"/papers/{listed.slug or listed.id}", 303))


@router.get("/follow")
def follow_form(
    request: Request,
    q: str = Query("", max_length=400),
    shelf: str = Query("", max_length=32),
    author: str = Query("", max_length=100),
    page: Page = Depends(page_of),
) -> Response:
    """A button that follows a search, a shelf or an author."""
    asked = (("search", q), ("shelf", shelf), ("author", author))
    kind, value = next((pair for pair in asked if pair[1]), ("", ""))
    if not value:
        raise HTTPException(404, "There is nothing to follow.")
    return page.render(request, "follow.html", kind=kind, value=value)


@router.post("/follows")
def follow(
    request: Request,
    kind: str = Form(max_length=16),
    value: str = Form(max_length=400),
    form_token: str = Form(""),
    page: Page = Depends(page_of),
) -> Response:
    """Follows a search, an author or a shelf."""
    page.check_form(request, form_token)
    page.allow(request, "write", page.settings.limits.write)
    reader = _Reader(page, request)
    _kept(page.store.readers.follow, reader.name, kind, value)
    return reader.back(RedirectResponse("/you", 303))


@router.post("/follows/{number}/remove")
def unfollow(
    number: int, request: Request, form_token: str = Form(""), page: Page = Depends(page_of)
) -> Response:
    """Follows something no longer."""
    page.check_form(request, form_token)
    reader = _Reader(page, request)
    page.store.readers.unfollow(reader.name, number)
    return RedirectResponse("/you", 303)


@router.get("/you")
def you(request: Request, page: Page = Depends(page_of)) -> Response:
    """What the page keeps of this reader."""
    reader = page.reader(request)
    votes = page.store.papers.many(page.store.votes.of(reader)) if reader else []
    tags = page.store.readers.tags(reader) if reader else {}
    named = {tag: page.store.papers.many(ids) for tag, ids in tags.items()}
    follows = page.store.readers.follows(reader) if reader else []
    return page.render(request, "you.html", known=bool(reader), votes=votes, tags=named, follows=follows)


@router.get("/you/export.json")
def export(request: Request, page: Page = Depends(page_of)) -> Response:
    """All that the page keeps of this reader, to take away."""
    reader = page.reader(request)
    kept: dict[str, Any] = (
        page.store.readers.export(reader) if reader else {"votes": [], "tags": {}, "follows": []}
    )
    return JSONResponse(kept, headers={"Content-Disposition": 'attachment; filename="octavo.json"'})


@router.post("/you/import")
def restore(
    request: Request, file: UploadFile, form_token: str = Form(""), page: Page = Depends(page_of)
) -> Response:
    """Puts back what was taken away."""
    page.check_form(request, form_token)
    page.allow(request, "write", page.settings.limits.write)
    content = file.file.read(LARGEST_IMPORT + 1)
    if len(content) > LARGEST_IMPORT:
        raise HTTPException(413, "An export has at most a megabyte.")
    try:
        kept = _checked(json.loads(content))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise HTTPException(422, "That file is not an export of this page.") from None
    reader = _Reader(page, request)
    _kept(page.store.readers.restore, reader.name, kept)
    page.cache.changed()
    return reader.back(RedirectResponse("/you", 303))


def _checked(kept: dict[str, Any]) -> dict[str, Any]:
    """An export with what belongs into one, and nothing else."""
    return {
        "votes": [{"paper": str(vote["paper"]), "at": float(vote["at"])} for vote in kept.get("votes", ())][
            :5000
        ],
        "tags": {str(tag): [str(each) for each in ids][:5000] for tag, ids in kept.get("tags", {}).items()},
        "follows": [
            {"kind": str(each["kind"]), "value": str(each["value"])} for each in kept.get("follows", ())
        ][:500],
    }


@router.post("/you/delete")
def forget(request: Request, form_token: str = Form(""), page: Page = Depends(page_of)) -> Response:
    """Deletes all of it, the cookie too."""
    page.check_form(request, form_token)
    if reader := page.reader(request):
        page.store.readers.forget(reader)
        page.cache.changed()
    response = RedirectResponse("/you", 303)
    response.delete_cookie(
        page.cookie(READER), path="/", secure=page.settings.secure, httponly=True, samesite="lax"
    )
    return response


def _kept(change: Any, *arguments: Any) -> None:
    """Calls what changes the store; what it refuses is the reader's to mend."""
    try:
        change(*arguments)
    except OctavoError as error:
        raise HTTPException(422, str(error)) from None
