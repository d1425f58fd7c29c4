"""The real application in a real browser, from the search to the last mail; with axe looking on."""

import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Literal

import pytest

pytest.importorskip("playwright", reason="needs playwright, of octavo[dev]")
pytest.importorskip("fastapi", reason="needs octavo[page]")

import uvicorn
from aiosmtpd.controller import Controller
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from tests.page.conftest import Clock

from octavo.page.digest import sending
from octavo.page.digest.postbox import Relay
from octavo.page.settings import Settings
from octavo.page.store import Store
from octavo.page.tokens import Tokens
from octavo.page.web.app import create

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="needs Debian's chromium: apt-get install chromium"
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

expect.set_options(timeout=60_000)


@dataclass
class Site:
    url: str
    store: Store
    settings: Settings
    relay: Relay
    mails: list[Any]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def site(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all tests; what they change, they look at before and after."""
    folder = tmp_path_factory.mktemp("site") / "page"
    shutil.copytree(library, folder)
    store = Store(folder=folder, now=Clock())
    mails: list[Any] = []

    class Inbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            mails.append(message_from_bytes(envelope.content, policy=policy.default))
            return "250 OK"

    controller = Controller(Inbox(), hostname="127.0.0.1", port=free_port())
    controller.start()
    relay = Relay("127.0.0.1", controller.port)
    port = free_port()
    settings = Settings("secret " * 8, f"http://127.0.0.1:{port}", data=folder)
    app = create(settings, store, box=relay)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Site(settings.url, store, settings, relay, mails)
    server.should_exit = True
    thread.join(20)
    controller.stop()
    store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(120_000)
    wrong: list[str] = []
    # What the policy of the page forbids is told on the console.
    tab.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    yield tab
    context.close()
    assert not wrong


def votes(site: Site) -> int:
    paper = site.store.papers.get("aaren")
    assert paper is not None
    return paper.votes


def link(mail: Any, kind: str) -> str:
    found = re.search(rf"http://\S+/{kind}/\S+", mail.get_body(("plain",)).get_content())
    assert found
    return found[0]


def test_what_a_reader_does(site: Site, tab: Page) -> None:
    tab.goto(site.url)
    tab.keyboard.press("/")
    tab.keyboard.type("attention rnn")
    first = tab.locator(".paper h3 a").first
    expect(first).to_have_text("Attention as an RNN")
    tab.wait_for_url("**q=attention**")
    expect(tab.locator(".told h2")).to_have_text("“attention rnn”")

    row = tab.locator(".paper").first
    before = votes(site)
    row.get_by_role("button", name="Vote for").click()
    expect(row.locator("button.vote")).to_have_attribute("aria-pressed", "true")
    assert votes(site) == before + 1
    tab.reload()
    expect(tab.locator(".paper button.vote").first).to_have_attribute("aria-pressed", "true")

    option = tab.locator("#titles option")
    expect(option).to_have_count(0)
    tab.locator("#q").fill("attention as an")
    expect(option.first).to_have_attribute("value", "Attention as an RNN")

    first.click()
    expect(tab.locator("h1")).to_have_text("Attention as an RNN")
    expect(tab.get_by_text("octavo run aaren", exact=True)).to_be_visible()
    steps = tab.get_by_label("steps")
    steps.fill("5", timeout=120_000)
    tab.get_by_label("values").fill("30")
    tab.get_by_role("button", name="Run").click()
    expect(tab.locator(".result img")).to_be_visible(timeout=120_000)
    expect(tab.locator(".result")).to_contain_text("bytes of aaren")


def test_from_the_form_to_the_last_mail(site: Site, tab: Page) -> None:
    tab.goto(site.url + "/subscribe")
    tab.get_by_label("Your e-mail address").fill("reader@example.org")
    tab.get_by_label("Every day").check()
    tab.get_by_role("button", name="Subscribe").click()
    expect(tab.get_by_role("status")).to_contain_text("Look into your mail")
    tab.goto(link(site.mails[0], "confirm"))
    tab.get_by_role("button", name="Yes, send me the digest").click()
    expect(tab.locator("h1")).to_have_text("You are subscribed")
    sending.queue(site.store, "day", lambda text, limit: [])
    tokens = Tokens(site.settings.secret, site.store.now)
    # The browser's driver has an event loop in this thread, and the postbox wants one of its own.
    with ThreadPoolExecutor() as thread:
        sent = thread.submit(sending.send, site.settings, site.store, tokens, site.relay).result(30)
    assert sent.sent == 1
    tab.goto(link(site.mails[1], "unsubscribe"))
    tab.get_by_role("button", name="Unsubscribe").click()
    expect(tab.locator("h1")).to_have_text("You are unsubscribed")
    assert site.store.subscribers.by_email("reader@example.org").state == "left"  # type: ignore[union-attr]


def test_without_javascript(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.set_default_timeout(120_000)
    tab.goto(site.url)
    tab.locator("#q").fill("attention rnn")
    tab.get_by_role("button", name="Search").click()
    tab.locator(".paper h3 a").first.click()
    expect(tab.locator("h1")).to_have_text("Attention as an RNN")
    before = votes(site)
    tab.get_by_role("button", name="Vote for").click()
    assert votes(site) == before + 1
    tab.get_by_role("button", name="Take back").click()
    assert votes(site) == before
    context.close()


PATHS = (
    "/",
    "/?q=attention",
    "/papers/aaren",
    "/demo/aaren",
    "/leaderboards",
    "/subscribe",
    "/you",
    "/about",
    "/api",
)


def test_axe_finds_nothing_serious(site: Site, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 780}, bypass_csp=True)
    tab = context.new_page()
    tab.set_default_timeout(120_000)
    found = {}
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for path in PATHS:
        tab.goto(site.url + path)
        if path.startswith("/papers"):
            tab.locator(".demo-box form").wait_for()
        for scheme in schemes:
            tab.emulate_media(color_scheme=scheme)
            # What the colours change is the contrast alone.
            rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
            serious = [
                (each["id"], [node["html"][:200] for node in each["nodes"]][:3])
                for each in Axe().run(tab, options=rules).response["violations"]
                if each["impact"] in ("serious", "critical")
            ]
            if serious:
                found[path, scheme] = serious
    context.close()
    assert not found


def test_no_page_is_wider_than_the_window(site: Site, browser: Browser) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.set_default_timeout(120_000)
    for path in PATHS:
        tab.goto(site.url + path)
        for width in (360, 1280):
            tab.set_viewport_size({"width": width, "height": 800})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


def test_a_reader_needs_no_mouse(site: Site, tab: Page) -> None:
    tab.goto(site.url)
    tab.keyboard.press("Tab")
    expect(tab.get_by_text("Skip to the content")).to_be_focused()
    tab.keyboard.press("/")
    tab.keyboard.type("attention rnn")
    expect(tab.locator(".told h2")).to_have_text("“attention rnn”")
    before = votes(site)
    vote = tab.locator(".paper").first.get_by_role("button", name="Vote for")
    _tab_to(tab, vote)
    tab.keyboard.press("Space")
    expect(tab.locator(".paper button.vote").first).to_have_attribute("aria-pressed", "true")
    assert votes(site) == before + 1
    _tab_to(tab, tab.locator(".paper h3 a").first)
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("Attention as an RNN")
    why = tab.locator(".claim summary").first
    _tab_to(tab, why)
    tab.keyboard.press("Enter")
    expect(tab.locator(".claim details").first).to_have_attribute("open", "")
    run = tab.get_by_role("button", name="Run")
    run.wait_for()
    _tab_to(tab, run)


def _tab_to(tab: Page, wanted: Locator) -> None:
    """Presses Tab until something has the focus; it must show that it has."""
    for _ in range(200):
        if wanted.evaluate("each => each === document.activeElement"):
            assert wanted.evaluate("each => getComputedStyle(each).outlineStyle") != "none"
            return
        tab.keyboard.press("Tab")
    raise AssertionError("the keyboard does not get there")


def test_a_picture_is_drawn_with_the_mouse(site: Site, tab: Page) -> None:
    tab.goto(f"{site.url}/demo/crnn")
    sheet, chosen = tab.locator(".sheet canvas"), "document.querySelector('input[type=file]').files.length"
    box = sheet.bounding_box()
    assert box is not None
    assert tab.evaluate(chosen) == 0
    tab.mouse.move(box["x"] + 40, box["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 40, box["y"] + 90, steps=4)
    tab.mouse.up()
    assert tab.evaluate(chosen) == 1
    assert tab.locator("[name=kind]").input_value() == "digits"
    tab.get_by_role("button", name="Clear").click()
    assert tab.evaluate(chosen) == 0
