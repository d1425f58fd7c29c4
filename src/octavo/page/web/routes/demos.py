"""Live demos: the form, and what it shows."""

import asyncio
import base64
import time
from collections import OrderedDict

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import UploadFile

from octavo.page.demo.form import Form, WrongInput, checked
from octavo.page.demo.queue import Busy
from octavo.page.demo.worker import Failed, Shown
from octavo.page.store import ListedPaper
from octavo.page.web.listing import wants_fragment
from octavo.page.web.page import Page, page_of
from octavo.page.web.routes.papers import found

router = APIRouter(include_in_schema=False)
MOST_FIELDS = 60


@router.get("/demo/{slug}")
async def form(slug: str, request: Request, page: Page = Depends(page_of)) -> Response:
    """The form of a demo; for htmx only the form, which takes seconds to make the first time."""
    listed = _with_demo(page, slug)
    known = page.demos.known(slug) or (await asyncio.to_thread(page.demos.forms, [slug]))[slug]
    template = "demo_form.html" if wants_fragment(request) else "demo.html"
    return page.render(
        request,
        template,
        paper=listed,
        form=known,
        result=None,
        error=None,
        typed={},
        seconds=0.0,
        picture="",
    )


@router.post("/demo/{slug}")
async def run(slug: str, request: Request, page: Page = Depends(page_of)) -> Response:
    """Runs a demo, and shows what it returned."""
    listed = _with_demo(page, slug)
    typed: OrderedDict[str, str | bytes] = OrderedDict()
    async with request.form(
        max_files=4, max_fields=MOST_FIELDS, max_part_size=page.settings.demos.upload
    ) as posted:
        page.check_form(request, str(posted.get("form_token", "")))
        page.allow(request, "demo", page.settings.limits.demo)
        for name, value in posted.items():
            if isinstance(value, UploadFile):
                content = await value.read(page.settings.demos.upload + 1)
                if content:
                    typed[name] = content
            elif name != "form_token":
                typed[name] = value
    known = (await asyncio.to_thread(page.demos.forms, [slug]))[slug]
    start = time.perf_counter()
    result: Shown | Failed
    headers: dict[str, str] = {}
    if isinstance(known, Form):
        try:
            result = await page.demos.run(slug, checked(known, typed, page.settings.demos))
        except WrongInput as wrong:
            result = Failed(wrong.message, wrong.field)
        except Busy:
            result = Failed("Other readers are trying demos at this moment. Try again in half a minute.")
            headers = {"Retry-After": "30"}
    else:
        result = known
    values = {
        "paper": listed,
        "form": known,
        "result": result if isinstance(result, Shown) else None,
        "error": result if isinstance(result, Failed) else None,
        "typed": {name: value for name, value in typed.items() if isinstance(value, str)},
        "seconds": time.perf_counter() - start,
        "picture": base64.b64encode(result.figure).decode()
        if isinstance(result, Shown) and result.figure
        else "",
    }
    if wants_fragment(request):
        # htmx puts only good answers in place; what went wrong is told in the page.
        return HTMLResponse(page.fragment("demo_result.html", **values))
    status = 200 if isinstance(result, Shown) else 503 if headers else 422
    return page.render(request, "demo.html", status, headers, **values)


def _with_demo(page: Page, slug: str) -> ListedPaper:
    listed = found(page, slug)
    if listed.slug != slug or not listed.has_demo:
        raise HTTPException(404, "This paper has no demo.")
    return listed
