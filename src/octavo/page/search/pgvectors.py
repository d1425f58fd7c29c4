"""Search by meaning inside PostgreSQL, by pgvector: sign bits under a Hamming index, then half vectors.

Several servers over one database share these vectors, where the files of `octavo.page.search.vectors` are of
one machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from octavo.errors import OctavoError
from octavo.page.search.vectors import DIM, TARGET, FloatArray, unit
from octavo.page.store.database import Database
from octavo.page.store.jobs import save_cursor

NEWEST_NEEDED = (0, 8)
"""The version of pgvector that has bit indexes, half vectors and scans that go on until a filter is met."""
COARSE = (100, 200, 400, 600, 800, 1000)
"""Candidates that the index may bring; pgvector's own limit is the last."""
QUERIES = 50
"""Papers that the number of candidates is chosen on; each is compared with every vector."""
FEW = 5000
"""Rows of a filter up to which all of them are compared."""
_KEPT = "vectors"

_TABLES = f"""
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS papers_vectors (
    "row" integer PRIMARY KEY REFERENCES papers ON DELETE CASCADE,
    tier smallint NOT NULL,
    code bit({DIM}) NOT NULL,
    whole halfvec({DIM}) NOT NULL
);
CREATE INDEX IF NOT EXISTS papers_vectors_code ON papers_vectors USING hnsw (code bit_hamming_ops)
"""
_PUT = f"""
INSERT INTO papers_vectors ("row", tier, code, whole)
VALUES (:row, :tier, CAST(:code AS bit({DIM})), CAST(:whole AS halfvec({DIM})))
ON CONFLICT ("row") DO UPDATE SET tier = excluded.tier, code = excluded.code, whole = excluded.whole
"""
_BEST = f"""
SELECT "row", 1 - (whole <=> CAST(:whole AS halfvec({DIM}))) AS cosine FROM {{source}}
ORDER BY cosine DESC, "row" LIMIT :limit
"""
_NEAR = f"""(
    SELECT "row", whole FROM papers_vectors {{where}}
    ORDER BY code <~> CAST(:code AS bit({DIM})) LIMIT :coarse
) AS near"""
_AMONG = 'WHERE "row" = ANY(CAST(:rows AS integer[]))'


def has_pgvector(database: Database) -> bool:
    """Whether a database is PostgreSQL with a pgvector that is new enough, installed or ready to be."""
    if database.is_sqlite:
        return False
    asked = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
    with database.read() as connection:
        version = connection.execute(text(asked)).scalar()
    return version is not None and tuple(map(int, str(version).split(".")[:2])) >= NEWEST_NEEDED


@dataclass(frozen=True)
class Kept:
    """What the vectors of a database were made with: the mean they are centred by, the candidates."""

    mean: FloatArray
    coarse: int = COARSE[-1]


