"""Daily lists, one's own papers, the library with its ledger, and changes over OAI-PMH."""

import json
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from octavo import catalogue
from octavo.errors import OctavoError
from octavo.ledger import published
from octavo.page.ingest import import_bibtex, import_daily, import_delta, import_jsonl, import_library
from octavo.page.ingest.oai import FAILURES, PAUSE, REST, URL, _Redirects, fetch, get
from octavo.page.store import Store

from ..conftest import Clock


def test_daily_lists_of_both_forms(store: Store, tmp_path: Path) -> None:
    line = {
        "day": "2025-09-01",
        "id": "2508.18106",
        "title": "A.S.E:\n  a benchmark",
        "summary": "S.",
        "authors": ["K. Lian"],
        "published_at": "2025-08-25T15:11:11.000Z",
        "upvotes": 40,
        "code": "javascript:alert(1)",
    }
    lines = tmp_path / "d.jsonl"
    lines.write_text(
        "\n".join(json.dumps(each) for each in (line, line | {"day": "2025-09-02", "upvotes": 9}, {}))
    )
    report = import_daily(store, lines)
    assert (report.papers.inserted, dict(report.rejected)) == (1, {"no day": 1})
    assert import_daily(store, lines).papers.inserted == 0
    assert store.papers.days() == ["2025-09-02", "2025-09-01"]
    paper = store.papers.get("2508.18106")
    assert paper is not None
    assert (paper.title, paper.code, paper.votes) == ("A.S.E: a benchmark", "", 0)
    inner = {"id": "2509.00001", "title": "T", "summary": "S", "authors": [{"name": "A"}], "upvotes": 3}
    answer = tmp_path / "d.json"
    answer.write_text(json.dumps([{"paper": inner, "publishedAt": "2025-09-03T00:00:00.000Z"}]))
    import_daily(store, answer)
    assert [each.id for each in store.papers.listed(order="day")] == ["2509.00001"]
    answer.write_text("{")
    with pytest.raises(OctavoError, match="neither JSON lines"):
        import_daily(store, answer)


def test_papers_of_ones_own(store: Store, tmp_path: Path) -> None:
    lines = tmp_path / "own.jsonl"
    rows: list[Any] = [{"title": "Mine"}, {"title": "Two", "authors": "A"}, {"title": 3}, {"url": "x"}]
    lines.write_text("\n".join(map(json.dumps, rows)))
    report = import_jsonl(store, lines)
    assert report.papers.inserted == 1
    assert set(report.rejected) == {"authors that is no list of texts", "title that is no text", "no title"}
    assert import_jsonl(store, lines).lines == 0


