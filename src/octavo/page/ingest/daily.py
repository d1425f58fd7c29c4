"""Daily lists of papers with votes: JSON lines as they are archived, or the answer of a daily-papers API."""

from pathlib import Path
from typing import Any

import orjson

from octavo.errors import OctavoError
from octavo.page.ingest.arxiv import plain
from octavo.page.ingest.reading import Rejected, Report, opened
from octavo.page.store import ListedPaper, Store


def import_daily(store: Store, file: Path) -> Report:
    """Imports daily lists: the papers, and the votes of each day as a snapshot of that day.

    Args:
        store: where they go.
        file: JSON lines with `day`, `id`, `title`, `summary`, `authors`, `published_at`, `upvotes`; or one
        JSON list
            of `{"paper": {...}, "publishedAt": ...}` as the API gives it.
    """
    with opened(file) as lines:
        content = lines.read()
    rows: list[Any] = []
    try:
        rows = (
            orjson.loads(content)
            if content.lstrip()[:1] == b"["
            else list(map(orjson.loads, content.splitlines()))
        )
    except orjson.JSONDecodeError as error:
        raise OctavoError(f"{file} is neither JSON lines nor a JSON list: {error}.") from None
    report, papers = Report(lines=len(rows)), list[ListedPaper]()
    days: dict[str, dict[str, int]] = {}
    for row in rows:
        try:
            day, votes, paper = _read(row)
        except Rejected as rejected:
            report.rejected[str(rejected)] += 1
            continue
        papers.append(paper)
        days.setdefault(day, {})[paper.id] = votes
    fresh = [paper for paper in papers if store.papers.get(paper.id) is None]
    # A paper that arXiv's own metadata brought keeps them; this list knows less.
    report.papers = store.papers.put(fresh)
    for day, votes_by_id in days.items():
        store.papers.put_listing(day, votes_by_id)
    return report


def _read(row: Any) -> tuple[str, int, ListedPaper]:
    if not isinstance(row, dict):
        raise Rejected("not an object")
    if isinstance(inner := row.get("paper"), dict):
        names = [str(each.get("name", "")) for each in inner.get("authors", []) if isinstance(each, dict)]
        day = str(row.get("publishedAt") or inner.get("submittedOnDailyAt") or "")[:10]
        row = inner | {"day": day, "authors": names, "published_at": inner.get("publishedAt")}
    for key in ("day", "id", "title"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise Rejected(f"no {key}")
    published = str(row.get("published_at") or row["day"])[:10]
    votes = row.get("upvotes")
    code = str(row.get("code") or row.get("githubRepo") or "")
    return (
        row["day"],
        votes if isinstance(votes, int) and votes >= 0 else 0,
        ListedPaper(
            id=row["id"],
            title=plain(row["title"]),
            abstract=plain(str(row.get("summary") or "")),
            authors=tuple(map(str, row.get("authors") or ())),
            published=published,
            updated=published,
            source="daily",
            url=f"https://arxiv.org/abs/{row['id']}",
            code=code if code.startswith("https://") else "",
        ),
    )
