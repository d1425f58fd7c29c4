"""Adaptive and funnel retrieval find what the formula finds, at the cost that they say."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.embedding.matryoshka import reference

from octavo.embedding import AdaptiveRetriever, FunnelRetriever
from octavo.embedding.matryoshka.retrieval import BLOCK, average_precision, largest

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(90, 16)).astype(np.float32)
QUERIES = RANDOM.normal(size=(4, 16)).astype(np.float32)
DIMS = [2, 4, 8, 16]


@pytest.mark.parametrize("index", ["flat", "faiss"])
def test_finds_and_counts_what_the_reference_finds_and_counts(index: str) -> None:
    found = AdaptiveRetriever(VECTORS, DIMS, index).search(QUERIES, k=5, shortlist=20, low=4, high=16)
    ids, flops = reference.search(QUERIES, VECTORS, [4, 16], [20, 5])
    assert found.ids.tolist() == ids
    assert found.flops == flops == 4 * 90 + 16 * 20


@pytest.mark.parametrize("index", ["flat", "faiss"])
def test_the_funnel_too(index: str) -> None:
    found = FunnelRetriever(VECTORS, DIMS, index).search(QUERIES, k=3, shortlist=24)
    ids, flops = reference.search(QUERIES, VECTORS, DIMS, [24, 12, 6, 3])
    assert found.ids.tolist() == ids
    assert found.flops == flops == 2 * 90 + 4 * 24 + 8 * 12 + 16 * 6


def test_the_lists_of_the_paper() -> None:
    found = FunnelRetriever(VECTORS, DIMS).search(QUERIES, k=5, lists=[40, 20, 10])
    ids, flops = reference.search(QUERIES, VECTORS, DIMS, [40, 20, 10, 5])
    assert (found.ids.tolist(), found.flops) == (ids, flops)


def test_a_shortlist_of_everything_is_exact_search() -> None:
    exact = AdaptiveRetriever(VECTORS, DIMS).search(QUERIES, k=7, low=16, high=16)
    whole = AdaptiveRetriever(VECTORS, DIMS).search(QUERIES, k=7, shortlist=1000)
    assert exact.ids.tolist() == whole.ids.tolist() == reference.search(QUERIES, VECTORS, [16], [7])[0]
    np.testing.assert_allclose(exact.scores, whole.scores, atol=1e-6)
    cosines = reference.normalised(QUERIES, 16) @ reference.normalised(VECTORS, 16).T
    np.testing.assert_allclose(exact.scores, -np.sort(-cosines)[:, :7], atol=1e-6)


def test_hnsw_finds_nearly_the_same_and_counts_what_it_compared() -> None:
    vectors = np.random.default_rng(1).normal(size=(2000, 16)).astype(np.float32)
    exact = AdaptiveRetriever(vectors, DIMS).search(QUERIES, k=10, shortlist=100, low=8)
    graph = AdaptiveRetriever(vectors, DIMS, "hnsw").search(QUERIES, k=10, shortlist=100, low=8)
    shared = [len(set(a) & set(b)) for a, b in zip(exact.ids.tolist(), graph.ids.tolist(), strict=True)]
    assert np.mean(shared) >= 9
    assert 100 * 8 < graph.flops - 16 * 100 < 2000 * 8


@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_largest_are_the_largest(blocks: int, k: int, seed: int) -> None:
    scores = torch.randn(3, blocks * BLOCK, generator=torch.Generator().manual_seed(seed))
    values, places = largest(scores, k)
    assert torch.equal(values, scores.topk(k).values)
    assert torch.equal(scores.gather(1, places), values)


def test_one_query_zeros_and_no_query() -> None:
    retriever = AdaptiveRetriever(np.concatenate([VECTORS, np.zeros((1, 16))]), DIMS)
    found = retriever.search(torch.from_numpy(QUERIES[0]), k=2)
    assert found.ids.shape == (1, 2)
    assert np.isfinite(retriever.search(np.zeros(16), k=3).scores).all()
    assert retriever.search(np.zeros((0, 16)), k=3).ids.shape == (0, 3)
    assert FunnelRetriever(VECTORS, [16]).search(QUERIES, k=2).ids.shape == (4, 2)


def test_a_prefix_lies_in_memory_by_itself() -> None:
    retriever = AdaptiveRetriever(VECTORS, DIMS)
    assert retriever._vectors.rows(4).is_contiguous()
    assert retriever._vectors.rows(4).untyped_storage().nbytes() == 90 * 4 * 4


def test_average_precision_is_that_of_the_official_code() -> None:
    hits = np.random.default_rng(2).integers(2, size=(20, 10))
    expected = [reference.average_precision(row.tolist()) for row in hits]
    np.testing.assert_allclose(average_precision(hits), expected, atol=1e-12)


def test_refuses(unchecked: None) -> None:
    retriever = AdaptiveRetriever(VECTORS, DIMS)
    for arguments, message in (
        ({"k": 10, "shortlist": 5}, "shorter than k"),
        ({"k": 91}, "cannot be found among 90"),
        ({"k": 1, "low": 17}, "size 17 cannot be cut"),
        ({"k": 1, "low": 0}, "size 0 cannot be cut"),
        ({"k": 2.5}, "whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            retriever.search(QUERIES, **arguments)
    unknown = np.full((1, 16), np.nan)
    with pytest.raises(ValueError, match="a query holds numbers that are not finite"):
        retriever.search(unknown, k=1)
    with pytest.raises(ValueError, match="the database holds numbers that are not finite"):
        AdaptiveRetriever(unknown, DIMS)
    with pytest.raises(ValueError, match="queries of 16 numbers"):
        retriever.search(QUERIES[:, :8])
    with pytest.raises(ValueError, match="falling numbers"):
        FunnelRetriever(VECTORS, DIMS).search(QUERIES, k=2, lists=[10, 20, 5])
    with pytest.raises(ValueError, match="goes beyond the vectors"):
        AdaptiveRetriever(VECTORS, [8, 32])
    with pytest.raises(ValueError, match="vectors \\(n, d\\)"):
        AdaptiveRetriever(np.zeros((0, 4)), [2, 4])
