"""The pictures of the page: `make screenshots` opens the real application in a browser and takes them."""

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import uvicorn
from playwright.sync_api import Browser, sync_playwright

from octavo.page.finding import Fused, complete_vectors
from octavo.page.serving import application
from octavo.page.settings import Settings
from octavo.page.web.page import Page

IMAGES = Path(__file__).parent / "images"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = {"phone": (360, 780), "wide": (1280, 900)}


@dataclass(frozen=True)
class Shot:
    """One picture: where, and what is done before it is taken."""

    name: str
    path: str
    full: bool = False
    run_demo: bool = False


SHOTS = (
    Shot("list", "/"),
    Shot("search", "/?q=memory+that+stays+the+same+however+long+the+stream"),
    Shot("paper", "/papers/aaren"),
    Shot("demo", "/demo/aaren", full=True, run_demo=True),
    Shot("leaderboard", "/leaderboards/BasicMotions"),
)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The application over the papers of this library, on a free port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    app = application(Settings("screenshots " * 4, url, dev=True, data=folder), library=True, schedule=False)
    page: Page = app.state.page
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    page.figures.wait()
    if isinstance(page.finder, Fused):
        complete_vectors(page.finder.search)
    page.cache.changed()
    yield url
    server.should_exit = True
    thread.join(20)


def take(
    browser: Browser, url: str, shot: Shot, size: str, scheme: Literal["light", "dark"], to: Path
) -> None:
    """Takes one picture."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1.5
    )
    tab = context.new_page()
    tab.goto(url + shot.path)
    tab.wait_for_load_state("networkidle")
    if shot.run_demo:
        tab.get_by_role("button", name="Run").click()
        tab.wait_for_selector(".result img", timeout=60_000)
    tab.screenshot(path=to / f"page_{shot.name}_{size}_{scheme}.png", full_page=shot.full)
    context.close()


def main(to: Path = IMAGES) -> None:
    """Takes all of them."""
    to.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for shot in SHOTS:
            take(browser, url, shot, "wide", "light", to)
            take(browser, url, shot, "phone", "dark", to)
        browser.close()


if __name__ == "__main__":
    main()
