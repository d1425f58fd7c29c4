"""Collections of documents with queries, and what people judged relevant to each."""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from octavo.data.registry import Entry
from octavo.errors import OctavoError

Gains = Mapping[str, Mapping[str, int]]
"""For each query the documents that were judged, with their gain: 0 is not relevant, more is better."""


@dataclass(frozen=True)
class JudgedTexts:
    """A test collection of information retrieval.

    Args:
        name: the data set's name.
        titles: of each document by its id; empty where it has none.
        texts: of each document by its id, without the title.
        queries: by their id, those that were judged.
        gains: of each query's judged documents.
    """

    name: str
    titles: Mapping[str, str] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)
    queries: Mapping[str, str] = field(repr=False)
    gains: Gains = field(repr=False)

    @property
    def documents(self) -> dict[str, str]:
        """Title and text of each document, as one text."""
        return {name: f"{self.titles[name]} {text}".strip() for name, text in self.texts.items()}


def load_cranfield(entry: Entry) -> JudgedTexts:
    """Read Cranfield: 1,400 abstracts of aerodynamics, 225 queries with gains from 1 to 4.

    The k-th query of the file is query k of the judgements, whatever its own number says. A code of 1 is the
    best answer; the one pair of each query that is coded -1 has the document that the query was asked for.

    Raises:
        OctavoError: a file is not of the format.
    """
    documents = _smart(entry.files["cran.all.1400"])
    queries = _smart(entry.files["cran.qry"])
    asked = {str(place): record["W"] for place, (_, record) in enumerate(queries, start=1)}
    gains: dict[str, dict[str, int]] = {}
    for query, document, code in _numbers(entry.files["cranqrel"], 3):
        gains.setdefault(str(query), {})[str(document)] = 4 if code == -1 else 5 - code
    return _collection(entry, documents, asked, gains)


def load_cisi(entry: Entry) -> JudgedTexts:
    """Read CISI: 1,460 abstracts of library science and the 76 queries that were judged, some of a page.

    Raises:
        OctavoError: a file is not of the format.
    """
    queries = {name: _joined(record, "TW") for name, record in _smart(entry.files["CISI.QRY"])}
    return _collection(
        entry, _smart(entry.files["CISI.ALL"]), queries, _binary(_numbers(entry.files["CISI.REL"], 2))
    )


def load_cacm(entry: Entry) -> JudgedTexts:
    """Read CACM: 3,204 titles of computer science, half of them with an abstract, and 52 judged queries.

    Raises:
        OctavoError: a file is not of the format.
    """
    queries = {name: record["W"] for name, record in _smart(entry.files["query.text"])}
    return _collection(
        entry, _smart(entry.files["cacm.all"]), queries, _binary(_numbers(entry.files["qrels.text"], 2))
    )


def load_npl(entry: Entry) -> JudgedTexts:
    """Read NPL: 11,429 short abstracts of electronics and 93 queries.

    Raises:
        OctavoError: a file is not of the format.
    """
    documents = [(name, {"W": text}) for name, text in _between_slashes(entry.files["doc-text"])]
    queries = dict(_between_slashes(entry.files["query-text"]))
    judged = (
        (int(query), int(document))
        for query, text in _between_slashes(entry.files["rlv-ass"])
        for document in text.split()
    )
    return _collection(entry, documents, queries, _binary(judged))


def _collection(
    entry: Entry,
    documents: list[tuple[str, dict[str, str]]],
    queries: Mapping[str, str],
    gains: dict[str, dict[str, int]],
) -> JudgedTexts:
    """The collection with single spaces in its texts, and with no query that nobody judged."""
    titles = {name: _joined(record, "T") for name, record in documents}
    texts = {name: _joined(record, "W") for name, record in documents}
    if strays := [name for name in gains if name not in queries]:
        raise OctavoError(f"{entry.name}: query {strays[0]} was judged, but is not among the queries")
    judged = {name: " ".join(text.split()) for name, text in queries.items() if name in gains}
    return JudgedTexts(entry.name, titles, texts, judged, gains)


def _joined(record: Mapping[str, str], keys: str) -> str:
    return " ".join(" ".join(record.get(key, "") for key in keys).split())


def _binary(pairs: Iterator[tuple[int, ...]]) -> dict[str, dict[str, int]]:
    gains: dict[str, dict[str, int]] = {}
    for query, document in pairs:
        gains.setdefault(str(query), {})[str(document)] = 1
    return gains


def _smart(path: Path) -> list[tuple[str, dict[str, str]]]:
    """The records of a file in the format of SMART: `.I 3` opens one, `.T` and its like open a field."""
    records: list[tuple[str, dict[str, str]]] = []
    key = ""
    for line in _text(path).splitlines():
        if opening := re.match(r"\.I\s+0*(\d+)", line):
            records.append((opening[1], {}))
            key = ""
        elif records and re.fullmatch(r"\.[A-Z]\s*", line):
            key = line[1]
        elif records and key:
            record = records[-1][1]
            record[key] = f"{record.get(key, '')}{line}\n"
    if not records:
        raise OctavoError(f"{path}: no record found; it should have lines like `.I 1` before each")
    return records


def _between_slashes(path: Path) -> Iterator[tuple[str, str]]:
    """The blocks of a file that a line with a slash ends: a number, then text."""
    for block in re.split(r"^\s*/\s*$", _text(path), flags=re.MULTILINE):
        number, _, text = block.strip().partition("\n")
        if number.strip().isdigit():
            yield number.strip(), text


def _numbers(path: Path, columns: int) -> Iterator[tuple[int, ...]]:
    """The first columns of a table of whole numbers."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        try:
            yield tuple(int(part) for part in parts[:columns])
        except ValueError as error:
            raise OctavoError(f"{path}, line {number}: expected {columns} whole numbers ({error})") from error


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("latin-1")
    except (OSError, EOFError, zlib.error) as error:
        raise OctavoError(f"{path}: cannot be read ({error}); put it there again") from error
