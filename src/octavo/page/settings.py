"""What a page is told, by the environment: where it is, its secret, its limits."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from octavo.errors import OctavoError
from octavo.page.store import page_folder

SHORTEST_SECRET = 32


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: float


@dataclass(frozen=True)
class Limits:
    """How often one reader, and one network, may do what costs something."""

    search: Rate = Rate(60, 60)
    complete: Rate = Rate(240, 60)
    vote: Rate = Rate(20, 3600)
    demo: Rate = Rate(10, 60)
    api: Rate = Rate(600, 3600)
    subscribe: Rate = Rate(10, 3600)
    write: Rate = Rate(60, 3600)


@dataclass(frozen=True)
class DemoLimits:
    """What one run of a demo may take.

    Args:
        seconds: of wall time, and of each processor.
        memory: bytes beyond what the process has when it starts.
        upload: bytes of one file.
        pixels: of one picture.
        text: characters of one text.
        output: characters of what is shown.
        waiting: how many may wait for their turn.
        at_once: how many run side by side.
    """

    seconds: float = 30.0
    memory: int = 2 << 30
    upload: int = 4 << 20
    pixels: int = 4_000_000
    text: int = 2_000
    output: int = 20_000
    waiting: int = 8
    at_once: int = 1


@dataclass(frozen=True)
class MailSettings:
    """Where mail goes.

    Args:
        smtp: `smtp://user:password@host:port`, or nothing for a folder of .eml files.
        folder: where the .eml files go.
        sender: the address that mails come from.
        contact: the line at the end of every mail that says who sends it, as the law asks.
        owner: the address that is told of jobs that are late; nobody is where it is "".
        a_second: how many mails leave in a second at most.
    """

    smtp: str = ""
    folder: Path = Path("outbox")
    sender: str = "octavo <digest@localhost>"
    contact: str = (
        "You get this because this address was confirmed on an octavo page run for its owner alone."
    )
    owner: str = ""
    a_second: float = 10.0


@dataclass(frozen=True)
class Settings:
    """A page's settings.

    Args:
        secret: signs links and cookies; at least 32 characters.
        url: how readers reach the page, without a slash at its end.
        dev: on this machine alone, for its owner: cookies without https, a secret of this start.
        proxies: hosts whose word on a reader's address is taken.
        data: the folder of what the page keeps beside its database: figures, mails, vectors.
        arxiv: the sets of arXiv, such as `cs`, whose changes are imported every day; none by default.
    """

    secret: str = field(repr=False)
    url: str = "http://127.0.0.1:8765"
    dev: bool = False
    proxies: tuple[str, ...] = ()
    data: Path = Path("page")
    arxiv: tuple[str, ...] = ()
    limits: Limits = Limits()
    demos: DemoLimits = DemoLimits()
    mail: MailSettings = MailSettings()

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_SECRET:
            raise OctavoError(
                f"OCTAVO_PAGE_SECRET has {len(self.secret)} characters and needs {SHORTEST_SECRET} or more: "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one. "
                "`octavo page serve --dev` needs none, for this machine alone."
            )
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
            raise OctavoError(
                f"OCTAVO_PAGE_URL is {self.url!r}; expected such as "
                "https://papers.example.org, no path after it."
            )

    @property
    def secure(self) -> bool:
        """Whether readers come over https."""
        return self.url.startswith("https://")

    @property
    def host(self) -> str:
        """The host that readers ask for, with its port."""
        return urlsplit(self.url).netloc


def from_environment(
    *, dev: bool = False, url: str = "", data: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """The settings that the environment gives.

    Args:
        dev: for the owner of this machine alone; a secret is made up where there is none.
        url: how readers reach the page, where that is not `OCTAVO_PAGE_URL`.
        data: the page's folder, where that is not the usual one.
        environment: where the variables are looked up.

    Raises:
        OctavoError: the secret is missing or short, or something cannot be read.

    Example:
        >>> from_environment(dev=True, environment={}).url
        'http://127.0.0.1:8765'
    """
    folder = data or page_folder()
    secret = environment.get("OCTAVO_PAGE_SECRET", "") or (secrets.token_urlsafe(32) if dev else "")
    plain = MailSettings()
    return Settings(
        secret=secret,
        url=(url or environment.get("OCTAVO_PAGE_URL", "http://127.0.0.1:8765")).rstrip("/"),
        dev=dev,
        proxies=tuple(filter(None, environment.get("OCTAVO_PAGE_PROXIES", "").split(","))),
        data=folder,
        arxiv=tuple(filter(None, environment.get("OCTAVO_PAGE_ARXIV", "").split(","))),
        mail=MailSettings(
            smtp=environment.get("OCTAVO_PAGE_SMTP", ""),
            folder=folder / "outbox",
            sender=environment.get("OCTAVO_PAGE_SENDER", plain.sender),
            contact=environment.get("OCTAVO_PAGE_CONTACT", plain.contact),
            owner=environment.get("OCTAVO_PAGE_OWNER", ""),
        ),
    )
