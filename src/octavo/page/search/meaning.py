"""The vectors of a store, wherever they are kept: what search by meaning asks of them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from octavo.page.search.pgvectors import PostgresVectors, has_pgvector
from octavo.page.search.vectors import FloatArray, VectorIndex
from octavo.page.store import Store


class Vectors(Protocol):
    """Vectors of papers by row number."""

    def __len__(self) -> int: ...

    @property
    def empty(self) -> bool:
        """Whether no paper has a vector."""

    @property
    def fitted(self) -> bool:
        """Whether what is taken from a sample has been taken."""

    def current(self) -> "Vectors":
        """The vectors as they stand: these, or others in their place."""

    def fit(self, sample: FloatArray) -> None:
        """Takes from a (n, 384) sample what is taken once, before anything is added."""

    def add(self, rows: Sequence[int] | NDArray[np.int64], vectors: FloatArray, tier: int) -> None:
        """Adds (n, 384) vectors of n rows, or puts them in the place of those that the rows have."""

    def tiers_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The tier of each row; 0 for rows without a vector."""

    def unit_vectors(self, rows: Sequence[int]) -> FloatArray:
        """The (n, 384) stored vectors of n rows, of length one."""

    def search(
        self, vector: FloatArray, limit: int = 10, *, among: NDArray[np.int64] | None = None
    ) -> list[tuple[int, float]]:
        """The nearest rows with their cosine, best first; only of those `among`, where they are given."""

    def near(self, row: int, limit: int = 10) -> list[tuple[int, float]]:
        """The rows nearest to one that has a vector, without itself."""

    def exact(self, vectors: FloatArray, limit: int = 10) -> list[list[int]]:
        """The nearest rows of some queries by every full vector."""

    def tune(self) -> float:
        """Chooses how many candidates are looked at; returns the recall@10 that is reached."""


def vectors_of(store: Store) -> Vectors:
    """The vectors of a store: in PostgreSQL where it has pgvector, in files of its folder otherwise."""
    if has_pgvector(store.database):
        return PostgresVectors(store.database)
    return VectorIndex(store.folder / "vectors")