def test_bibtex(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "refs.bib"
    file.write_text(
        r"""
        @string{x = "y"}
        @article{feng2024, title = {{Attention} as an {RNN}}, author = "Feng, Leo and Z{\"o}llner, {\'E}mile",
            year = 2024, eprint = {2405.13956}, primaryClass={cs.LG}, abstract = {One {nested {brace}} text.},
            url = {javascript:alert(1)}}
        @misc{empty, year = {2020}}
        @book{broken, title = {never closed
        """,
        encoding="utf-8",
    )
    report = import_bibtex(store, file)
    assert report.rejected["no title"] == 1
    paper = store.papers.get("2405.13956")
    assert paper is not None
    assert paper.title == "Attention as an RNN"
    assert paper.authors == ("Leo Feng", "Émile Zöllner")
    assert (paper.abstract, paper.url, paper.published) == ("One nested brace text.", "", "2024-01-01")


def test_the_library_and_its_ledger_come_out_as_they_went_in(store: Store) -> None:
    cards = catalogue.papers()
    assert import_library(store).inserted == len(cards)
    assert import_library(store).unchanged == len(cards)
    for card in cards:
        paper = store.papers.get(card.slug)
        assert paper is not None
        assert (paper.id, paper.shelf, paper.runs) == (card.arxiv, card.shelf, card.runs)
        if card.runs:
            wanted = [judgement.as_dict() for judgement in published.judgements(card)]
            assert store.ledger.judgements(card.arxiv) == json.loads(json.dumps(wanted))
            runs = published.runs(card)
            assert sorted(run.scale for run in store.ledger.runs(card.arxiv)) == sorted(
                run.scale for run in runs
            )
    assert store.votes.audit()["wrong_heat"] == []


RECORD = """<record><header><identifier>oai:arXiv.org:{id}</identifier></header><metadata>
<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{id}</id>
<version version="v1"><date>Mon, 2 Apr 2007 19:18:42 GMT</date></version>
<version version="v2"><date>Tue, 3 Apr 2007 19:18:42 GMT</date></version>
<title>Title
  {id}</title><authors>A. Ada (X), B. Bob</authors><categories>cs.CL cs.LG</categories>
<abstract> We. </abstract></arXivRaw></metadata></record>"""


def answer(ids: list[str], token: str = "", error: str = "") -> bytes:
    inner = "".join(RECORD.format(id=each) for each in ids)
    deleted = '<record><header status="deleted"/></record>'
    body = (
        f'<error code="{error}">x</error>'
        if error
        else (f"<ListRecords>{inner}{deleted}<resumptionToken>{token}</resumptionToken></ListRecords>")
    )
    return f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{body}</OAI-PMH>'.encode()


class Archive:
    """Answers in turn, and remembers what was asked."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []
        self.pauses: list[float] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)))
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def test_changes_page_by_page(store: Store, clock: Clock) -> None:
    archive = Archive(answer(["2401.00001", "2401.00002"], "next"), OSError("503"), answer(["2401.00003"]))
    report = import_delta(store, since="2024-01-01", fetch=archive, sleep=archive.pauses.append)
    assert (report.papers.inserted, report.rejected["deleted"]) == (3, 2)
    assert archive.asked[0] == {
        "verb": "ListRecords",
        "metadataPrefix": "arXivRaw",
        "set": "cs",
        "from": "2024-01-01",
    }
    assert archive.asked[1] == archive.asked[2] == {"verb": "ListRecords", "resumptionToken": "next"}
    assert all(pause >= 3 for pause in archive.pauses)
    paper = store.papers.get("2401.00003")
    assert paper is not None
    assert (paper.title, paper.version, paper.authors) == ("Title 2401.00003", 2, ("A. Ada", "B. Bob"))
    # The next time it begins where this one did, by the clock.
    archive = Archive(answer([], error="noRecordsMatch"))
    import_delta(store, fetch=archive, sleep=archive.pauses.append)
    assert archive.asked[0]["from"] == "2026-02-11"


def test_stopped_it_goes_on_with_the_token(store: Store) -> None:
    archive = Archive(answer(["2401.00001"], "next"), KeyboardInterrupt())  # type: ignore[arg-type]
    archive.answers[1] = RuntimeError("killed")
    with pytest.raises(RuntimeError):
        import_delta(store, fetch=archive, sleep=archive.pauses.append)
    archive = Archive(answer(["2401.00002"]))
    import_delta(store, fetch=archive, sleep=archive.pauses.append)
    assert archive.asked[0]["resumptionToken"] == "next"
    assert store.papers.count() == 2


def test_it_gives_up_for_an_hour(store: Store, clock: Clock) -> None:
    archive = Archive(*[OSError("503")] * FAILURES)
    with pytest.raises(OctavoError, match="5 times in a row"):
        import_delta(store, fetch=archive, sleep=archive.pauses.append)
    with pytest.raises(OctavoError, match="waits for an hour"):
        import_delta(store, fetch=archive, sleep=archive.pauses.append)
    clock.at += REST + 1
    archive = Archive(answer(["2401.00001"]))
    assert import_delta(store, fetch=archive, sleep=archive.pauses.append).papers.inserted == 1


def test_errors_and_other_hosts(store: Store) -> None:
    with pytest.raises(OctavoError, match="badArgument"):
        import_delta(store, fetch=Archive(answer([], error="badArgument")))
    with pytest.raises(OctavoError, match="expired"):
        import_delta(store, fetch=Archive(answer([], error="badResumptionToken")))
    for url in ("https://169.254.169.254/x", "http://export.arxiv.org/oai", "file:///etc/passwd"):
        with pytest.raises(OctavoError, match="over https"):
            fetch(url)


class Oai(BaseHTTPRequestHandler):
    """A service that is busy at first, and answers in two parts."""

    busy = 1

    def do_GET(self) -> None:
        if type(self).busy:
            type(self).busy -= 1
            self.send_response(503)
            self.send_header("Retry-After", "20")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        more = "resumptionToken" in self.path
        body = answer(["2401.00003"]) if more else answer(["2401.00001", "2401.00002"], "next")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


def test_over_http_from_a_local_server(store: Store) -> None:
    pauses: list[float] = []
    with HTTPServer(("127.0.0.1", 0), Oai) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/oai"
        report = import_delta(store, since="2024-01-01", fetch=get, sleep=pauses.append, url=url)
        server.shutdown()
    assert report.papers.inserted == store.papers.count() == 3
    assert pauses == [20, PAUSE]


def test_a_redirect_elsewhere_is_not_followed() -> None:
    request = urllib.request.Request(URL)
    with pytest.raises(OctavoError, match="over https"):
        _Redirects().redirect_request(request, None, 302, "", {}, "http://169.254.169.254/x")
