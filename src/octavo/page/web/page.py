"""What the routes share: the store, the limits, the templates, and who is asking."""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from octavo.catalogue import SHELVES
from octavo.page.demo.queue import Demos
from octavo.page.digest.postbox import Postbox
from octavo.page.search.keyword import KeywordIndex
from octavo.page.settings import Rate, Settings
from octavo.page.store import Store
from octavo.page.tokens import Tokens, WrongToken
from octavo.page.web import strips, text
from octavo.page.web.boards import Boards
from octavo.page.web.cache import Cache
from octavo.page.web.figures import Figures
from octavo.page.web.finding import Finder
from octavo.page.web.limits import NETWORK_FACTOR, Limiter, network
from octavo.page.web.views import Views

HERE = Path(__file__).parent
READER, FORM = "octavo_reader", "octavo_form"
YEAR = 365 * 86400


class NotOurForm(HTTPException):
    """A request that changes something and did not come from a form of this page."""

    def __init__(self, why: str) -> None:
        super().__init__(403, f"{why} Open the page again and send the form from there.")


class TooOften(HTTPException):
    """A reader or a network asked more often than it may."""

    def __init__(self, seconds: float) -> None:
        wait = max(1, round(seconds))
        super().__init__(429, f"Too often: try again in {wait} seconds.", {"Retry-After": str(wait)})


@dataclass
class Page:
    """The page's parts; one a process."""

    settings: Settings
    store: Store
    tokens: Tokens
    demos: Demos
    postbox: Postbox
    finder: Finder
    boards: Boards
    figures: Figures
    limiter: Limiter = field(default_factory=lambda: Limiter(time.monotonic))
    cache: Cache = field(default_factory=Cache)
    totals: Cache = field(default_factory=Cache)
    templates: Environment = field(init=False)
    titles: KeywordIndex = field(init=False)
    views: Views = field(init=False)

    def __post_init__(self) -> None:
        self.titles = KeywordIndex(self.store.database)
        self.views = Views(self.store.votes)
        self.templates = _templates(self.settings.url)

    def render(
        self,
        request: Request,
        template: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """A page, with a fresh token for its forms."""
        seed = request.cookies.get(self.cookie(FORM), "")
        known = 20 <= len(seed) <= 64
        seed = seed if known else secrets.token_urlsafe(24)
        nonce = secrets.token_urlsafe(9)
        html = self.templates.get_template(template).render(
            request=request,
            path=request.url.path,
            form_token=f"{nonce}.{self.tokens.mark('form', f'{nonce}.{seed}')}",
            **values,
        )
        response = HTMLResponse(
            html, status, headers={"Cache-Control": "private, no-cache", **(headers or {})}
        )
        if not known:
            self.set_cookie(response, FORM, seed)
        return response

    def fragment(self, template: str, **values: Any) -> str:
        """A piece of a page, the same for every reader."""
        return self.templates.get_template(template).render(**values)

    def cookie(self, name: str) -> str:
        """The name of a cookie; over https no other host can set it."""
        return f"__Host-{name}" if self.settings.secure else name

    def set_cookie(self, response: Any, name: str, value: str) -> None:
        """Sets a cookie that scripts cannot read and other sites do not send."""
        response.set_cookie(
            self.cookie(name),
            value,
            max_age=YEAR,
            httponly=True,
            samesite="lax",
            secure=self.settings.secure,
            path="/",
        )

    def address(self, request: Request) -> str:
        """The address that a request comes from; a proxy's word counts if the settings name it."""
        peer = request.client.host if request.client else ""
        if peer in self.settings.proxies:
            for hop in reversed(request.headers.get("x-forwarded-for", "").split(",")):
                if hop.strip() and hop.strip() not in self.settings.proxies:
                    return hop.strip()
        return peer

    def network(self, request: Request) -> str:
        """The network of a request, hashed: what the limits and the guard of votes know it by."""
        return self.tokens.mark("network", network(self.address(request)))[:32]

    def reader(self, request: Request) -> str | None:
        """Who is asking, by the cookie; None for somebody new."""
        with suppress(WrongToken):
            return str(self.tokens.read("reader", request.cookies.get(self.cookie(READER), "")))
        return None

    def new_reader(self) -> tuple[str, str]:
        """A reader that has not been here, and the cookie that says so."""
        name = secrets.token_urlsafe(18)
        return name, self.tokens.make("reader", name)

    def visitor(self, request: Request) -> str:
        """Who views, without a cookie: a hash that is another one tomorrow."""
        if reader := self.reader(request):
            return reader
        day = int(self.store.now() // 86400)
        seen = f"{day} {self.address(request)} {request.headers.get('user-agent', '')}"
        return self.tokens.mark("visitor", seen)[:32]

    def allow(self, request: Request, what: str, rate: Rate) -> None:
        """Counts a request against a rate, for the reader and for the network.

        Raises:
            TooOften: it is one too many.
        """
        who = self.reader(request) or self.address(request)
        wider = Rate(rate.requests * NETWORK_FACTOR, rate.seconds)
        wait = max(
            self.limiter.wait(what, hashlib.sha256(who.encode()).hexdigest(), rate),
            self.limiter.wait(f"{what} network", network(self.address(request)), wider),
        )
        if wait:
            raise TooOften(wait)

    def check_form(self, request: Request, token: str) -> None:
        """Refuses a change that does not come from a form that this page gave to this reader.

        Raises:
            NotOurForm: it comes from another site, or its token is not the reader's.
        """
        self.check_origin(request)
        seed = request.cookies.get(self.cookie(FORM), "")
        nonce, _, mark = token.partition(".")
        if not seed or not mark or not self.tokens.matches("form", f"{nonce}.{seed}", mark):
            raise NotOurForm("The form is not one of yours, or it is old.")

    def check_origin(self, request: Request) -> None:
        """Refuses requests that the browser says come from another site."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise NotOurForm("This came from another site.")
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc not in self.hosts(request):
            raise NotOurForm("This came from another site.")

    def hosts(self, request: Request) -> set[str]:
        """The hosts that are this page: the one of the settings, in development whatever was asked for."""
        own = {self.settings.host}
        return own | {request.headers.get("host", "")} if self.settings.dev else own

    def absolute(self, path: str) -> str:
        """An address of this page as the world sees it."""
        return self.settings.url + path


async def page_of(request: Request) -> Page:
    """The page that serves a request, for FastAPI's `Depends`, which gives a thread to what is not async."""
    page: Page = request.app.state.page
    return page


@lru_cache(maxsize=4)
def _templates(site: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Callable[..., Any]] = {
        "rich": text.rich,
        "plain": text.plain,
        "marked": text.marked,
        "short": text.short,
        "number": strips.number,
        "kind": strips.kind,
        "sign": strips.sign,
    }
    environment.filters.update(filters)
    environment.globals.update(
        asset=_assets(), shelves=SHELVES, interval=strips.interval, site=site, strip=strips.strip
    )
    return environment


def _assets() -> Callable[[str], str]:
    """Names of static files with the hash of what is in them, so that they can be kept for good."""
    static = HERE / "static"
    hashes = {
        str(file.relative_to(static)): hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        for file in static.rglob("*")
        if file.is_file()
    }
    return lambda name: f"/static/{name}?{hashes[name]}"
