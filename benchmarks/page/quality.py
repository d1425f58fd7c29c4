"""Does the fused search find what people judged relevant? Words, meaning and both, on Cranfield and NPL.

nDCG@10 over the judged queries of two classic collections (OCTAVO_DATA, folder ir_classic), through the
page's own store, index and fusion. `similar`: are the papers that the page calls similar of the same field
of arXiv? MiniLM's vectors of the documents are kept in the cache after the first time.

    python benchmarks/page/quality.py cranfield npl similar
"""

import gzip
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from octavo.data.places import cache_folder, find_file
from octavo.page.ingest.arxiv import table_rows
from octavo.page.search import FULL, KeywordIndex, MiniLM, Search, VectorIndex, parse
from octavo.page.search.encoders import text_of
from octavo.page.search.fusion import reciprocal_ranks, standardised
from octavo.page.search.vectors import FloatArray
from octavo.page.store import ListedPaper, Store

FIELDS, OF_EACH = 20, 40
"""Primary categories whose papers are asked for similar ones, and papers of each."""


@dataclass(frozen=True)
class Collection:
    """Documents as (title, text), queries, and each query's relevant documents with their gain, from 1."""

    documents: list[tuple[str, str]]
    queries: list[str]
    gains: dict[int, dict[int, int]]


def cranfield() -> Collection:
    """1,400 abstracts, 225 queries; a code of 1 is the best answer, and -1 stands for one as good."""
    documents = [
        (each.get("T", ""), each.get("W", "")) for each in _smart(_text("cranfield", "cran.all.1400"))
    ]
    queries = [each.get("W", "") for each in _smart(_text("cranfield", "cran.qry"))]
    gains: dict[int, dict[int, int]] = {}
    for line in _text("cranfield", "cranqrel").splitlines():
        if len(parts := line.split()) >= 3:
            query, document, code = (int(part) for part in parts[:3])
            # The k-th query of the file is query k of the judgements.
            gains.setdefault(query, {})[document] = 4 if code == -1 else 5 - code
    return Collection(documents, queries, gains)


def npl() -> Collection:
    """11,429 short abstracts, 93 queries."""
    texts, queries = dict(_numbered("doc-text")), dict(_numbered("query-text"))
    judged = {query: {int(each): 1 for each in text.split()} for query, text in _numbered("rlv-ass")}
    documents = [("", texts.get(number, "")) for number in range(1, max(texts) + 1)]
    return Collection(documents, [queries[number] for number in sorted(queries)], judged)


COLLECTIONS: dict[str, Callable[[], Collection]] = {"cranfield": cranfield, "npl": npl}


def _text(folder: str, name: str) -> str:
    file = find_file(f"ir_classic/{folder}", name)
    if file is None:
        raise FileNotFoundError(f"set OCTAVO_DATA to a folder with ir_classic/{folder}/{name}.gz")
    with gzip.open(file, "rt", encoding="latin-1") as lines:
        return lines.read()


def _smart(text: str) -> list[dict[str, str]]:
    records: list[dict[str, str]] = []
    key = ""
    for line in text.splitlines(keepends=True):
        if line.startswith(".I"):
            records.append({})
            key = ""
        elif re.match(r"\.[A-Z]\s*$", line):
            key = line[1]
            records[-1].setdefault(key, "")
        elif key:
            records[-1][key] += line
    return records


def _numbered(name: str) -> Iterator[tuple[int, str]]:
    for block in re.split(r"^\s*/\s*$", _text("npl", name), flags=re.MULTILINE):
        if block.strip():
            number, _, text = block.strip().partition("\n")
            yield int(number), text


def vectors_file(name: str) -> Path:
    """Where the vectors of a collection are kept."""
    return cache_folder() / "encoded" / f"quality-{name}.npz"


def vectors(name: str, collection: Collection) -> tuple[FloatArray, FloatArray]:
    """MiniLM's vectors of documents and queries."""
    file = vectors_file(name)
    if not file.is_file():
        encoder = MiniLM()
        documents = encoder.encode([text_of(title, text) for title, text in collection.documents])
        queries = encoder.encode([" ".join(query.split()) for query in collection.queries])
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, documents=documents, queries=queries)
    with np.load(file, allow_pickle=False) as kept:
        return kept["documents"], kept["queries"]


