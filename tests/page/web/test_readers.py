"""Votes, tags and follows: by forms, without an account; what is kept can be taken away and deleted."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.page.web.conftest import token

from octavo.page.store import Store

Post = Callable[..., Any]


def test_a_vote_shows_at_once_and_counts_once(client: TestClient, store: Store, post: Post) -> None:
    assert (
        re.findall(r'<h3><a href="/papers/([^"]+)"', client.get("/?category=cs.CL").text)[0] != "2401.00009"
    )
    for _ in range(2):
        assert post("/votes", paper="2401.00009").status_code == 303
    html = client.get("/?category=cs.CL").text
    assert re.findall(r'<h3><a href="/papers/([^"]+)"', html)[0] == "2401.00009"
    assert 'data-voted="2401.00009"' in html
    assert store.papers.get("2401.00009").votes == 1  # type: ignore[union-attr]
    post("/votes", paper="2401.00009", withdraw="1")
    assert store.papers.get("2401.00009").votes == 0  # type: ignore[union-attr]


def test_htmx_gets_the_button_back(client: TestClient) -> None:
    data = {"form_token": token(client), "paper": "aaren"}
    button = client.post("/votes", data=data, headers={"HX-Request": "true"}).text
    assert 'aria-pressed="true"' in button
    assert "<b>1</b>" in button
    assert "<html" not in button


def test_a_reader_is_nobody_until_something_is_changed(client: TestClient, post: Post) -> None:
    client.get("/")
    client.get("/papers/aaren")
    assert "octavo_reader" not in client.cookies
    post("/votes", paper="aaren")
    assert "octavo_reader" in client.cookies


def test_a_cookie_that_was_made_elsewhere_is_nobody(client: TestClient) -> None:
    client.cookies.set("octavo_reader", "somebody")
    assert "Nothing is kept of you" in client.get("/you").text


def test_what_is_kept_goes_out_and_comes_back(client: TestClient, post: Post) -> None:
    post("/votes", paper="aaren")
    post("/tags", paper="2401.00001", tag="to read")
    post("/follows", kind="search", value="long streams")
    html = client.get("/you").text
    assert "to read" in html
    assert "long streams" in html
    assert "Attention as an RNN" in html
    kept = client.get("/you/export.json").json()
    post("/you/delete")
    assert client.get("/you/export.json").json() == {"votes": [], "tags": {}, "follows": []}
    answer = post("/you/import", files={"file": ("octavo.json", io.BytesIO(json.dumps(kept).encode()))})
    assert answer.status_code == 303
    again = client.get("/you/export.json").json()
    assert again["tags"] == kept["tags"]
    assert again["follows"] == kept["follows"]
    assert [vote["paper"] for vote in again["votes"]] == [vote["paper"] for vote in kept["votes"]]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"votes": 3}', b'{"tags": []}', b"[" * 100_000])
def test_what_is_no_export_is_refused(post: Post, content: bytes) -> None:
    assert post("/you/import", files={"file": ("octavo.json", io.BytesIO(content))}).status_code == 422


@pytest.mark.parametrize(
    ("query", "kind", "value"),
    [
        ("q=long+streams", "search", "long streams"),
        ("shelf=vision", "shelf", "vision"),
        ("author=Ada", "author", "Ada"),
    ],
)
def test_a_search_a_shelf_and_an_author_are_followed_by_a_button(
    client: TestClient, query: str, kind: str, value: str
) -> None:
    address = f"/follow?{query}"
    assert f'href="{address}"' in client.get(f"/?{query}").text
    button = client.get(address).text
    assert f'name="kind" value="{kind}"' in button
    assert f'name="value" value="{value}"' in button


def test_follows_and_tags_are_taken_off(client: TestClient, post: Post) -> None:
    post("/follows", kind="shelf", value="vision")
    number = re.search(r"/follows/(\d+)/remove", client.get("/you").text)
    assert number
    post(f"/follows/{number[1]}/remove")
    assert "vision" not in client.get("/you").text
    post("/tags", paper="aaren")
    post("/tags", paper="aaren", remove="1")
    assert client.get("/you/export.json").json()["tags"] == {}


def test_a_view_is_counted_once_a_day(client: TestClient, store: Store) -> None:
    for _ in range(3):
        client.get("/papers/aaren")
    client.app.state.page.views.write()  # type: ignore[attr-defined]
    with store.database.read() as connection:
        from sqlalchemy import text

        assert connection.execute(text("SELECT n FROM views WHERE paper = '2405.13956'")).scalar() == 1
