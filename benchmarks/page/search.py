"""Search by meaning over millions of vectors: the page's three stages beside FAISS flat, HNSW and pgvector.

Vectors: all-MiniLM-L6-v2 of real arXiv titles (OCTAVO_DATA), and as many more as are asked for, made of
pairs of them and differences of others, so that they lie as real ones do. Queries are titles that nothing
was made of: the stages are calibrated on half of them and measured on the other half. Exact neighbours are
found by float32 products, block by block, while the vectors are made. FAISS flat and HNSW are measured over
fewer vectors, in memory: HNSW takes hours to build over 2.5 million on two cores; their lines say how many.

    python benchmarks/page/search.py --vectors 2500000
"""

import argparse
import csv
import lzma
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from postgres import pgvector  # type: ignore[import-not-found]

from octavo.data.places import cache_folder, find_file
from octavo.page.search import MiniLM, VectorIndex
from octavo.page.search.vectors import FloatArray

QUERIES = 400
REAL = 7800
CHUNK = 100_000


def titles_file() -> Path:
    """Where the vectors of titles are kept."""
    return cache_folder() / "encoded" / f"arxiv-titles-{REAL + QUERIES}.npy"


def real_vectors() -> FloatArray:
    """MiniLM's vectors of titles, kept in the cache."""
    file = titles_file()
    if not file.is_file():
        table = find_file("arxiv_abstracts", "cs.CL_2019.tsv.xz")
        if table is None:
            raise SystemExit("set OCTAVO_DATA to a folder with arxiv_abstracts/cs.CL_2019.tsv.xz")
        with lzma.open(table, "rt", encoding="utf-8", newline="") as lines:
            titles = [" ".join(row["title"].split()) for row in csv.DictReader(lines, delimiter="\t")]
        chosen = [
            titles[place] for place in np.random.default_rng(0).permutation(len(titles))[: REAL + QUERIES]
        ]
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, MiniLM(batch_size=128).encode(chosen))
    found: FloatArray = np.load(file)
    return found


def more_like(real: FloatArray, count: int, draw: np.random.Generator) -> FloatArray:
    """Vectors made of real ones: a mixture of two, moved by a part of the difference of two others."""
    one, two, three, four = draw.integers(0, len(real), (4, count))
    share = draw.uniform(0.5, 1.0, (count, 1)).astype(np.float32)
    made = share * real[one] + (1 - share) * real[two] + 0.3 * (real[three] - real[four])
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    found: FloatArray = made.astype(np.float32)
    return found


def timed(
    name: str, search: Callable[[FloatArray], list[int]], queries: FloatArray, exact: list[set[int]]
) -> None:
    """Prints the latency and recall@10 of one method, one query at a time."""
    times, hits = [], 0
    search(queries[0])
    for query, wanted in zip(queries, exact, strict=True):
        start = time.perf_counter()
        found = search(query)
        times.append(time.perf_counter() - start)
        hits += len(wanted & set(found))
    p50, p95, p99 = np.percentile(times, [50, 95, 99]) * 1e3
    recall = hits / sum(map(len, exact))
    print(f"{name:<44} p50 {p50:8.1f} ms  p95 {p95:8.1f}  p99 {p99:8.1f}  recall@10 {recall:.4f}", flush=True)


