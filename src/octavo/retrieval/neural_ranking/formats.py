"""Collections and runs in the formats that others use: folders of BEIR, files of TREC."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from octavo.retrieval.neural_ranking.metrics import Judgements, Run


@dataclass(frozen=True)
class Corpus:
    """Documents, queries and judgements, each by its id.

    Args:
        docs: title and text of each document as one text.
        queries: what is asked.
        qrels: gains of judged documents.
    """

    docs: Mapping[str, str] = field(repr=False)
    queries: Mapping[str, str] = field(repr=False)
    qrels: Judgements = field(repr=False)


def read_beir(
    folder: str | Path, split: str = "test", on_empty: Literal["raise", "skip"] = "raise"
) -> Corpus:
    """Read `corpus.jsonl`, `queries.jsonl` and `qrels/SPLIT.tsv` of a folder.

    Args:
        folder: in the format of BEIR.
        split: which judgements; only their queries are kept.
        on_empty: what to do with documents and queries without text: raise, or leave them out together with
            their judgements.

    Raises:
        ValueError: the folder or a file is not there, a line is not of the format, an id comes twice, a text
            is empty, or judgements name what is not there. The message says what to do.

    Example:
        >>> corpus = read_beir("scifact")  # doctest: +SKIP
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(
            f"there is no folder {folder}; it holds corpus.jsonl, queries.jsonl and qrels/{split}.tsv"
        )
    docs = _texts(folder / "corpus.jsonl", "document")
    queries = _texts(folder / "queries.jsonl", "query")
    qrels = _judgements(folder / "qrels" / f"{split}.tsv")
    check_judgements(qrels, docs, queries)
    asked = {name: queries[name] for name in qrels}
    empty = [("document", name) for name, text in docs.items() if not text]
    empty += [("query", name) for name, text in asked.items() if not text]
    if empty and on_empty == "raise":
        kind, name = empty[0]
        raise ValueError(
            f"{folder}: {kind} {name!r} has no text, {len(empty)} in all; mend the file, or leave such texts "
            "out with read_beir(..., on_empty='skip')"
        )
    return Corpus(
        {name: text for name, text in docs.items() if text},
        {name: text for name, text in asked.items() if text},
        {q: {d: gain for d, gain in judged.items() if docs[d]} for q, judged in qrels.items() if asked[q]},
    )


def write_beir(corpus: Corpus, folder: str | Path, split: str = "test") -> None:
    """Write a collection as a folder in the format of BEIR.

    Args:
        corpus: what is written.
        folder: made where it is not there.
        split: the name of the judgements.
    """
    folder = Path(folder)
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    for name, texts in (("corpus", corpus.docs), ("queries", corpus.queries)):
        lines = (json.dumps({"_id": key, "text": text}) + "\n" for key, text in texts.items())
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    lines = (f"{q}\t{d}\t{gain}\n" for q, judged in corpus.qrels.items() for d, gain in judged.items())
    (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))


def read_run(path: str | Path) -> dict[str, dict[str, float]]:
    """Read a TREC run: query, Q0, document, rank, score, tag.

    Args:
        path: of the file.

    Raises:
        ValueError: a line has another form.
    """
    run: dict[str, dict[str, float]] = {}
    for number, parts in _columns(path, 6):
        try:
            run.setdefault(parts[0], {})[parts[2]] = float(parts[4])
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: the score {parts[4]!r} is no number") from error
    return run


def write_run(run: Run, path: str | Path, tag: str = "octavo") -> None:
    """Write a TREC run, each query's documents best first.

    Args:
        run: scores of what was found.
        path: of the file.
        tag: the name of the run.
    """
    with Path(path).open("w", encoding="utf-8") as file:
        for query, scores in run.items():
            ids = sorted(sorted(scores, reverse=True), key=lambda document: -scores[document])
            for rank, document in enumerate(ids, start=1):
                file.write(f"{query} Q0 {document} {rank} {scores[document]!r} {tag}\n")


def read_qrels(path: str | Path) -> dict[str, dict[str, int]]:
    """Read TREC judgements: query, 0, document, gain.

    Args:
        path: of the file.

    Raises:
        ValueError: a line has another form.
    """
    qrels: dict[str, dict[str, int]] = {}
    for number, parts in _columns(path, 4):
        try:
            qrels.setdefault(parts[0], {})[parts[2]] = int(parts[3])
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: the gain {parts[3]!r} is no whole number") from error
    return qrels


def write_qrels(qrels: Judgements, path: str | Path) -> None:
    """Write TREC judgements.

    Args:
        qrels: gains of judged documents.
        path: of the file.
    """
    lines = (f"{q} 0 {d} {gain}\n" for q, judged in qrels.items() for d, gain in judged.items())
    Path(path).write_text("".join(lines), encoding="utf-8")


def check_judgements(qrels: Judgements, docs: Mapping[str, str], queries: Mapping[str, str]) -> None:
    """Judgements are about documents and queries that are there, and no gain is negative.

    Args:
        qrels: gains of judged documents.
        docs, queries: by their ids.

    Raises:
        ValueError: they are not; the message names the first, and says what to do.
    """
    for query, judged in qrels.items():
        if query not in queries:
            raise ValueError(
                f"the judgements name query {query!r}, which is not among the queries; "
                "add it there, or take its lines out of the judgements"
            )
        for document, gain in judged.items():
            if document not in docs:
                raise ValueError(
                    f"query {query!r}: document {document!r} is judged, but not in the corpus; "
                    "add it there, or take the line out of the judgements"
                )
            if gain < 0:
                raise ValueError(
                    f"query {query!r}, document {document!r}: the gain {gain} is negative; "
                    "0 is not relevant, more is better"
                )


def _texts(path: Path, kind: str) -> dict[str, str]:
    """Title and text of each line, by its id."""
    texts: dict[str, str] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, text = str(row["_id"]), row["text"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path}, line {number}: expected an object with _id and text, such as {{"_id": "1", '
                f'"text": "..."}}; got {line.strip()[:60]!r}'
            ) from error
        if name in texts:
            raise ValueError(f"{path}, line {number}: {kind} {name!r} comes twice; ids must be different")
        texts[name] = f"{row.get('title') or ''} {text or ''}".strip()
    if not texts:
        raise ValueError(f"{path} holds no {kind}; it has one object a line, with _id and text")
    return texts


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_lines(path), start=1):
        row = line.rstrip("\r\n").split("\t")
        if not line.strip() or (number == 1 and len(row) == 3 and not row[2].lstrip("-").isdigit()):
            continue
        if len(row) != 3 or not row[2].lstrip("-").isdigit():
            raise ValueError(
                f"{path}, line {number}: expected query, document and a whole gain, tabs between; got {row}"
            )
        qrels.setdefault(row[0], {})[row[1]] = int(row[2])
    if not qrels:
        raise ValueError(f"{path} holds no judgement; a line is query, document and gain with tabs between")
    return qrels


def _lines(path: Path) -> list[str]:
    """The lines of a file that must be there, in UTF-8."""
    if not path.is_file():
        there = ", ".join(sorted(each.name for each in path.parent.glob("*"))) or "nothing"
        raise ValueError(f"{path} is not there; {path.parent} holds {there}")
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not in UTF-8 (byte {error.start}); convert it first") from error


def _columns(path: str | Path, number: int) -> Iterator[tuple[int, list[str]]]:
    for place, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != number:
            raise ValueError(f"{path}, line {place}: expected {number} columns; got {len(parts)}")
        yield place, parts
