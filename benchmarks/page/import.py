"""How fast the snapshot of arXiv comes in: rows a second with the full-text index, and memory.

Rows have the form and the lengths of arXiv's, with words drawn by Zipf's law. The import runs in a process of
its own, which is killed once on the way and started again.

    python benchmarks/page/import.py --rows 1000000
"""

import argparse
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import orjson

from octavo.page.ingest import import_snapshot
from octavo.page.store import Store

VOCABULARY = 200_000
WORDS = 150
CATEGORIES = ("cs.CL cs.LG", "cs.LG stat.ML", "hep-ph", "math.GT", "cs.CV", "astro-ph.GA")


def write(file: Path, rows: int) -> None:
    """Writes a snapshot of so many rows."""
    draw = np.random.default_rng(0)
    chances = np.cumsum(1 / np.arange(1, VOCABULARY + 1) ** 1.05)
    words = [f"{np.base_repr(n, 36).lower()}{('ing', 'ed', 's', '')[n % 4]}" for n in range(VOCABULARY)]
    with file.open("wb") as lines:
        for first in range(0, rows, 10_000):
            drawn = draw.random((min(10_000, rows - first), WORDS)) * chances[-1]
            chosen = np.searchsorted(chances, drawn).tolist()
            for number, ids in enumerate(chosen, start=first):
                text = [words[each] for each in ids]
                row = {
                    "id": f"{700 + number // 90_000:04}.{number % 90_000 + 1:05}",
                    "authors": "A. Author, B. Author",
                    "title": " ".join(text[:9]),
                    "comments": "12 pages",
                    "categories": CATEGORIES[number % len(CATEGORIES)],
                    "abstract": " ".join(text),
                    "versions": [{"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}],
                    "update_date": "2008-11-26",
                    "authors_parsed": [[text[0], "A.", ""], [text[1], "B.", ""]],
                }
                lines.write(orjson.dumps(row) + b"\n")


def child(folder: Path, file: Path) -> None:
    """Imports, and says what it took."""
    start = time.perf_counter()
    report = import_snapshot(Store(folder=folder), file)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{report.papers.inserted} {time.perf_counter() - start:.2f} {peak}")


def main() -> None:
    """Writes the rows, imports, kills, imports the rest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--file", type=Path, help="where the snapshot is kept; written where there is none")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    with tempfile.TemporaryDirectory() as name:
        file, folder = given.file or Path(name) / "snapshot.json", Path(name) / "page"
        if not file.is_file():
            write(file, given.rows)
        command = [sys.executable, __file__, "--child", str(folder), str(file)]
        process = subprocess.Popen(command)
        time.sleep(5)
        process.send_signal(signal.SIGKILL)
        process.wait()
        store = Store(folder=folder)
        before = store.papers.count()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        inserted, seconds, peak = done.stdout.split()
        print(f"killed after {before:,} rows; the rest: {int(inserted):,} in {float(seconds):.1f} s")
        print(f"{int(inserted) / float(seconds):,.0f} rows a second, {int(peak):,} MiB at the peak")
        assert store.papers.count() == before + int(inserted) == given.rows
        store.close()


if __name__ == "__main__":
    main()