class PostgresVectors:
    """Vectors of papers in the database itself; see `octavo.page.search.vectors.Vectors`.

    Args:
        database: of the store, PostgreSQL with pgvector.

    Raises:
        OctavoError: the database's user may not make the extension or the table.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        try:
            with database.write() as connection:
                connection.exec_driver_sql(_TABLES)
        except ProgrammingError as error:
            raise OctavoError(
                f"PostgreSQL has pgvector and does not let this user make it ready ({error.orig}): its owner "
                "runs CREATE EXTENSION vector once in this database."
            ) from None
        self._empty = True
        self._kept = self._read()

    def _read(self) -> Kept | None:
        with self._database.read() as connection:
            asked = text("SELECT value FROM cursors WHERE source = :source")
            kept = connection.execute(asked, {"source": _KEPT}).scalar()
        return Kept(np.array(kept["mean"], np.float32), kept["coarse"]) if kept else None

    def _save(self, kept: Kept) -> None:
        with self._database.write() as connection:
            value = {"mean": kept.mean.tolist(), "coarse": kept.coarse}
            save_cursor(self._database, connection, _KEPT, value)
        self._kept = kept

    def __len__(self) -> int:
        with self._database.read() as connection:
            return int(connection.execute(text("SELECT count(*) FROM papers_vectors")).scalar_one())

    @property
    def empty(self) -> bool:
        """Whether no paper has a vector; one is not asked for again where there was one."""
        if self._empty:
            with self._database.read() as connection:
                found = connection.execute(text("SELECT EXISTS (SELECT 1 FROM papers_vectors)"))
                self._empty = not found.scalar_one()
        return self._empty

    @property
    def fitted(self) -> bool:
        """Whether the mean has been taken."""
        self._kept = self._kept or self._read()
        return self._kept is not None

    @property
    def _mean(self) -> FloatArray:
        return self._kept.mean if self.fitted and self._kept else np.zeros(DIM, np.float32)

    def current(self) -> "PostgresVectors":
        """This one: the database has every change at once."""
        return self

    def fit(self, sample: FloatArray) -> None:
        """Takes the mean from a sample, once, before anything is added.

        Args:
            sample: (n, 384), some thousands of vectors as the encoder gives them.

        Raises:
            OctavoError: there are vectors already; their codes would have to be written anew.
        """
        if not self.empty:
            raise OctavoError(f"The index has {len(self)} vectors; fit it before the first is added.")
        self._save(Kept(unit(sample).mean(axis=0)))

    def add(self, rows: Sequence[int] | NDArray[np.int64], vectors: FloatArray, tier: int) -> None:
        """Adds vectors, or puts them in the place of those that the rows have.

        Args:
            rows: the papers' row numbers.
            vectors: (n, 384) as the encoder gives them.
            tier: which encoder made them: see `octavo.page.embed`.

        Raises:
            ValueError: shapes that do not fit, or numbers that are not finite.
        """
        if vectors.shape != (len(rows), DIM):
            raise ValueError(f"got vectors of shape {vectors.shape} for {len(rows)} rows of {DIM}")
        if not np.isfinite(vectors).all():
            raise ValueError("got vectors with numbers that are not finite; encode these papers again")
        # The last one wins where a row comes twice.
        values = {
            int(row): {"row": int(row), "tier": tier} | self._written(vector)
            for row, vector in zip(rows, unit(vectors), strict=True)
        }
        if values:
            with self._database.write() as connection:
                connection.execute(text(_PUT), list(values.values()))

    def _written(self, vector: FloatArray) -> dict[str, str]:
        """A vector of length one as PostgreSQL reads it: its signs around the mean, and itself."""
        signs = "".join("1" if each else "0" for each in vector - self._mean > 0)
        return {"code": signs, "whole": "[" + ",".join(f"{each:.6g}" for each in vector.tolist()) + "]"}

    def tiers_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The tier of each row; 0 for rows without a vector."""
        asked = text(f'SELECT "row", tier FROM papers_vectors {_AMONG}')
        with self._database.read() as connection:
            found = {each.row: each.tier for each in connection.execute(asked, {"rows": rows.tolist()})}
        return np.array([found.get(row, 0) for row in rows.tolist()], np.uint8)

    def unit_vectors(self, rows: Sequence[int]) -> FloatArray:
        """The stored vectors of rows, of length one up to rounding; zeros for rows without one."""
        asked = text(f'SELECT "row", CAST(whole AS real[]) AS whole FROM papers_vectors {_AMONG}')
        wanted = {"rows": [int(row) for row in rows]}
        with self._database.read() as connection:
            found = {each.row: each.whole for each in connection.execute(asked, wanted)}
        none = [0.0] * DIM
        return np.array([found.get(int(row), none) for row in rows], np.float32).reshape(len(rows), DIM)

    def search(
        self,
        vector: FloatArray,
        limit: int = 10,
        *,
        among: NDArray[np.int64] | None = None,
        coarse: int | None = None,
    ) -> list[tuple[int, float]]:
        """The rows whose vectors are nearest, with their cosine to the query, best first.

        Args:
            vector: (384,) as the encoder gives it.
            limit: how many.
            among: only these rows.
            coarse: how many candidates the index brings; as calibrated where it is left out.
        """
        asked: dict[str, Any] = self._written(unit(vector[None])[0]) | {"limit": limit}
        few = among is not None and len(among) <= FEW
        if few:
            source = f"papers_vectors {_AMONG}"
        else:
            source = _NEAR.format(where="" if among is None else _AMONG)
            asked["coarse"] = max(coarse or (self._kept.coarse if self._kept else COARSE[-1]), limit)
        if among is not None:
            asked["rows"] = among.tolist()
        with self._database.read() as connection:
            if not few:
                _scan(connection, asked["coarse"])
            found = connection.execute(text(_BEST.format(source=source)), asked)
            return [(row, min(1.0, float(cosine))) for row, cosine in found]

    def near(self, row: int, limit: int = 10) -> list[tuple[int, float]]:
        """The rows nearest to one that has a vector, without itself."""
        found = self.search(self.unit_vectors([row])[0], limit + 1)
        return [pair for pair in found if pair[0] != row][:limit]

    def exact(self, vectors: FloatArray, limit: int = 10) -> list[list[int]]:
        """The nearest rows of some queries by every vector: what the index is measured against."""
        asked = text(_BEST.format(source="papers_vectors"))
        with self._database.read() as connection:
            return [
                [row for row, _ in connection.execute(asked, self._written(vector) | {"limit": limit})]
                for vector in unit(vectors)
            ]

    def tune(self) -> float:
        """Chooses how many candidates the index brings, the fewest that reach the recall; returns that."""
        asked = text('SELECT "row" FROM papers_vectors ORDER BY md5(CAST("row" AS text)) LIMIT :n')
        with self._database.read() as connection:
            rows = list(connection.execute(asked, {"n": QUERIES}).scalars())
        queries = self.unit_vectors(rows)
        wanted = self.exact(queries)
        most = max(1, sum(map(len, wanted)))
        for coarse in COARSE:
            found = [{row for row, _ in self.search(query, coarse=coarse)} for query in queries]
            reached = sum(len(one & set(other)) for one, other in zip(found, wanted, strict=True)) / most
            if reached >= TARGET:
                break
        self._save(Kept(self._mean, coarse))
        return reached


def _scan(connection: Connection, candidates: int) -> None:
    """Tells the index, for this transaction, how many candidates to bring and to go on past a filter."""
    settings = {"hnsw.ef_search": min(candidates, COARSE[-1]), "hnsw.iterative_scan": "relaxed_order"}
    for name, value in settings.items():
        asked = text("SELECT set_config(:name, :value, true)")
        connection.execute(asked, {"name": name, "value": str(value)})
