"""Embedding goes on where it stopped, and a better tier takes the place of a lower one."""

from collections.abc import Sequence

import numpy as np

from octavo.page.embed import embed
from octavo.page.search import FULL, STATIC, vectors_of
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


def test_every_paper_once_and_then_the_new_ones(any_store: Store) -> None:
    any_store.papers.put(many(300))
    index, encoder = vectors_of(any_store), Letters()
    done = embed(any_store, index, encoder)
    assert done.papers == len(index) == 300
    assert done.recall >= 0.99
    assert index.fitted
    seen = encoder.seen
    assert embed(any_store, index, encoder).papers == 0
    any_store.papers.put(many(310))
    assert embed(any_store, index, encoder).papers == 10
    assert encoder.seen == seen + 10


def test_it_stops_at_a_limit_and_goes_on(any_store: Store) -> None:
    any_store.papers.put(many(50))
    encoder = Letters()
    assert embed(any_store, vectors_of(any_store), encoder, limit=20).papers == 20
    assert embed(any_store, vectors_of(any_store), encoder).papers == 30


def test_a_better_tier_replaces_row_by_row(any_store: Store) -> None:
    any_store.papers.put(many(40))
    index = vectors_of(any_store)
    embed(any_store, index, Letters(STATIC))
    assert embed(any_store, index, Letters(FULL), limit=15).papers == 15
    assert sorted(index.tiers_of(np.arange(1, 41))) == [STATIC] * 25 + [FULL] * 15
    assert embed(any_store, index, Letters(STATIC)).papers == 0
    assert len(index) == 40


def test_an_empty_store(any_store: Store) -> None:
    assert embed(any_store, vectors_of(any_store), Letters()).papers == 0
