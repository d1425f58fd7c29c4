"""Embedding goes on where it stopped, and a better tier takes the place of a lower one."""

from collections.abc import Sequence

import numpy as np

from octavo.page import embed as module
from octavo.page.embed import embed
from octavo.page.search import FULL, STATIC, VectorIndex
from octavo.page.search.vectors import FloatArray
from octavo.page.store import ListedPaper, Store


class Letters:
    """Counts of letters, spread over 384 numbers; it remembers how many texts it has seen."""

    def __init__(self, tier: int = FULL) -> None:
        self.tier = tier
        self.seen = 0
        self._spread = np.random.default_rng(0).normal(size=(128, 384))

    def encode(self, texts: Sequence[str]) -> FloatArray:
        self.seen += len(texts)
        counts = np.array([[text.count(chr(code)) for code in range(128)] for text in texts], float)
        found: FloatArray = (counts @ self._spread).astype(np.float32)
        return found


def many(count: int) -> list[ListedPaper]:
    return [ListedPaper(f"p{n}", f"title {n:b}", f"abstract {n * 7919 % 1000}") for n in range(count)]


def test_every_paper_once_and_then_the_new_ones(store: Store, monkeypatch: object) -> None:
    store.papers.put(many(300))
    index, encoder = VectorIndex(store.folder / "vectors"), Letters()
    done = embed(store, index, encoder)
    assert done.papers == len(index) == 300
    assert done.recall >= 0.99
    assert index.meta.rotated
    seen = encoder.seen
    assert embed(store, index, encoder).papers == 0
    store.papers.put(many(310))
    assert embed(store, index, encoder).papers == 10
    assert encoder.seen == seen + 10


def test_it_stops_at_a_limit_and_goes_on(store: Store) -> None:
    store.papers.put(many(50))
    encoder = Letters()
    assert embed(store, VectorIndex(store.folder / "vectors"), encoder, limit=20).papers == 20
    assert embed(store, VectorIndex(store.folder / "vectors"), encoder).papers == 30


def test_a_better_tier_replaces_row_by_row(store: Store) -> None:
    store.papers.put(many(40))
    index = VectorIndex(store.folder / "vectors")
    embed(store, index, Letters(STATIC))
    assert embed(store, index, Letters(FULL), limit=15).papers == 15
    assert sorted(index.tiers) == [STATIC] * 25 + [FULL] * 15
    assert embed(store, index, Letters(STATIC)).papers == 0
    assert len(index) == 40


def test_an_empty_store(store: Store) -> None:
    assert embed(store, VectorIndex(store.folder / "vectors"), Letters()).papers == 0
    assert module.SAMPLE >= module.QUERIES
