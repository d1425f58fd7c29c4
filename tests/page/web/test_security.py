"""No script of an abstract runs, no other site changes anything, nobody asks too often."""

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from tests.page.web.conftest import token

from octavo.errors import OctavoError
from octavo.page.digest import mails as written
from octavo.page.digest.mails import Item
from octavo.page.settings import Limits, Rate, Settings, from_environment
from octavo.page.store import ListedPaper, Store
from octavo.page.tokens import Tokens
from octavo.page.web.app import create

SCRIPT = "<script>alert(1)</script>"
HOSTILE = [
    SCRIPT,
    "</title>" + SCRIPT,
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "javascript:alert(1)",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<math><mtext><script>alert(1)</script></mtext></math>",
    "$<script>alert(1)</script>$",
    r"$\text{<script>alert(1)</script>}$",
    r"$\text{<img src=x onerror=alert(1)>}$",
    r"$\href{javascript:alert(1)}{x}$",
    r"$\style{background:url(javascript:alert(1))}{x}$",
    r"$\class{x}{<script>alert(1)</script>}$",
    r"$\htmlData{x=<script>}{y}$",
    r"\(<script>alert(1)</script>\)",
    r"\[<img src=x onerror=alert(1)>\]",
    "$$<svg onload=alert(1)>$$",
    r"$\mathrm{<style>*{display:none}</style>}$",
    r"\emph{<script>alert(1)</script>}",
    "{{ 7 * 7 }}",
    "{% raw %}<script>alert(1)</script>{% endraw %}",
    "<style>body{display:none}</style>",
    "<base href='https://evil.example'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action='https://evil.example'><input name=q></form>",
    "<object data='data:text/html,<script>alert(1)</script>'>",
    "<embed src='javascript:alert(1)'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<noscript><p title='</noscript><script>alert(1)</script>'>",
    "<!--><script>alert(1)</script-->",
    "]]><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt;<script>alert(1)</script>",
    "\u202e<script>alert(1)</script>\u0007",
    "<scr\u0000ipt>alert(1)</scr\u0000ipt><script>alert(1)</script>",
    "$" * 500 + SCRIPT,
    "$x$" * 300 + SCRIPT,
    "<details open ontoggle=alert(1)>",
    r"$\begin{array}{c}<script>alert(1)</script>\end{array}$",
]


def assert_harmless(html: str) -> None:
    """No tag, and no attribute of a tag, that the hostile texts bring."""
    tags = re.findall(r"<[a-zA-Z!/][^>]*>", html)
    own_scripts = [tag for tag in tags if re.match(r"<script\b", tag)]
    assert all(re.fullmatch(r'<script src="/static/[\w./?-]+" defer>', tag) for tag in own_scripts)
    for tag in tags:
        bare = re.sub(r'"[^"]*"', '""', tag)
        assert not re.search(r"\son\w+\s*=", bare), tag
        assert not re.search(r'(?:href|src|action|data)="\s*javascript:', tag), tag
        assert not re.match(r"<(?:iframe|object|embed|base|style)\b", tag), tag
    assert "49" not in re.findall(r"evil (\d+) evil", html)


def test_hostile_texts_are_text(client: TestClient, store: Store) -> None:
    store.papers.put(
        ListedPaper(
            f"2402.{number:05}",
            text,
            text,
            (text, text),
            ("cs.CL",),
            "2024-02-01",
            "2024-02-01",
            url="https://arxiv.org/abs/2402.00001",
        )
        for number, text in enumerate(HOSTILE)
    )
    listed = client.get("/?sort=newest&page=1&size=100").text
    assert len(re.findall(r'href="/papers/2402\.', listed)) >= len(HOSTILE)
    assert_harmless(listed)
    ElementTree.fromstring(client.get("/feed.atom?sort=newest&size=100").content)
    assert client.get("/feed.json?sort=newest&size=100").json()["items"]
    for number in range(len(HOSTILE)):
        assert_harmless(client.get(f"/papers/2402.{number:05}").text)


def test_hostile_queries_are_text(still: TestClient) -> None:
    for text in HOSTILE[::3]:
        assert_harmless(still.get("/", params={"q": text[:400]}).text)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_in_mails(text: str, settings: Settings) -> None:
    item = Item(text, "http://testserver/papers/x", text, text, text, text)
    tokens = Tokens(settings.secret, lambda: 0.0)
    mail = written.digest(
        settings, tokens, 1, "reader@example.org", "octavo: 1 paper this week", [item], 0.0, "1"
    )
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    tags = re.findall(r"<[a-zA-Z!/][^>]*>", html)
    assert not [
        tag for tag in tags if re.match(r"<(?:script|img|svg|iframe|form|style|base|link|object)\b", tag)
    ]


def test_every_answer_has_the_headers(still: TestClient) -> None:
    for path in ("/", "/papers/aaren", "/nothing", "/api/v1/papers", "/static/octavo.css", "/feed.atom"):
        headers = still.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_pages_need_nothing_inline(still: TestClient) -> None:
    for path in ("/", "/papers/aaren", "/leaderboards", "/subscribe", "/you", "/about", "/api"):
        html = still.get(path).text
        assert not re.search(r"\sstyle=", html)
        assert "<style" not in html
        assert all(re.match(r'<script src="/static/', tag) for tag in re.findall(r"<script[^>]*>", html))
        assert not re.findall(r'(?:src|href)="https?://[^"]*\.(?:js|css|woff2?)', html)


