"""One result from words and meaning, its reasons, and similar papers that differ from each other."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from octavo.page.search import FULL, Search, searcher
from octavo.page.search.encoders import text_of
from octavo.page.search.fusion import reciprocal_ranks, standardised
from octavo.page.search.query import tokenise
from octavo.page.search.similar import spread_out
from octavo.page.search.vectors import FloatArray
from octavo.page.store import Filters, ListedPaper, Store

MEANT = {"rnn": "recurrent", "lookup": "retrieval", "pictures": "vision"}


class WordSums:
    """An encoder that knows a few synonyms: the sum of a fixed random vector a word."""

    tier = FULL

    def encode(self, texts: Sequence[str]) -> FloatArray:
        found = np.zeros((len(texts), 384), np.float32)
        for place, text in enumerate(texts):
            for word in tokenise(text):
                seed = int.from_bytes(MEANT.get(word, word).encode()[:8].ljust(8, b"x"), "big")
                found[place] += np.random.default_rng(seed).normal(size=384)
        return found


@pytest.fixture
def search(any_store: Store, papers: list[ListedPaper]) -> Search:
    topics = [
        "recurrent networks",
        "retrieval at scale",
        "vision",
        "recurrent memory",
        "vision again",
        "nothing",
    ]
    some = [replace(p, title=t, abstract=f"About {t}.") for p, t in zip(papers, topics, strict=True)]
    any_store.papers.put(some)
    search = Search(any_store, load=WordSums)
    vectors = WordSums().encode([text_of(p.title, p.abstract) for p in some])
    assert search.vectors is not None
    search.vectors.add(np.arange(1, 7), vectors, FULL)
    return search


def test_words_answer_until_the_encoder_is_there(search: Search) -> None:
    assert search.search("lookup").mode == "words"
    assert search.search("lookup").hits == ()
    search.warm(wait=True)
    found = search.search("lookup")
    assert (found.mode, found.hits[0].paper.title) == ("meaning", "retrieval at scale")


def test_both_lists_and_why(search: Search) -> None:
    search.warm(wait=True)
    found = search.search("recurrent memory")
    assert found.mode == "hybrid"
    first = found.hits[0]
    assert first.paper.title == "recurrent memory"
    assert (first.word_rank, first.meaning_rank, first.words) == (1, 1, ("recurrent", "memory"))
    assert first.why.startswith("1st by words (recurrent, memory); 1st by meaning (cosine 0.")
    assert first.snippet is not None
    assert search.search("recurrent", mode="words").mode == "words"


def test_pages_of_a_result_join(search: Search) -> None:
    search.warm(wait=True)
    whole = [hit.paper.id for hit in search.search("vision memory").hits]
    parts = [
        hit.paper.id for at in (0, 2, 4) for hit in search.search("vision memory", limit=2, offset=at).hits
    ]
    assert parts == whole[:6]


def test_filters_and_operators_hold_for_meaning_too(search: Search) -> None:
    search.warm(wait=True)
    found = search.search("pictures in:cs.IR")
    assert {"cs.IR"} == {hit.paper.categories[0] for hit in found.hits}
    assert all("again" not in hit.paper.title for hit in search.search("vision -again").hits)
    assert [hit.paper.title for hit in search.search('"recurrent memory"').hits] == ["recurrent memory"]
    assert search.search("vision", Filters(since="2030-01-01")).hits == ()


def test_a_broad_filter_leaves_the_same(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    search.warm(wait=True)
    narrow = [hit.paper.id for hit in search.search("pictures in:cs.IR").hits]
    monkeypatch.setattr(searcher, "BROAD", 0)
    assert [hit.paper.id for hit in search.search("pictures in:cs.IR").hits] == narrow
    assert len(narrow) == 3


def test_an_id_and_nothing_at_all(search: Search) -> None:
    assert [hit.paper.id for hit in search.search("2401.00002v3").hits] == ["2401.00002"]
    assert search.search("2401.99999").hits == ()
    everything = search.search("in:cs.CL")
    assert everything.found == len(everything.hits) == 3


def test_similar_papers(search: Search) -> None:
    paper = search.store.papers.by_rows([1])[0]
    similar = [each.title for each, _ in search.similar(paper, 2)]
    assert similar[0] == "recurrent memory"
    assert paper.title not in similar
    fresh = replace(paper, id="new", row=0)
    search.store.papers.put([fresh])
    there = search.store.papers.get("new")
    assert there is not None
    assert search.similar(there) == []


def test_similar_papers_are_not_all_the_same() -> None:
    draw = np.random.default_rng(0).normal(size=(3, 384)).astype(np.float32)
    base, one, other = draw / np.linalg.norm(draw, axis=1, keepdims=True)
    twins = np.stack(
        [0.9 * base + 0.4 * one, 0.9 * base + 0.4 * one + 1e-3 * other, 0.8 * base + 0.6 * other]
    )
    twins /= np.linalg.norm(twins, axis=1, keepdims=True)
    found = [(row, float(vector @ base)) for row, vector in enumerate(twins)]
    assert [row for row, _ in spread_out(found, twins, 3)] == [0, 2]
    assert spread_out([(1, 0.99)], twins[:1], 3) == []


def test_fusions() -> None:
    words, meaning = [(1, 9.0), (2, 5.0), (3, 1.0)], [(3, 0.9), (4, 0.5)]
    for fuse in (reciprocal_ranks, standardised):
        rows = [row for row, _ in fuse(words, meaning)]
        assert set(rows) == {1, 2, 3, 4}
        assert [row for row, _ in fuse(words, [])] == [1, 2, 3]
    assert standardised([], []) == []
    assert reciprocal_ranks(words, meaning)[0] == (3, 1 / 63 + 1 / 61)
