"""Lists and papers, without JavaScript; the same ids on the page, in feeds and in the API."""

import json
import re
from html import unescape
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from octavo import catalogue
from octavo.ledger import published
from octavo.page.store import Store
from octavo.page.trending import FORMULA
from octavo.page.web.page import Page

ATOM = "{http://www.w3.org/2005/Atom}"


def names(html: str) -> list[str]:
    return re.findall(r'<h3><a href="/papers/([^"]+)"', html)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?sort=newest",
        "?category=cs.CL&sort=newest",
        "?shelf=sequence",
        "?q=attention",
        "?demo=1",
        "?page=2",
    ],
)
def test_the_page_the_feeds_and_the_api_have_the_same_papers(still: TestClient, query: str) -> None:
    shown = names(still.get("/" + query).text)
    assert shown
    atom = ElementTree.fromstring(still.get("/feed.atom" + query).content)
    feed = still.get("/feed.json" + query).json()
    api = still.get("/api/v1/papers" + query).json()
    addresses = [f"http://testserver/papers/{name}" for name in shown]
    assert [entry.findtext(f"{ATOM}id") for entry in atom.findall(f"{ATOM}entry")] == addresses
    assert [item["id"] for item in feed["items"]] == addresses
    assert [paper["page"] for paper in api["papers"]] == addresses


def test_pages_follow_each_other_without_javascript(still: TestClient) -> None:
    seen: list[str] = []
    address = "/?sort=newest"
    while address:
        html = still.get(address).text
        seen += names(html)
        after = re.search(r'class="more"><a href="([^"]+)"', html)
        address = unescape(after[1]) if after else ""
    assert len(seen) == len(set(seen)) == 50 + len(catalogue.papers())


def test_htmx_gets_the_rows_alone(still: TestClient) -> None:
    rows = still.get("/?shelf=vision", headers={"HX-Request": "true"})
    assert "<html" not in rows.text
    assert names(rows.text)
    assert "HX-Request" in rows.headers["vary"]


def test_filters_narrow(still: TestClient) -> None:
    listed = still.get("/api/v1/papers?shelf=sequence&size=100").json()["papers"]
    assert {paper["shelf"] for paper in listed} == {"sequence"}
    assert {paper["slug"] for paper in still.get("/api/v1/papers?ours=1&size=100").json()["papers"]} == {
        card.slug for card in catalogue.papers()
    }


@pytest.mark.parametrize(
    "query",
    [
        "?shelf=nowhere",
        "?page=0",
        "?page=x",
        "?sort=random",
        "?verdict=maybe",
        "?since=yesterday",
        f"?q={'x' * 401}",
    ],
)
def test_what_no_list_is_asked_for_is_told(still: TestClient, query: str) -> None:
    answer = still.get("/" + query)
    assert answer.status_code == 422
    assert "That cannot be read" in answer.text
    assert still.get("/api/v1/papers" + query).json()["detail"]


def test_top_of_the_week_counts_the_votes_of_the_week(client: TestClient, store: Store) -> None:
    store.votes.cast("one", "2401.00003")
    store.votes.cast("two", "2401.00003")
    store.votes.cast("two", "2401.00004")
    assert names(client.get("/?sort=week").text) == ["2401.00003", "2401.00004"]
    assert names(client.get("/?sort=week&category=cs").text) == ["2401.00003", "2401.00004"]


def test_a_paper_of_the_library_shows_its_ledger_and_how_to_use_it(client: TestClient, store: Store) -> None:
    card = catalogue.paper("aaren")
    html = unescape(client.get("/papers/aaren").text)
    for text in (
        card.title,
        "octavo run aaren",
        "octavo demo aaren",
        f"from octavo.sequence import {card.public[0]}",
    ):
        assert text in html
    for claim in card.claims:
        assert f'id="claim-{claim.id}"' in html
        assert claim.condition.strip()[:40] in html
    assert client.get("/papers/2405.13956").text.count("claim-A1") == client.get("/papers/aaren").text.count(
        "claim-A1"
    )


def test_the_ledger_of_the_api_is_that_of_the_records(still: TestClient) -> None:
    claims = still.get("/api/v1/papers/aaren/claims").json()["claims"]
    assert claims == json.loads(json.dumps([each.as_dict() for each in published.judgements("aaren")]))


def test_a_paper_of_arxiv_has_its_abstract_and_maths(still: TestClient) -> None:
    html = still.get("/papers/2401.00007").text
    assert "<math" in html
    assert "Abstract 7." in html
    assert "https://arxiv.org/abs/2401.00007" in html
    assert "eprint = {2401.00007}" in still.get("/bibtex/2401.00007").text


@pytest.mark.parametrize(
    "path",
    [
        "/papers/none",
        "/papers/..%2f..%2fetc",
        "/figures/aaren/none.png",
        "/demo/none",
        "/leaderboards/none",
        "/nothing",
    ],
)
def test_what_is_not_there(still: TestClient, path: str) -> None:
    answer = still.get(path)
    assert answer.status_code == 404
    assert "Not found" in answer.text


def test_a_feed_that_is_known_is_not_sent_again(still: TestClient) -> None:
    for path in ("/feed.atom", "/feed.json", "/api/v1/papers", "/api/v1/papers/aaren"):
        etag = still.get(path).headers["etag"]
        again = still.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")


def test_all_papers_as_lines(still: TestClient) -> None:
    lines = [json.loads(line) for line in still.get("/api/v1/papers.jsonl").text.splitlines()]
    assert len(lines) == 50 + len(catalogue.papers())
    assert lines[0]["title"]


def test_the_api_describes_itself(still: TestClient) -> None:
    description = still.get("/api/v1/openapi.json").json()
    assert {"/api/v1/papers", "/api/v1/papers/{name}", "/api/v1/leaderboards/{dataset}", "/feed.atom"} <= set(
        description["paths"]
    )
    html = still.get("/api").text
    assert all(path in unescape(html) for path in description["paths"])


def test_leaderboards(client: TestClient, page: Page) -> None:
    boards = client.get("/api/v1/leaderboards").json()
    html = unescape(client.get("/leaderboards").text)
    for board in boards:
        assert board["dataset"] in html
    for board in boards[:2]:
        rows = client.get(f"/api/v1/leaderboards/{board['dataset']}?scale={board['scale']}").json()["tables"][
            0
        ]["rows"]
        shown = unescape(client.get(f"/leaderboards/{board['dataset']}?scale={board['scale']}").text)
        assert rows[0]["command"] in shown
        assert rows[0]["system"] in shown


def test_health_says_which_job_is_late(client: TestClient, store: Store, clock) -> None:  # type: ignore[no-untyped-def]
    assert client.get("/healthz").json()["state"] == "green"
    store.jobs.ended("digest", 60.0)
    clock.at += 121
    assert client.get("/healthz").json() == {"state": "yellow", "late": ["digest"], "papers": 95}


def test_the_formula_is_on_the_page(still: TestClient) -> None:
    assert FORMULA in unescape(still.get("/about").text)
    assert still.get("/api/v1/trending").json()["half_life_seconds"] == 48 * 3600


def test_titles_are_completed(still: TestClient) -> None:
    assert still.get("/complete", params={"q": "attention as an r"}).json() == ["Attention as an RNN"]
    assert still.get("/complete", params={"q": '"*'}).json() == []
    html = still.get("/").text
    assert 'list="titles"' in html
    assert '<datalist id="titles">' in html