def test_the_first_load_is_small(still: TestClient) -> None:
    total = sum(
        int(still.get(path, headers={"Accept-Encoding": "gzip"}).headers["content-length"])
        for path in (
            "/",
            "/static/octavo.css",
            "/static/octavo.js",
            "/static/vendor/htmx-2.0.11.min.js",
            "/static/icon.svg",
        )
    )
    assert total < 120_000


POSTS = [
    "/votes",
    "/tags",
    "/follows",
    "/follows/1/remove",
    "/you/delete",
    "/subscribe",
    "/confirm/x",
    "/preferences/x",
    "/demo/aaren",
]


@pytest.mark.parametrize("path", POSTS)
def test_no_other_site_changes_anything(still: TestClient, path: str) -> None:
    good = {
        "form_token": token(still),
        "paper": "2401.00001",
        "kind": "search",
        "value": "x",
        "email": "a@example.org",
    }
    foreign: list[tuple[dict[str, str], dict[str, str]]] = [
        (good | {"form_token": ""}, {}),
        (good | {"form_token": good["form_token"][:-1] + "x"}, {}),
        (good, {"Origin": "https://evil.example"}),
        (good, {"Origin": "null"}),
        (good, {"Sec-Fetch-Site": "cross-site"}),
    ]
    for data, headers in foreign:
        assert still.post(path, data=data, headers=headers).status_code == 403
    still.cookies.clear()
    assert still.post(path, data=good).status_code == 403


def test_a_get_changes_nothing(still: TestClient) -> None:
    for path in (*POSTS, "/you/import"):
        if not path.startswith(("/subscribe", "/confirm", "/preferences", "/demo")):
            assert still.get(path).status_code in (404, 405)


def test_a_token_of_one_reader_is_not_another_ones(still: TestClient) -> None:
    mine = token(still)
    still.cookies.clear()
    token(still)
    assert still.post("/votes", data={"form_token": mine, "paper": "2401.00001"}).status_code == 403


def test_cookies_cannot_be_read_or_sent_from_elsewhere(settings: Settings, filled: Store) -> None:
    with TestClient(create(replace(settings, url="https://papers.example"), filled)) as client:
        answer = client.get("/subscribe")
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("__host-")
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "secure" in cookie
        assert answer.headers["strict-transport-security"]


def test_rates_are_limited_by_reader(settings: Settings, filled: Store) -> None:
    limits = Limits(search=Rate(3, 60), api=Rate(2, 60), vote=Rate(2, 3600))
    with TestClient(create(replace(settings, limits=limits), filled)) as client:
        codes = [client.get(f"/?q=word{number}").status_code for number in range(4)]
        assert codes == [200, 200, 200, 429]
        assert client.get("/?q=word0").status_code == 200  # what is kept costs nothing
        codes = [client.get(f"/api/v1/papers/2401.0000{number}").status_code for number in range(3)]
        assert codes == [200, 200, 429]
        refused = client.get("/api/v1/papers/2401.00004")
        assert int(refused.headers["retry-after"]) >= 1
        good = token(client)
        codes = [
            client.post(
                "/votes", data={"form_token": good, "paper": f"2401.0000{number}"}, follow_redirects=False
            ).status_code
            for number in range(4)
        ]
        # The first one is of an address; from then on the reader has a name.
        assert codes == [303, 303, 303, 429]


def test_a_readers_word_on_its_address_counts_only_from_a_proxy(settings: Settings, filled: Store) -> None:
    limits = Limits(api=Rate(1, 3600))
    for proxies, last in (((), 429), (("testclient",), 200)):
        with TestClient(create(replace(settings, limits=limits, proxies=proxies), filled)) as client:
            first = client.get("/api/v1/papers/aaren", headers={"X-Forwarded-For": "192.0.2.1"})
            second = client.get("/api/v1/papers/aaren", headers={"X-Forwarded-For": "198.51.100.1"})
            assert (first.status_code, second.status_code) == (200, last)


def test_large_bodies_are_refused(still: TestClient) -> None:
    assert still.post("/subscribe", content=b"x" * (6 << 20)).status_code == 413

    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def drip() -> Any:
        for _ in range(100):
            yield b"x" * (64 << 10)

    assert still.post("/subscribe", content=drip(), headers=form).status_code == 413


def test_no_start_without_a_secret() -> None:
    with pytest.raises(OctavoError, match="OCTAVO_PAGE_SECRET"):
        from_environment(environment={})
    with pytest.raises(OctavoError, match="has 5 characters"):
        from_environment(environment={"OCTAVO_PAGE_SECRET": "short"})
    with pytest.raises(OctavoError, match="OCTAVO_PAGE_URL"):
        from_environment(dev=True, environment={"OCTAVO_PAGE_URL": "papers.example.org/x"})
    one, other = (from_environment(dev=True, environment={}) for _ in range(2))
    assert one.secret != other.secret
    assert one.secret not in repr(one)


def test_a_fault_is_a_page_and_tells_nothing(
    settings: Settings, filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the password is 12345")

    with TestClient(create(settings, filled), raise_server_exceptions=False) as client:
        monkeypatch.setattr(filled.papers, "listed", broken)
        answer = client.get("/")
        assert answer.status_code == 500
        assert "12345" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_queries_of_any_kind_are_answered(still: TestClient) -> None:
    for text in (
        '"',
        "*",
        "NEAR(",
        "a OR",
        "title:",
        "-",
        "^x",
        "{}",
        "'; DROP TABLE papers; --",
        "\x01",
        "😀",
        "(" * 200,
    ):
        assert still.get("/", params={"q": text}).status_code == 200
