"""On real vectors, where a benchmark has kept them: what the stages lose, and what the fusion wins."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from octavo.data.places import find_file
from octavo.page.ingest import import_table
from octavo.page.search import KeywordIndex, VectorIndex, parse
from octavo.page.store import Store

BENCHMARKS = Path(__file__).parents[3] / "benchmarks" / "page"


def benchmark(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"page_{name}", BENCHMARKS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cranfield", "npl"])
def test_both_together_find_at_least_what_either_finds(name: str) -> None:
    quality = benchmark("quality")
    if not quality.vectors_file(name).is_file():
        pytest.skip(f"encoding takes minutes: `python benchmarks/page/quality.py {name}` does it once")
    if find_file(f"ir_classic/{name}", "cran.qry" if name == "cranfield" else "query-text") is None:
        pytest.skip(f"needs ir_classic/{name} below OCTAVO_DATA")
    scores = quality.measure(name)
    assert scores["fused"] >= max(scores["words"], scores["meaning"])


def test_the_stages_on_vectors_of_real_titles(tmp_path: Path) -> None:
    search = benchmark("search")
    if not search.titles_file().is_file():
        pytest.skip("encoding takes a minute: `python benchmarks/page/search.py` does it once")
    real = search.real_vectors()
    queries, real = real[: search.QUERIES], real[search.QUERIES :]
    index = VectorIndex(tmp_path)
    index.fit(real[:5000])
    index.add(np.arange(len(real)), real, tier=2)
    index.calibrate(queries[:60])
    tested = queries[60:]
    exact = index.exact(tested)
    hits = [
        len({row for row, _ in index.search(query)} & set(rows))
        for query, rows in zip(tested, exact, strict=True)
    ]
    assert np.mean(hits) / 10 >= 0.99


def test_a_title_finds_its_paper(store: Store) -> None:
    for name in ("cs.CL_2019", "cs.IR_2020", "cs.NE_2020"):
        table = find_file("arxiv_abstracts", f"{name}.tsv.xz")
        if table is None:
            pytest.skip("needs arxiv_abstracts below OCTAVO_DATA")
        import_table(store, table)
    count = store.papers.count()
    assert count > 24_000
    chosen = np.random.default_rng(0).choice(np.arange(1, count + 1), 150, replace=False).tolist()
    papers = store.papers.by_rows(chosen)
    words = KeywordIndex(store.database)
    reciprocal = []
    for paper in papers:
        rows = [row for row, _ in words.search(parse(paper.title), limit=10)]
        reciprocal.append(1 / (rows.index(paper.row) + 1) if paper.row in rows else 0.0)
    assert np.mean(reciprocal) >= 0.95


def test_similar_papers_are_of_the_same_field() -> None:
    quality = benchmark("quality")
    if not quality.similar_file().is_file():
        pytest.skip("encoding takes a minute: `python benchmarks/page/quality.py similar` does it once")
    if find_file("arxiv_abstracts", "cs.IR_2020.tsv.xz") is None:
        pytest.skip("needs arxiv_abstracts below OCTAVO_DATA")
    shares = quality.measure_similar()
    assert shares["similar"] >= 5 * shares["random"]
