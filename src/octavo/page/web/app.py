"""The application: its parts put together, and what happens when something goes wrong."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from octavo import __version__, catalogue
from octavo.page.demo.queue import Demos
from octavo.page.digest.postbox import Postbox, postbox
from octavo.page.settings import Settings
from octavo.page.store import Store
from octavo.page.tokens import Tokens
from octavo.page.web.boards import Boards
from octavo.page.web.figures import Figures
from octavo.page.web.finding import Cards, Finder
from octavo.page.web.headers import HEADERS, BodyLimit, Headers
from octavo.page.web.page import HERE, Page
from octavo.page.web.routes import about, api, boards, demos, feeds, lists, papers, readers, subscribing

A_FORM = 64 << 10
"""Bytes that a form may have beside its files."""

TITLES = {
    403: "Not from here",
    404: "Not found",
    405: "Not like this",
    410: "Over",
    413: "Too much",
    422: "That cannot be read",
    429: "Too often",
    500: "Something went wrong",
    503: "Busy",
}


def create(
    settings: Settings,
    store: Store,
    *,
    finder: Finder | None = None,
    box: Postbox | None = None,
    warm: bool = False,
    beside: Callable[[Page], Callable[[], None]] | None = None,
) -> FastAPI:
    """The page as an ASGI application.

    Args:
        settings: of the page.
        store: what it shows; the caller closes it.
        finder: searches the store; the words of the cards where it is left out.
        box: where mails go; as the settings say where it is left out.
        warm: draw the figures and load the demos in the background.
        beside: starts what runs beside the page, such as the scheduler, and returns what stops it.
    """
    tokens = Tokens(settings.secret, store.now)
    page = Page(
        settings,
        store,
        tokens,
        Demos(settings.demos),
        box or postbox(settings.mail),
        finder or Cards(store),
        Boards(),
        Figures(settings.data / "figures"),
    )

    @asynccontextmanager
    async def alive(_: FastAPI) -> AsyncIterator[None]:
        stop = beside(page) if beside else None
        if warm:
            page.figures.draw()
            threading.Thread(target=_warm, args=(page,), daemon=True).start()
        yield
        if stop:
            stop()
        page.views.write()
        page.figures.close()

    app = FastAPI(
        title="octavo",
        version=__version__,
        description="Papers that run: lists, searches, ledgers, leaderboards and feeds.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=alive,
    )
    app.state.page = page
    for module in (lists, papers, boards, demos, readers, subscribing, feeds, api, about):
        app.include_router(module.router)
    app.mount("/static", _Static(directory=HERE / "static"), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)
    app.add_middleware(BodyLimit, most=settings.demos.upload + A_FORM)
    app.add_middleware(Headers, secure=settings.secure)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _wrong)
    app.add_exception_handler(Exception, _broken)
    return app


def _warm(page: Page) -> None:
    """Loads the demos' libraries and makes their forms, and reads the leaderboards."""
    page.boards.all()
    page.demos.forms([paper.slug for paper in catalogue.papers() if paper.has_demo])


class _Static(StaticFiles):
    """Static files are named with their hash, and kept for good."""

    def file_response(self, *arguments: object, **named: object) -> Response:
        response = super().file_response(*arguments, **named)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, str(error.detail), dict(error.headers or {}))


async def _wrong(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors()[:5])
    return _answer(request, 422, told or "The request cannot be read.", {})


async def _broken(request: Request, error: Exception) -> Response:
    # This handler stands outside of the middleware that sets the headers.
    return _answer(request, 500, "The fault is the page's. It has been noted.", dict(HEADERS))


def _answer(request: Request, status: int, text: str, headers: dict[str, str]) -> Response:
    """What went wrong, as a page for people and as JSON for programs."""
    if request.url.path.startswith(("/api/", "/feed.")):
        return JSONResponse({"detail": text}, status, headers)
    page: Page = request.app.state.page
    return page.render(
        request, "message.html", status, headers, title=TITLES.get(status, "Something went wrong"), text=text
    )