def resident() -> int:
    """Resident memory of this process in MiB, without pages of mapped files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class Exact:
    """The ten nearest of some queries, kept up to date while vectors come in."""

    def __init__(self, queries: FloatArray) -> None:
        self._queries = queries
        self._scores = np.full((len(queries), 10), -2.0, np.float32)
        self._rows = np.full((len(queries), 10), -1, np.int64)

    def add(self, first: int, vectors: FloatArray) -> None:
        """Takes a block whose first row has that number."""
        products = self._queries @ vectors.T
        few = np.argpartition(-products, 9, axis=1)[:, :10]
        scores = np.concatenate([self._scores, np.take_along_axis(products, few, 1)], axis=1)
        rows = np.concatenate([self._rows, first + few], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        self._scores, self._rows = np.take_along_axis(scores, best, 1), np.take_along_axis(rows, best, 1)

    def found(self) -> list[set[int]]:
        """The rows for each query."""
        return [set(row.tolist()) for row in self._rows]


def made(
    index: VectorIndex, real: FloatArray, queries: FloatArray, count: int, keep: int
) -> tuple[Exact, FloatArray]:
    """Makes the vectors in blocks and adds them; returns what is nearest, and the first for others."""
    exact, draw, kept = (
        Exact(queries),
        np.random.default_rng(1),
        np.empty((min(keep, count), 384), np.float32),
    )
    start, adding = time.perf_counter(), 0.0
    for first in range(0, count, CHUNK):
        size = min(CHUNK, count - first)
        vectors = more_like(real, size, draw)
        if first == 0:
            vectors[: len(real)] = real[:size]
        exact.add(first, vectors)
        kept[first : first + size] = vectors[: max(0, len(kept) - first)]
        begun = time.perf_counter()
        index.add(np.arange(first, first + size), vectors, tier=2)
        adding += time.perf_counter() - begun
    took = time.perf_counter() - start
    print(f"made in {took:.0f} s; the index takes {count / adding:,.0f} a second", flush=True)
    return exact, kept


def peers(kept: FloatArray, hnsw: int, queries: FloatArray) -> None:
    """FAISS flat and HNSW over the first vectors."""
    flat = faiss.IndexFlatIP(384)
    flat.add(kept)
    wanted = [set(row.tolist()) for row in flat.search(queries, 10)[1]]
    name = f"FAISS flat, float32, {len(kept):,}"
    timed(name, lambda query: flat.search(query[None], 10)[1][0].tolist(), queries[:30], wanted[:30])
    print(f"{'':<4}{len(kept) * 384 * 4 / 2**20:,.0f} MiB in memory")
    if not hnsw:
        return
    part = kept[:hnsw]
    before, begun = resident(), time.perf_counter()
    graph = faiss.IndexHNSWFlat(384, 32, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 80
    graph.add(part)
    built = time.perf_counter() - begun
    graph.hnsw.efSearch = 128
    small = faiss.IndexFlatIP(384)
    small.add(part)
    alike = [set(row.tolist()) for row in small.search(queries, 10)[1]]
    name = f"FAISS HNSW (32, efSearch 128), {len(part):,}"
    timed(name, lambda query: graph.search(query[None], 10)[1][0].tolist(), queries, alike)
    print(f"{'':<4}built in {built:.0f} s, {resident() - before:,} MiB with its vectors")


def main() -> None:
    """Builds, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--flat", type=int, default=500_000, help="vectors of FAISS flat at most")
    parser.add_argument("--hnsw", type=int, default=50_000, help="vectors of the HNSW index, 0 leaves it out")
    parser.add_argument("--postgres", type=int, default=50_000, help="vectors in pgvector, 0 leaves it out")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="where the index is made; a temporary folder by default")
    given = parser.parse_args()
    faiss.omp_set_num_threads(given.threads)
    real = real_vectors()
    queries, real = real[:QUERIES], real[QUERIES:]
    print(
        f"{platform.machine()}, {given.threads} threads, {given.vectors:,} vectors of 384 numbers", flush=True
    )
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        index = VectorIndex(Path(folder))
        index.fit(real)
        before = resident()
        exact, kept = made(index, real, queries, given.vectors, given.flat)
        held = resident() - before - kept.nbytes // 2**20
        half = QUERIES // 2
        begun = time.perf_counter()
        chosen = index.calibrate(queries[:half])
        print(
            f"calibrated on {half} other queries in {time.perf_counter() - begun:.0f} s: {chosen}", flush=True
        )
        tested, wanted = queries[half:], exact.found()[half:]
        timed(
            "octavo: bits, 96 of 384, 384",
            lambda query: [row for row, _ in index.search(query)],
            tested,
            wanted,
        )
        bits(index, tested)
        some = np.arange(0, len(kept), 10)
        tenth = faiss.IndexFlatIP(384)
        tenth.add(kept[some])
        inside = [set(some[row].tolist()) for row in tenth.search(tested, 10)[1]]

        def narrowed(query: FloatArray) -> list[int]:
            return [row for row, _ in index.search(query, among=some)]

        timed(f"octavo, a filter that leaves {len(some):,}", narrowed, tested, inside)
        disk = sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**20
        print(
            f"{'':<4}files {disk:,.0f} MiB, mapped, of which {given.vectors * 48 / 2**20:,.0f} are read by "
            f"every search; {max(0, held):,} MiB beside them",
            flush=True,
        )
        peers(kept, given.hnsw, tested)
        if given.postgres:
            pgvector(kept[: given.postgres], tested, timed)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"memory at its peak {peak:,.0f} MiB, peers and mapped files included")


def bits(index: VectorIndex, queries: FloatArray) -> None:
    """Times stage one alone: the scan over the signs of all vectors."""
    codes = np.packbits(queries > queries.mean(axis=0), axis=1)
    scanned, kept, times = index.codes, index.meta.coarse, []
    for code in codes:
        start = time.perf_counter()
        faiss.knn_hamming(code[None], scanned, kept, variant="mc")
        times.append(1e3 * (time.perf_counter() - start))
    p50, p95 = np.percentile(times, [50, 95])
    print(f"{'':<4}stage one alone, {kept:,} candidates: p50 {p50:.1f} ms, p95 {p95:.1f}", flush=True)


if __name__ == "__main__":
    main()
