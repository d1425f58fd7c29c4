"""Three stages against looking at everything, filters, overwriting, and what a kill leaves behind."""

from pathlib import Path

import numpy as np
import pytest

from octavo.errors import OctavoError
from octavo.page.search import VectorIndex
from octavo.page.search.vectors import FloatArray


def clustered(n: int, seed: int = 0) -> FloatArray:
    """Vectors whose variance falls off as that of sentence vectors does, around a common mean."""
    draw = np.random.default_rng(seed)
    turn = np.linalg.qr(np.random.default_rng(9).normal(size=(384, 384)))[0]
    spread = np.arange(1, 385) ** -0.5
    found = (draw.normal(size=(n, 384)) * spread + 0.3 * spread[::-1]) @ turn
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def index(tmp_path: Path) -> VectorIndex:
    index = VectorIndex(tmp_path)
    vectors = clustered(4000)
    index.fit(vectors[:2000])
    index.add(np.arange(1, 4001), vectors, tier=2)
    return index


def test_the_stages_find_what_looking_at_everything_finds(index: VectorIndex) -> None:
    queries = clustered(40, seed=1)
    reached = index.calibrate(queries[:20], target=0.99)
    assert reached["recall"] >= 0.99
    recall = [
        len({row for row, _ in index.search(query)} & set(index.exact(query[None])[0])) / 10
        for query in queries[20:]
    ]
    assert np.mean(recall) >= 0.97
    assert VectorIndex(index.folder).meta == index.meta


def test_the_cosine_is_that_of_the_vectors(index: VectorIndex) -> None:
    vectors, query = clustered(4000), clustered(1, seed=2)[0]
    for row, cosine in index.search(query, 5):
        assert cosine == pytest.approx(float(vectors[row - 1] @ query), abs=0.01)
    np.testing.assert_allclose(index.unit_vectors([7])[0] @ vectors[6], 1.0, atol=2e-3)


def test_looking_at_everything_is_brute_force(index: VectorIndex) -> None:
    vectors, query = clustered(4000), clustered(1, seed=3)[0]
    wanted = set((np.argsort(-(vectors @ query))[:10] + 1).tolist())
    assert set(index.exact(query[None])[0]) == wanted


@pytest.mark.parametrize("size", [1, 30, 3000])
def test_a_filter_narrows(index: VectorIndex, size: int) -> None:
    allowed = np.random.default_rng(4).choice(4000, size, replace=False).astype(np.int64) + 1
    query = clustered(1, seed=5)[0]
    found = index.search(query, 10, among=np.append(allowed, 10**9))
    assert len(found) == min(10, size)
    assert {row for row, _ in found} <= set(allowed.tolist())
    best = allowed[np.argmax(clustered(4000)[allowed - 1] @ query)]
    assert best in [row for row, _ in found]


def test_a_row_is_overwritten_in_its_place(index: VectorIndex) -> None:
    fresh = clustered(3, seed=6)
    index.add([5, 9001, 5], fresh, tier=2)
    assert len(index) == 4001
    assert index.search(fresh[2], 1)[0][0] == 5
    assert index.search(fresh[1], 1)[0][0] == 9001
    assert index.near(9001, 3)[0][0] != 9001
    # Rows out of their order are found all the same.
    index.add([8000], fresh[:1], tier=1)
    assert index.search(fresh[0], 1)[0][0] == 8000
    assert list(index.tiers[index.places(np.array([5, 8000]))]) == [2, 1]
    assert list(index.places(np.array([4500]))) == [-1]


def test_what_a_killed_writer_left_is_written_over(index: VectorIndex) -> None:
    for name in ("codes", "full", "rows"):
        with (index.folder / name).open("ab") as file:
            file.write(b"half a line")
    again = VectorIndex(index.folder)
    assert len(again) == 4000
    fresh = clustered(2, seed=7)
    again.add([4001, 4002], fresh, tier=2)
    assert again.search(fresh[1], 1)[0][0] == 4002
    assert index.stale
    assert not again.stale
    assert len(VectorIndex(index.folder)) == 4002


def test_bad_input(index: VectorIndex, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\(2, 384\) for 1 rows"):
        index.add([1], clustered(2), tier=1)
    with pytest.raises(ValueError, match="not finite"):
        index.add([1], np.full((1, 384), np.nan, np.float32), tier=1)
    with pytest.raises(OctavoError, match="before the first"):
        index.fit(clustered(10))
    index.add([], np.zeros((0, 384), np.float32), tier=1)
    empty = VectorIndex(tmp_path / "empty")
    assert empty.search(clustered(1)[0]) == empty.exact(clustered(1))[0] == []


def test_without_a_rotation_it_works_too(tmp_path: Path) -> None:
    index = VectorIndex(tmp_path / "plain")
    vectors = clustered(300)
    index.add(np.arange(300), vectors, tier=1)
    assert [index.search(vectors[row], 1)[0][0] for row in (0, 150, 299)] == [0, 150, 299]
