"""What arXiv has changed since the last time, over OAI-PMH: politely, resumably, and with an end."""

import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from octavo.errors import OctavoError
from octavo.page.ingest.arxiv import day_of_version, is_withdrawn, plain, split_authors
from octavo.page.ingest.reading import Report
from octavo.page.store import ListedPaper, Store

HOSTS = ("oaipmh.arxiv.org", "export.arxiv.org")
"""The hosts that are asked, and no others."""
URL = "https://oaipmh.arxiv.org/oai"
PAUSE = 3.0
"""Seconds between two requests, as arXiv asks of its users."""
FAILURES = 5
"""Failures in a row after which nothing is asked for an hour."""
REST = 3600.0
_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_RAW = "{http://arxiv.org/OAI/arXivRaw/}"

Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """One answer of arXiv.

    Raises:
        OctavoError: the address is not one of `HOSTS`, over https.
        OSError: it does not answer.
    """
    _check(url)
    return get(url, _Redirects)


def get(url: str, *handlers: type[urllib.request.BaseHandler]) -> bytes:
    """What an address answers, 64 MB of it at most."""
    request = urllib.request.Request(url, headers={"User-Agent": "octavo (papers page; OAI-PMH)"})
    with urllib.request.build_opener(*handlers).open(request, timeout=60) as answer:
        return bytes(answer.read(64 << 20))


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows arXiv to its own hosts alone."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" or parts.hostname not in HOSTS:
        raise OctavoError(f"Metadata comes from {' or '.join(HOSTS)} over https, got {url!r}.")


def import_delta(
    store: Store,
    which: str = "cs",
    since: str | None = None,
    *,
    fetch: Fetch = fetch,
    sleep: Callable[[float], None] = time.sleep,
    url: str = URL,
) -> Report:
    """Imports what has changed since the last import of the same set.

    Each answer and the token of the next are saved together, so a stopped import goes on with the next
    answer.

    Args:
        store: where the papers go.
        which: the set, such as `cs` or `stat`.
        since: a day to begin with where nothing was imported before; the day before yesterday where left out.
        fetch: gets an address; tests put their own here.
        sleep: waits so many seconds.
        url: of the OAI-PMH service.

    Raises:
        OctavoError: it failed too often in a row, or answers with an error.
    """
    name = f"oai:{which}"
    kept: dict[str, Any] = dict(store.jobs.cursor(name) or {})
    if store.now() < kept.get("rest_until", 0):
        raise OctavoError(
            "arXiv failed several times in a row; the next request waits for an hour since then."
        )
    today = datetime.fromtimestamp(store.now(), UTC)
    begin = (
        kept.get("since")
        or since
        or datetime.fromtimestamp(store.now() - 2 * 86400, UTC).strftime("%Y-%m-%d")
    )
    token, failures, report = kept.get("token", ""), int(kept.get("failures", 0)), Report()
    while True:
        query = {"verb": "ListRecords"} | (
            {"resumptionToken": token}
            if token
            else {"metadataPrefix": "arXivRaw", "set": which, "from": begin}
        )
        try:
            answer = fetch(f"{url}?{urllib.parse.urlencode(query)}")
            papers, token, problem = read_answer(answer, report)
        except (OSError, ElementTree.ParseError) as error:
            failures += 1
            kept = {"since": begin, "token": token, "failures": failures}
            if failures >= FAILURES:
                store.jobs.save_cursor(name, kept | {"failures": 0, "rest_until": store.now() + REST})
                raise OctavoError(f"arXiv failed {failures} times in a row, last with: {error}.") from None
            store.jobs.save_cursor(name, kept)
            sleep(max(PAUSE * 2**failures, _asked_to_wait(error)))
            continue
        if problem == "badResumptionToken":
            # It expires within a day; the set is asked for from the same day again.
            store.jobs.save_cursor(name, {"since": begin})
            raise OctavoError("arXiv's token has expired; the next import begins again where this one did.")
        if problem and problem != "noRecordsMatch":
            raise OctavoError(f"arXiv answers {problem}.")
        failures = 0
        done = {"since": today.strftime("%Y-%m-%d")}
        report.papers += store.papers.put(papers, (name, {"since": begin, "token": token} if token else done))
        if not token:
            return report
        sleep(PAUSE)


def _asked_to_wait(error: Exception) -> float:
    """The seconds that a busy server asks for, ten minutes at most."""
    headers = error.headers if isinstance(error, urllib.error.HTTPError) else None
    said = (headers.get("Retry-After") if headers else None) or ""
    return min(600.0, float(said)) if said.isdigit() else 0.0


def read_answer(answer: bytes, report: Report) -> tuple[list[ListedPaper], str, str]:
    """One answer as its papers, the token of the next answer, and the code of an error; "" for none."""
    root = ElementTree.fromstring(answer)
    error = root.find(f"{_OAI}error")
    if error is not None:
        return [], "", str(error.get("code"))
    papers = list(_papers(root, report))
    token = root.findtext(f".//{_OAI}resumptionToken") or ""
    return papers, token.strip(), ""


def _papers(root: ElementTree.Element, report: Report) -> Iterator[ListedPaper]:
    for record in root.iter(f"{_OAI}record"):
        report.lines += 1
        raw = record.find(f".//{_RAW}arXivRaw")
        if raw is None:
            report.rejected["deleted"] += 1
            continue

        def text(name: str, raw: ElementTree.Element = raw) -> str:
            return plain(raw.findtext(f"{_RAW}{name}") or "")

        versions = raw.findall(f"{_RAW}version")
        name, title = text("id"), text("title")
        if not name or not title or not versions:
            report.rejected["no id, title or version"] += 1
            continue
        days = [day_of_version(each.findtext(f"{_RAW}date") or "") for each in (versions[0], versions[-1])]
        abstract = text("abstract")
        yield ListedPaper(
            id=name,
            title=title,
            abstract=abstract,
            authors=split_authors(text("authors")),
            categories=tuple(text("categories").split()),
            published=days[0],
            updated=days[1],
            version=int(str(versions[-1].get("version", "v1")).lstrip("v")),
            source="arxiv",
            url=f"https://arxiv.org/abs/{name}",
            withdrawn=is_withdrawn(abstract, text("comments")),
        )
