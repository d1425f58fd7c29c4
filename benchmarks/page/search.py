"""Search by meaning over millions of vectors: the page's three stages beside FAISS flat and HNSW.

Vectors: all-MiniLM-L6-v2 of real arXiv titles (OCTAVO_DATA), and as many more as are asked for, made of
pairs of them and differences of others, so that they lie as real ones do. Queries are titles that nothing
was made of. HNSW is built over fewer vectors, since 2.5 million take it hours on two cores; its line says
how many.

    python benchmarks/page/search.py --vectors 2500000
"""

import argparse
import csv
import lzma
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

from octavo.data.places import cache_folder, find_file
from octavo.page.search import MiniLM, VectorIndex
from octavo.page.search.vectors import FloatArray

QUERIES = 200
REAL = 8000
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


def main() -> None:
    """Builds, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--hnsw", type=int, default=50_000, help="vectors of the HNSW index, 0 leaves it out")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="where the index is made; a temporary folder by default")
    given = parser.parse_args()
    faiss.omp_set_num_threads(given.threads)
    real = real_vectors()
    queries, real = real[:QUERIES], real[QUERIES:]
    print(f"{platform.machine()}, {given.threads} threads, {given.vectors:,} vectors of 384 numbers")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        index = VectorIndex(Path(folder))
        index.fit(real)
        flat = faiss.IndexFlatIP(384)
        start, draw = time.perf_counter(), np.random.default_rng(1)
        adding = 0.0
        for first in range(0, given.vectors, CHUNK):
            count = min(CHUNK, given.vectors - first)
            vectors = real[:count] if first == 0 and count <= len(real) else more_like(real, count, draw)
            if first == 0 and count > len(real):
                vectors[: len(real)] = real
            flat.add(vectors)
            begun = time.perf_counter()
            index.add(np.arange(first, first + count), vectors, tier=2)
            adding += time.perf_counter() - begun
        print(f"made in {time.perf_counter() - start:.0f} s, {given.vectors / adding:,.0f} a second")
        _, near = flat.search(queries, 10)
        exact = [set(row.tolist()) for row in near]
        half = QUERIES // 2
        chosen = index.calibrate(queries[:half][:40])
        print(f"calibrated on 40 other queries: {chosen}")
        tested, wanted = queries[half:], exact[half:]
        timed(
            "octavo: bits, 96 of 384, 384",
            lambda query: [row for row, _ in index.search(query)],
            tested,
            wanted,
        )
        some = np.sort(draw.choice(given.vectors, given.vectors // 10, replace=False)).astype(np.int64)
        tenth = faiss.IndexFlatIP(384)
        tenth.add(flat.reconstruct_batch(some))
        inside = [set(some[row].tolist()) for row in tenth.search(tested, 10)[1]]

        def narrowed(query: FloatArray) -> list[int]:
            return [row for row, _ in index.search(query, among=some)]

        timed("octavo, a filter that leaves a tenth", narrowed, tested, inside)
        disk = sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**20
        print(f"{'':<4}files {disk:,.0f} MiB, of which 48 bytes a vector are read in full by every search")
        timed(
            "FAISS flat, float32",
            lambda query: flat.search(query[None], 10)[1][0].tolist(),
            tested[:20],
            wanted[:20],
        )
        print(f"{'':<4}{given.vectors * 384 * 4 / 2**20:,.0f} MiB in memory")
        if given.hnsw:
            size = min(given.hnsw, given.vectors)
            part = flat.reconstruct_n(0, size)
            before, begun = resident(), time.perf_counter()
            graph = faiss.IndexHNSWFlat(384, 32, faiss.METRIC_INNER_PRODUCT)
            graph.hnsw.efConstruction = 80
            graph.add(part)
            built = time.perf_counter() - begun
            graph.hnsw.efSearch = 128
            small = faiss.IndexFlatIP(384)
            small.add(part)
            alike = [set(row.tolist()) for row in small.search(tested, 10)[1]]
            name = f"FAISS HNSW (32, efSearch 128), {size:,}"
            timed(name, lambda query: graph.search(query[None], 10)[1][0].tolist(), tested, alike)
            print(f"{'':<4}built in {built:.0f} s, {resident() - before:,} MiB with its vectors")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"memory at its peak {peak:,.0f} MiB, peers and mapped files included")


if __name__ == "__main__":
    main()