def ndcg(ranked: list[int], gains: dict[int, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with gains 2^g - 1."""

    def discounted(values: list[int]) -> float:
        return sum((2**value - 1) / np.log2(place + 2) for place, value in enumerate(values[:depth]))

    return discounted([gains.get(each, 0) for each in ranked]) / discounted(
        sorted(gains.values(), reverse=True)
    )


def measure(name: str) -> dict[str, float]:
    """nDCG@10 of each way to rank, over the judged queries of a collection."""
    collection = COLLECTIONS[name]()
    documents, queries = vectors(name, collection)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/quality.sqlite", folder=Path(folder))
        numbered = enumerate(collection.documents, start=1)
        store.papers.put([ListedPaper(str(number), title or "-", text) for number, (title, text) in numbered])
        index = VectorIndex(Path(folder) / "vectors")
        index.fit(documents)
        index.add(np.arange(1, len(documents) + 1), documents, FULL)
        index.calibrate(documents[:: max(1, len(documents) // 40)])
        words = KeywordIndex(store.database)
        found: dict[str, list[float]] = {}
        for number, query in enumerate(collection.queries, start=1):
            if not (gains := collection.gains.get(number)):
                continue
            by_words = words.search(parse(query))
            by_meaning = index.search(queries[number - 1], 200)
            orders = {
                "words": by_words,
                "meaning": by_meaning,
                "reciprocal ranks": reciprocal_ranks(by_words, by_meaning),
                "fused": standardised(by_words, by_meaning),
            }
            for way, order in orders.items():
                found.setdefault(way, []).append(ndcg([row for row, _ in order], gains))
        store.close()
    return {way: float(np.mean(scores)) for way, scores in found.items()}


def similar_file() -> Path:
    """Where the vectors of the papers are kept whose similar papers are looked at."""
    return cache_folder() / "encoded" / "quality-similar.npy"


def of_fields() -> list[ListedPaper]:
    """The same number of papers of each of the largest primary categories of arXiv's tables, drawn once."""
    fields: dict[str, list[ListedPaper]] = {}
    for name in ("cs.CL_2019", "cs.IR_2020", "cs.NE_2020"):
        table = find_file("arxiv_abstracts", f"{name}.tsv.xz")
        if table is None:
            raise FileNotFoundError(f"set OCTAVO_DATA to a folder with arxiv_abstracts/{name}.tsv.xz")
        for paper in table_rows(table):
            fields.setdefault(paper.categories[0], []).append(paper)
    largest = sorted(fields, key=lambda field: -len(fields[field]))[:FIELDS]
    draw = np.random.default_rng(0)
    chosen = (
        fields[field][place] for field in largest for place in draw.permutation(len(fields[field]))[:OF_EACH]
    )
    return list({paper.id: paper for paper in chosen}.values())


def measure_similar() -> dict[str, float]:
    """How many of a paper's six similar papers are of its primary category, and how many of any six are."""
    papers, file = of_fields(), similar_file()
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, MiniLM().encode([text_of(paper.title, paper.abstract) for paper in papers]))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/similar.sqlite", folder=Path(folder))
        store.papers.put(papers)
        search = Search(store)
        assert search.vectors is not None
        kept = np.load(file)
        search.vectors.fit(kept)
        search.vectors.add(np.arange(1, len(papers) + 1), kept, FULL)
        counts = Counter(paper.categories[0] for paper in papers)
        same, chance = [], []
        for paper in store.papers.after(0, len(papers)):
            own = paper.categories[0]
            same += [each.categories[0] == own for each, _ in search.similar(paper)]
            chance.append((counts[own] - 1) / (len(papers) - 1))
        store.close()
    return {"similar": float(np.mean(same)), "random": float(np.mean(chance))}


def main() -> None:
    """Prints a table a collection, and how many similar papers are of the same category."""
    for name in sys.argv[1:] or [*COLLECTIONS, "similar"]:
        print(name)
        if name == "similar":
            for way, share in measure_similar().items():
                print(f"  {way:<18} of the same category {share:.4f}")
            continue
        for way, score in measure(name).items():
            print(f"  {way:<18} nDCG@10 {score:.4f}")


if __name__ == "__main__":
    main()
