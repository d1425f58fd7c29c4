"""A person's own papers: JSON lines with the fields of `ListedPaper`, or BibTeX."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from octavo.page.ingest.arxiv import plain
from octavo.page.ingest.reading import Rejected, Report, import_lines, opened
from octavo.page.store import ListedPaper, Store

_TEXTS = ("id", "title", "abstract", "published", "updated", "url", "code")
_ACCENTS = {
    "'": "\u0301",
    "`": "\u0300",
    '"': "\u0308",
    "^": "\u0302",
    "~": "\u0303",
    "c": "\u0327",
    "v": "\u030c",
}


def import_jsonl(store: Store, file: Path, progress: Callable[[Report], None] | None = None) -> Report:
    """Imports JSON lines, each an object with at least `title`; `authors` and `categories` are lists."""
    return import_lines(store, file, "jsonl", read_line, progress)


def read_line(line: bytes) -> ListedPaper:
    """One line as a paper; one without an id gets one from its title.

    Raises:
        Rejected: it is none, with the reason.
    """
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise Rejected("not JSON") from None
    if not isinstance(row, dict):
        raise Rejected("not an object")
    texts: dict[str, str] = {}
    for key in _TEXTS:
        value = row.get(key) or ""
        if not isinstance(value, str):
            raise Rejected(f"{key} that is no text")
        texts[key] = value
    if not texts["title"].strip():
        raise Rejected("no title")
    lists: dict[str, tuple[str, ...]] = {}
    for key in ("authors", "categories"):
        value = row.get(key) or []
        if not isinstance(value, list) or any(not isinstance(each, str) for each in value):
            raise Rejected(f"{key} that is no list of texts")
        lists[key] = tuple(value)
    return ListedPaper(
        id=texts["id"].strip()[:64] or _id_of(texts["title"]),
        title=plain(texts["title"]),
        abstract=plain(texts["abstract"]),
        authors=lists["authors"],
        categories=lists["categories"],
        published=texts["published"],
        updated=texts["updated"] or texts["published"],
        source="user",
        url=_address(texts["url"]),
        code=_address(texts["code"]),
    )


def _address(text: str) -> str:
    """An address that a link may lead to; "" for any other."""
    return text if text.startswith(("https://", "http://")) else ""


def import_bibtex(store: Store, file: Path) -> Report:
    """Imports a BibTeX file; entries without a title are left out and counted."""
    with opened(file) as lines:
        text = lines.read().decode("utf-8", errors="replace")
    report, papers = Report(), []
    for key, fields in entries(text):
        report.lines += 1
        title = untex(fields.get("title", ""))
        if not title:
            report.rejected["no title"] += 1
            continue
        year = re.search(r"\d{4}", fields.get("year", "") or fields.get("date", ""))
        day = f"{year[0]}-01-01" if year else ""
        eprint = fields.get("eprint", "")
        papers.append(
            ListedPaper(
                id=eprint if re.match(r"\d{4}\.\d{4,5}$", eprint) else key[:64] or _id_of(title),
                title=title,
                abstract=untex(fields.get("abstract", "")),
                authors=tuple(
                    _name(each) for each in re.split(r"\s+and\s+", fields.get("author", "")) if each
                ),
                categories=tuple(filter(None, (fields.get("primaryclass", ""),))),
                published=day,
                updated=day,
                source="user",
                url=_address(fields.get("url", "")),
            )
        )
    report.papers = store.papers.put(papers)
    return report


def entries(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The entries of a BibTeX text as (key, fields), with names of fields in lower case.

    Example:
        >>> list(entries('@article{feng, title = {Attention as an {RNN}}, year = 2024}'))
        [('feng', {'title': 'Attention as an {RNN}', 'year': '2024'})]
    """
    for match in re.finditer(r"@(\w+)\s*\{\s*([^,\s{}]*)\s*,", text):
        if match[1].lower() in ("comment", "string", "preamble"):
            continue
        at, fields = match.end(), {}
        while named := re.compile(r"\s*([\w-]+)\s*=\s*").match(text, at):
            value, at = _value(text, named.end())
            fields[named[1].lower()] = value
            comma = re.compile(r"\s*,?").match(text, at)
            at = comma.end() if comma else at
        yield match[2], fields


def _value(text: str, at: int) -> tuple[str, int]:
    if at < len(text) and text[at] in '{"':
        closes = "}" if text[at] == "{" else '"'
        depth, start = 0, at + 1
        for place in range(start, len(text)):
            letter = text[place]
            if letter == closes and depth == 0:
                return text[start:place], place + 1
            depth += (letter == "{") - (letter == "}")
        return text[start:], len(text)
    bare = re.compile(r"[^,}\s]*").match(text, at)
    return (bare[0], bare.end()) if bare else ("", at)


def untex(text: str) -> str:
    r"""A BibTeX value as text: accents become letters, braces go.

    Example:
        >>> untex(r"{\'E}mile Z{\"o}llner's {RNN}")
        "Émile Zöllner's RNN"
    """
    import unicodedata

    def accented(match: re.Match[str]) -> str:
        return unicodedata.normalize("NFC", match[2] + _ACCENTS[match[1]])

    text = re.sub(r"\\(['`\"^~]|[cv](?=[\s{]))\s*\{?\s*([A-Za-z])\}?", accented, text)
    return plain(re.sub(r"[{}]", "", text))


def _name(author: str) -> str:
    last, comma, first = untex(author).partition(",")
    return f"{first.strip()} {last.strip()}" if comma else last


def _id_of(title: str) -> str:
    return "user-" + hashlib.sha256(plain(title).casefold().encode()).hexdigest()[:16]
