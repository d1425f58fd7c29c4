"""Vectors in PostgreSQL find what looking at everything finds, and change as the files do."""

import numpy as np
import pytest
from sqlalchemy import event

from octavo.errors import OctavoError
from octavo.page.search import PostgresVectors, VectorIndex, vectors_of
from octavo.page.search.vectors import FloatArray
from octavo.page.store import ListedPaper, Store

pytestmark = pytest.mark.parametrize("any_store", ["postgresql"], indirect=True)


def clustered(count: int, seed: int = 0) -> FloatArray:
    draw = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(40, 384))
    found = centres[draw.integers(0, 40, count)] + 0.8 * draw.normal(size=(count, 384)) + 0.5
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def store(any_store: Store) -> Store:
    any_store.papers.put([ListedPaper(f"p{number}", "title", "abstract") for number in range(600)])
    return any_store


@pytest.fixture
def vectors(store: Store) -> PostgresVectors:
    vectors = vectors_of(store)
    assert isinstance(vectors, PostgresVectors)
    assert vectors.empty
    vectors.fit(clustered(600)[:300])
    vectors.add(np.arange(1, 601), clustered(600), tier=2)
    return vectors


def test_the_index_finds_what_looking_at_everything_finds(vectors: PostgresVectors) -> None:
    assert len(vectors) == 600
    assert vectors.tune() >= 0.99
    queries = clustered(20, seed=1)
    exact = vectors.exact(queries)
    cosines = clustered(600) @ queries[0]
    assert set(exact[0]) == set((np.argsort(-cosines)[:10] + 1).tolist())
    found = [[row for row, _ in vectors.search(query)] for query in queries]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)]) >= 0.97
    row, cosine = vectors.search(queries[0], 1)[0]
    assert cosine == pytest.approx(float(cosines[row - 1]), abs=0.002)


def test_the_index_is_used(vectors: PostgresVectors, store: Store) -> None:
    asked = (
        "EXPLAIN SELECT 1 FROM papers_vectors ORDER BY code <~> CAST(repeat('1', 384) AS bit(384)) LIMIT 10"
    )
    with store.database.read() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = "".join(str(line) for line in connection.exec_driver_sql(asked))
    assert "papers_vectors_code" in plan


@pytest.mark.parametrize("few", [10_000, 0])
def test_a_filter_narrows(vectors: PostgresVectors, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.page.search.pgvectors.FEW", few)
    allowed = np.arange(1, 601, 7)
    found = vectors.search(clustered(1, seed=5)[0], 10, among=np.append(allowed, 10**6))
    assert len(found) == 10
    assert {row for row, _ in found} <= set(allowed.tolist())


def test_a_row_is_overwritten_and_goes_with_its_paper(vectors: PostgresVectors, store: Store) -> None:
    fresh = clustered(2, seed=6)
    vectors.add([5, 5], fresh, tier=3)
    assert len(vectors) == 600
    assert vectors.search(fresh[1], 1)[0][0] == 5
    assert vectors.tiers_of(np.array([5, 6, 9999])).tolist() == [3, 2, 0]
    np.testing.assert_allclose(vectors.unit_vectors([5, 9999]), [fresh[1], np.zeros(384)], atol=2e-3)
    assert vectors.near(5, 3)[0][0] != 5
    with store.database.write() as connection:
        connection.exec_driver_sql('DELETE FROM papers WHERE "row" = 5')
    assert len(vectors) == 599


def test_another_server_sees_them_at_once(vectors: PostgresVectors, store: Store) -> None:
    other = PostgresVectors(store.database)
    assert other.fitted
    assert not other.empty
    query = clustered(1, seed=3)[0]
    assert other.search(query, 5) == vectors.search(query, 5)


def test_bad_input(vectors: PostgresVectors) -> None:
    with pytest.raises(ValueError, match=r"\(2, 384\) for 1 rows"):
        vectors.add([1], clustered(2), tier=1)
    with pytest.raises(ValueError, match="not finite"):
        vectors.add([1], np.full((1, 384), np.nan, np.float32), tier=1)
    with pytest.raises(OctavoError, match="before the first"):
        vectors.fit(clustered(10))


def test_a_user_who_may_not_make_the_extension_is_told(any_store: Store) -> None:
    database = any_store.database
    with database.write() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS guest")
        connection.exec_driver_sql("CREATE ROLE guest")
    event.listen(
        database.engine, "begin", lambda connection: connection.exec_driver_sql("SET LOCAL ROLE guest")
    )
    with pytest.raises(OctavoError, match="CREATE EXTENSION vector once"):
        PostgresVectors(database)


def test_without_pgvector_they_lie_in_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.page.search.pgvectors.NEWEST_NEEDED", (99, 0))
    assert isinstance(vectors_of(store), VectorIndex)
