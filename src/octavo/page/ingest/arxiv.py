"""arXiv's metadata: the snapshot of JSON lines, and tables of abstracts as researchers share them."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import orjson

from octavo.page.ingest.reading import Rejected, Report, import_lines, in_batches, opened
from octavo.page.store import ListedPaper, Store, Upserted

_ID = re.compile(r"(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})$")
_DAY = re.compile(r"\d{4}-\d\d-\d\d$")
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: f"{number:02}" for number, name in enumerate(_NAMES, start=1)}


def import_snapshot(store: Store, file: Path, progress: Callable[[Report], None] | None = None) -> Report:
    """Imports the JSON-lines snapshot of arXiv's metadata; stopped and started again it goes on.

    Args:
        store: where the papers go.
        file: `arxiv-metadata-oai-snapshot.json`, packed or not.
        progress: is told after each transaction.
    """
    return import_lines(store, file, "arxiv", read_line, progress)


def read_line(line: bytes) -> ListedPaper:
    """One line of the snapshot as a paper.

    Raises:
        Rejected: it is none, with the reason.
    """
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise Rejected("not JSON") from None
    if not isinstance(row, dict):
        raise Rejected("not an object")
    name = row.get("id")
    if not isinstance(name, str) or not _ID.match(name):
        raise Rejected("no arXiv id")
    title, abstract = row.get("title"), row.get("abstract")
    if not isinstance(title, str) or not title.strip():
        raise Rejected("no title")
    if not isinstance(abstract, str):
        raise Rejected("no abstract")
    versions = row.get("versions") or []
    comments = row.get("comments") or ""
    try:
        number = int(str(versions[-1]["version"]).lstrip("v")) if versions else 1
        published = day_of_version(versions[0]["created"]) if versions else str(row.get("update_date") or "")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Rejected("versions that cannot be read") from None
    updated = str(row.get("update_date") or published)
    if not _DAY.match(published) or not _DAY.match(updated):
        raise Rejected("no date")
    text = plain(abstract)
    return ListedPaper(
        id=name,
        title=plain(title),
        abstract=text,
        authors=_authors(row),
        categories=tuple(str(row.get("categories") or "").split()),
        published=published,
        updated=updated,
        version=number,
        source="arxiv",
        url=f"https://arxiv.org/abs/{name}",
        withdrawn=is_withdrawn(text, str(comments)),
    )


def is_withdrawn(abstract: str, comments: str) -> bool:
    """Whether a paper was taken back: it says so, or has no abstract.

    Example:
        >>> is_withdrawn("This paper has been withdrawn by the author.", ""), is_withdrawn("We withdraw
        money.", "") (True, False)
    """
    if not abstract.strip():
        return True
    said = abstract[:200].lower()
    return "withdrawn" in comments.lower() or "has been withdrawn" in said or "is withdrawn" in said


def plain(text: str) -> str:
    """A text on one line, as arXiv's line breaks say nothing.

    Example:
        >>> plain("  Attention as\\n  an RNN ")
        'Attention as an RNN'
    """
    return " ".join(text.split())


def day_of_version(created: str) -> str:
    """`Mon, 2 Apr 2007 19:18:42 GMT` as a day; sliced, since a snapshot has millions of them."""
    parts = created.split()
    if len(parts) >= 4 and parts[2] in _MONTHS and parts[1].isdigit() and parts[3].isdigit():
        return f"{parts[3]}-{_MONTHS[parts[2]]}-{int(parts[1]):02}"
    return parsedate_to_datetime(created).strftime("%Y-%m-%d")


def _authors(row: dict[str, Any]) -> tuple[str, ...]:
    parsed = row.get("authors_parsed")
    if isinstance(parsed, list) and all(isinstance(each, list) and len(each) >= 2 for each in parsed):
        # Last name, first name, and what follows it.
        return tuple(
            " ".join(filter(None, (str(each[1]), str(each[0]), *map(str, each[2:3])))) for each in parsed
        )
    return split_authors(str(row.get("authors") or ""))


def split_authors(text: str) -> tuple[str, ...]:
    """Names from a line of authors, without what stands in brackets.

    Example:
        >>> split_authors("A. Ada (Oxford), B. Bob and C. Cee")
        ('A. Ada', 'B. Bob', 'C. Cee')
    """
    bare = re.sub(r"\([^()]*\)", "", plain(text))
    return tuple(filter(None, (name.strip() for name in re.split(r",\s*(?:and\s+)?|\s+and\s+|;\s*", bare))))


def import_table(store: Store, file: Path) -> Upserted:
    """Imports a table of abstracts: tabs between columns, quoted fields with line breaks, a header.

    Args:
        store: where the papers go.
        file: with the columns arxiv_id, title, abstract, author_text, categories, created, updated, comments.
    """
    return in_batches(table_rows(file), store)


def table_rows(file: Path) -> Iterator[ListedPaper]:
    """The papers of such a table."""
    with opened(file) as packed, io.TextIOWrapper(packed, encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            abstract = plain(row["abstract"] or "")
            yield ListedPaper(
                id=row["arxiv_id"],
                title=plain(row["title"]),
                abstract=abstract,
                authors=split_authors(row["author_text"] or ""),
                categories=tuple(filter(None, (row["categories"] or "").split(","))),
                published=row["created"],
                updated=row["updated"] or row["created"],
                source="arxiv",
                url=f"https://arxiv.org/abs/{row['arxiv_id']}",
                withdrawn=is_withdrawn(abstract, row["comments"] or ""),
            )
