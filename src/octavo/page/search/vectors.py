"""Search by meaning in three stages: sign bits of all papers, first rotated dimensions of some, all of a few.

The vectors lie in plain files that only grow and are mapped into memory: 48 bytes of signs, 96 of leading
principal dimensions and 384 of everything, a paper. `meta.json` says how many count; it is replaced in one
step after the rest is on disk, so what a killed writer left behind it is written over.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from octavo.errors import OctavoError

DIM = 384
HEAD = 96
TARGET = 0.995
"""Recall@10 that calibration asks of the sample; the page promises .99 (.98 for millions)."""
QUERIES = 200
"""Papers whose neighbours the stages are calibrated on."""
_COARSE = (400, 600, 800, 1200, 1600, 2400, 3200, 4800, 6400, 9600, 12800)
_FINE = (200, 300, 400, 600, 800, 1200, 1600, 2400, 3200, 4800)
FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Meta:
    """How many vectors count, what they were made with, and how many candidates the stages keep."""

    count: int = 0
    rotated: bool = False
    coarse: int = 1000
    fine: int = 200
    scale: float = 1.0
    generation: int = 0


class VectorIndex:
    """Vectors of papers by row number.

    Args:
        folder: where the files lie; made where it is not there.

    Example:
        >>> import tempfile
        >>> index = VectorIndex(Path(tempfile.mkdtemp()))
        >>> vectors = np.random.default_rng(0).normal(size=(500, 384)).astype(np.float32)
        >>> index.add(np.arange(1, 501), vectors, tier=1)
        >>> index.search(vectors[41], 1)[0][0]
        42
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._load()

    def _load(self) -> None:
        file = self.folder / "meta.json"
        self.meta = Meta(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else Meta()
        if self.meta.rotated:
            with np.load(self.folder / "rotation.npz", allow_pickle=False) as kept:
                self._mean, self._rotation = kept["mean"], kept["rotation"]
        else:
            self._mean = np.zeros(DIM, np.float32)
            self._rotation = np.eye(DIM, dtype=np.float32)
        count = self.meta.count
        self.rows = self._mapped("rows", np.int64, (count,))
        self.tiers = self._mapped("tiers", np.uint8, (count,))
        self.codes = self._mapped("codes", np.uint8, (count, DIM // 8))
        self._head = self._mapped("head", np.int8, (count, HEAD))
        self._full = self._mapped("full", np.float16, (count, DIM))
        # Rows are added in their order almost always; then a row's place is found without a table.
        ascending = bool(count < 2 or np.all(np.diff(self.rows) > 0))
        self._order = None if ascending else np.argsort(self.rows, kind="stable")

    def _mapped(self, name: str, kind: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        if shape[0] == 0:
            return np.zeros(shape, kind)
        return np.memmap(self.folder / name, dtype=kind, mode="r", shape=shape)

    def __len__(self) -> int:
        return self.meta.count

    @property
    def empty(self) -> bool:
        """Whether no paper has a vector."""
        return self.meta.count == 0

    @property
    def fitted(self) -> bool:
        """Whether the mean and the axes have been taken, or it is too late for that."""
        return self.meta.rotated or not self.empty

    def current(self) -> "VectorIndex":
        """The vectors as they stand on disk: this index, or a newer one in its place."""
        return VectorIndex(self.folder) if self.stale else self

    @property
    def stale(self) -> bool:
        """Whether another index over the same folder has added something since this one was made."""
        file = self.folder / "meta.json"
        return file.is_file() and json.loads(file.read_text(encoding="utf-8")) != asdict(self.meta)

    def fit(self, sample: FloatArray) -> None:
        """Takes the mean and the principal axes from a sample, once, before anything is added.

        Args:
            sample: (n, 384), some thousands of vectors as the encoder gives them.

        Raises:
            OctavoError: the index has vectors already; their files would have to be written anew.
        """
        if self.meta.count:
            raise OctavoError(f"The index has {self.meta.count} vectors; fit it before the first is added.")
        found = unit(sample)
        mean = found.mean(axis=0)
        centred = found - mean
        _, axes = np.linalg.eigh(centred.T @ centred / len(centred))
        rotation = np.ascontiguousarray(axes[:, ::-1]).astype(np.float32)
        scale = float(127 / np.quantile(np.abs(centred @ rotation).max(axis=1), 0.999))
        with (self.folder / "rotation.part").open("wb") as file:
            np.savez(file, mean=mean, rotation=rotation)
        (self.folder / "rotation.part").replace(self.folder / "rotation.npz")
        self._commit(Meta(rotated=True, scale=scale, generation=self.meta.generation + 1))

    def add(self, rows: Sequence[int] | NDArray[np.int64], vectors: FloatArray, tier: int) -> None:
        """Adds vectors, or puts them in the place of those that the rows have.

        Args:
            rows: the papers' row numbers.
            vectors: (n, 384) as the encoder gives them.
            tier: which encoder made them: see `octavo.page.embed`.

        Raises:
            ValueError: shapes that do not fit, or numbers that are not finite.
        """
        wanted = np.asarray(rows, np.int64)
        if vectors.shape != (len(wanted), DIM):
            raise ValueError(f"got vectors of shape {vectors.shape} for {len(wanted)} rows of {DIM}")
        if not np.isfinite(vectors).all():
            raise ValueError("got vectors with numbers that are not finite; encode these papers again")
        if not len(wanted):
            return
        # The last one wins where a row comes twice.
        last = len(wanted) - 1 - np.unique(wanted[::-1], return_index=True)[1]
        wanted, vectors = wanted[last], vectors[last]
        meta = self.meta
        if not meta.rotated and meta.count == 0:
            meta = Meta(scale=127.0, generation=meta.generation)
        codes, head, full = self._coded(vectors, meta.scale)
        places = self.places(wanted)
        new = places < 0
        parts: dict[str, NDArray[Any]] = {
            "codes": codes,
            "head": head,
            "full": full,
            "rows": wanted,
            "tiers": np.full(len(wanted), tier, np.uint8),
        }
        for name, values in parts.items():
            path = self.folder / name
            path.touch()
            width = int(np.prod(values.shape[1:])) * values.itemsize
            with path.open("r+b") as file:
                for place, value in zip(places[~new], values[~new], strict=True):
                    file.seek(int(place) * width)
                    file.write(value.tobytes())
                file.seek(meta.count * width)
                file.write(np.ascontiguousarray(values[new]).tobytes())
                file.truncate((meta.count + int(new.sum())) * width)
                file.flush()
                os.fsync(file.fileno())
        grown = asdict(meta) | {"count": meta.count + int(new.sum()), "generation": meta.generation + 1}
        self._commit(Meta(**grown))

    def _commit(self, meta: Meta) -> None:
        part = self.folder / "meta.json.part"
        part.write_text(json.dumps(asdict(meta)), encoding="utf-8")
        part.replace(self.folder / "meta.json")
        self._load()

    def _turned(self, vectors: FloatArray) -> FloatArray:
        turned: FloatArray = (unit(vectors) - self._mean) @ self._rotation
        return turned

    def _coded(
        self, vectors: FloatArray, scale: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[np.float16]]:
        centred = unit(vectors) - self._mean
        whole = centred @ self._rotation
        head = np.clip(np.rint(whole[:, :HEAD] * scale), -127, 127).astype(np.int8)
        # Signs of the encoder's own dimensions: those of principal axes say little behind the first few.
        return np.packbits(centred > 0, axis=1), head, whole.astype(np.float16)

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where rows lie in the files; -1 for rows without a vector."""
        if not self.meta.count:
            return np.full(len(rows), -1, np.int64)
        ordered = self.rows if self._order is None else self.rows[self._order]
        at = np.minimum(np.searchsorted(ordered, rows), self.meta.count - 1)
        there = np.asarray(ordered[at] == rows)
        found = at if self._order is None else self._order[at]
        return np.where(there, found, -1)

    def tiers_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The tier of each row; 0 for rows without a vector."""
        places = self.places(rows)
        found = np.zeros(len(rows), np.uint8)
        found[places >= 0] = self.tiers[places[places >= 0]]
        return found

    def vectors(self, rows: Sequence[int]) -> FloatArray:
        """The stored vectors of rows, centred and rotated; zeros for rows without one."""
        places = self.places(np.asarray(rows, np.int64))
        found = np.asarray(self._full[np.maximum(places, 0)], np.float32)
        found[places < 0] = 0
        return found

    def search(
        self,
        vector: FloatArray,
        limit: int = 10,
        *,
        among: NDArray[np.int64] | None = None,
        coarse: int | None = None,
        fine: int | None = None,
    ) -> list[tuple[int, float]]:
        """The rows whose vectors are nearest, with their cosine to the query, best first.

        Args:
            vector: (384,) as the encoder gives it.
            limit: how many.
            among: only these rows.
            coarse, fine: how many candidates stages one and two keep; as calibrated where they are left out.
        """
        if not self.meta.count:
            return []
        centred = unit(vector[None]) - self._mean
        turned = (centred @ self._rotation)[0]
        coarse = max(coarse or self.meta.coarse, limit)
        fine = max(fine or self.meta.fine, limit)
        chosen = None
        codes = self.codes
        if among is not None:
            chosen = self.places(among)
            chosen = np.sort(chosen[chosen >= 0])
            if not len(chosen):
                return []
            codes = np.ascontiguousarray(self.codes[chosen])
        if coarse < len(codes):
            # One query is the work of one thread; a team of them would wait for one another.
            faiss.omp_set_num_threads(1)
            _, near = faiss.knn_hamming(np.packbits(centred > 0, axis=1), codes, coarse, variant="mc")
            places = np.sort(near[0]) if chosen is None else chosen[np.sort(near[0])]
        else:
            places = np.arange(self.meta.count) if chosen is None else chosen
        if fine < len(places):
            scores = self._head[places].astype(np.float32) @ turned[:HEAD]
            places = np.sort(places[np.argpartition(-scores, fine)[:fine]])
        return self._exact(places, turned, centred[0], limit)

    def _exact(
        self, places: NDArray[np.int64], turned: FloatArray, centred: FloatArray, limit: int
    ) -> list[tuple[int, float]]:
        found = self._full[places].astype(np.float32)
        # Undo the centring: the cosine of the vectors themselves is what a person is told.
        cosine = found @ turned + self._offset(found, centred)
        best = np.argsort(-cosine, kind="stable")[:limit]
        return [(int(self.rows[places[each]]), float(min(1.0, cosine[each]))) for each in best]

    def _offset(self, found: FloatArray, centred: FloatArray) -> FloatArray:
        """<x, q> - <x - m, q - m> for unit x and q, from their centred forms."""
        mean = self._mean
        return found @ (mean @ self._rotation) + np.float32(centred @ mean + mean @ mean)

    def unit_vectors(self, rows: Sequence[int]) -> FloatArray:
        """The stored vectors of rows as the encoder gave them, of length one up to rounding."""
        whole = self.vectors(rows) @ self._rotation.T + self._mean
        return unit(whole)

    def near(self, row: int, limit: int = 10) -> list[tuple[int, float]]:
        """The rows nearest to one that has a vector, without itself."""
        found = self.search(self.unit_vectors([row])[0], limit + 1)
        return [pair for pair in found if pair[0] != row][:limit]

    def exact(self, vectors: FloatArray, limit: int = 10) -> list[list[int]]:
        """The nearest rows of some queries by every full vector: what the stages are measured against."""
        centred = unit(vectors) - self._mean
        turned = centred @ self._rotation + self._mean @ self._rotation
        best = np.zeros((len(vectors), 0), np.float32), np.zeros((len(vectors), 0), np.int64)
        for start in range(0, self.meta.count, 50_000):
            part = self._full[start : start + 50_000].astype(np.float32)
            scores = np.concatenate([best[0], turned @ part.T], axis=1)
            at = np.arange(start, start + len(part))
            places = np.concatenate([best[1], np.broadcast_to(at, (len(vectors), len(at)))], axis=1)
            # Only the best of a chunk are put in order: sorting all of it costs more than the products.
            few = min(limit, scores.shape[1])
            kept = np.argpartition(-scores, few - 1, axis=1)[:, :few]
            order = np.argsort(-np.take_along_axis(scores, kept, 1), axis=1, kind="stable")
            kept = np.take_along_axis(kept, order, 1)
            best = np.take_along_axis(scores, kept, 1), np.take_along_axis(places, kept, 1)
        return [self.rows[places].tolist() for places in best[1]]

    def _ranks(
        self, vector: FloatArray, wanted: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How far down the rows that a query should find stand after stage one, and after stage two.

        Stage two orders the most that stage one may keep: of a shorter list fewer stand before them.
        """
        centred = unit(vector[None]) - self._mean
        most = min(_COARSE[-1], self.meta.count)
        distances, near = faiss.knn_hamming(np.packbits(centred > 0, axis=1), self.codes, most, variant="mc")
        order = near[0][np.argsort(distances[0], kind="stable")]
        scores = self._head[order].astype(np.float32) @ (centred @ self._rotation)[0][:HEAD]
        places = self.places(wanted)
        missed = np.full(len(places), most, np.int64)
        by_bits, by_head = missed.copy(), missed.copy()
        for number, place in enumerate(places):
            at = np.flatnonzero(order == place)
            if len(at):
                by_bits[number] = at[0]
                by_head[number] = int(np.count_nonzero(scores > scores[at[0]]))
        return by_bits, by_head

    def tune(self) -> float:
        """Calibrates on papers of the index itself; returns the recall@10 that is reached."""
        rows = np.random.default_rng(1).choice(self.rows, min(QUERIES, len(self)), replace=False)
        return float(self.calibrate(self.unit_vectors(rows.tolist()))["recall"])

    def calibrate(self, queries: FloatArray, target: float = TARGET) -> dict[str, float]:
        """Chooses how many candidates stages one and two keep, the fewest that reach a recall@10.

        Args:
            queries: (n, 384) vectors of real queries or papers; what forty reach, others miss by a hundredth,
                what two hundred reach they reach too.
            target: recall@10 against `exact` on these queries.

        Returns:
            `coarse`, `fine` and the `recall` that they reach.
        """
        if not self.meta.count:
            return {"coarse": self.meta.coarse, "fine": self.meta.fine, "recall": 1.0}
        wanted = [np.array(rows, np.int64) for rows in self.exact(queries)]
        by_bits, by_head = zip(*map(self._ranks, queries, wanted), strict=True)
        bits, head = np.concatenate(by_bits), np.concatenate(by_head)
        coarse = _fewest(_COARSE, lambda kept: bits < kept, target)
        fine = _fewest(
            _FINE, lambda kept: (bits < coarse) & (head < kept), min(target, float(np.mean(bits < coarse)))
        )
        reached = float(np.mean((bits < coarse) & (head < fine)))
        kept = asdict(self.meta) | {"coarse": coarse, "fine": fine, "generation": self.meta.generation + 1}
        self._commit(Meta(**kept))
        return {"coarse": coarse, "fine": fine, "recall": reached}


def _fewest(choices: tuple[int, ...], found: Callable[[int], NDArray[np.bool_]], target: float) -> int:
    """The least choice that finds enough, or the largest."""
    return next((kept for kept in choices if np.mean(found(kept)) >= target), choices[-1])


def unit(vectors: FloatArray) -> FloatArray:
    """(..., 384) vectors of length one; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: FloatArray = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return found
