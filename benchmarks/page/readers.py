"""A hundred readers at once over a catalogue of 100,000 papers: how long lists, searches and papers take.

    python benchmarks/page/readers.py

The server and the readers share this machine. Each reader opens a page, thinks for five seconds on average
(half to one and a half times that), and opens the next, of a mix of lists, searches by words and meaning, and
papers; every search is one that nobody has asked before. Then again with one second, and at last all ask for
a list without thinking, as fast as they get it, which is what the server can do at most. The readers say how
much of a core they took themselves, and how late their own clock was: times are theirs and not the server's
where that is much.
"""

import argparse
import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from search import QUERIES, more_like, real_vectors  # type: ignore[import-not-found]
from texts import catalogue  # type: ignore[import-not-found]

from octavo.cli.page import ONE_THREAD

READERS, SECONDS = 100, 20.0
THINK = (5.0, 1.0)
"""Seconds between two pages of a reader, on average: the first is a reader's, the second is in a hurry."""
LISTS = (
    "",
    "sort=newest&",
    "category=cs.CL&",
    "shelf=sequence&",
    "sort=votes&",
    "demo=1&",
    "category=cs.LG&",
)


def fill(folder: Path, papers: int) -> None:
    """A store with so many papers, votes for some, and a vector for each."""
    from octavo.page.ingest import import_library
    from octavo.page.search import VectorIndex
    from octavo.page.store import Store

    store = Store(folder=folder)
    import_library(store)
    batch = []
    for paper in catalogue(papers):
        batch.append(paper)
        if len(batch) == 5000:
            store.papers.put(batch)
            batch.clear()
    store.papers.put(batch)
    draw = random.Random(0)
    ids = store.papers.ids(order="newest", limit=papers)
    for _ in range(2000):
        store.votes.cast(f"s{draw.random()}", draw.choice(ids), str(draw.random()))
    index, titles = VectorIndex(folder / "vectors"), real_vectors()[QUERIES:]
    index.fit(titles)
    rows = np.array(store.papers.rows())
    index.add(rows, more_like(titles, len(rows), np.random.default_rng(1)), tier=2)
    index.calibrate(real_vectors()[:40])
    store.close()


def serve(folder: Path, port: int, meaning: bool) -> None:
    """The page over that store, without limits on rates."""
    import uvicorn

    from octavo.page.finding import Fused
    from octavo.page.search import Search, search_of
    from octavo.page.search.process import beside
    from octavo.page.settings import Limits, Rate, Settings
    from octavo.page.store import Store
    from octavo.page.web.app import create

    free = Rate(10**9, 60)
    limits = Limits(free, free, free, free, free, free)
    store = Store(folder=folder)
    sys.setswitchinterval(0.001)
    search = search_of(store, beside) if meaning else Search(store)
    search.warm(wait=True)
    search.words.warm()
    settings = Settings("benchmark " * 4, f"http://127.0.0.1:{port}", data=folder, limits=limits)
    app = create(settings, store, finder=Fused(search))
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


@dataclass
class Catalogue:
    """What readers ask for: ids to open, titles to take words from."""

    ids: list[str]
    titles: list[str]

    @classmethod
    def of(cls, folder: Path) -> "Catalogue":
        """What a store has."""
        from octavo.page.store import Store

        store = Store(folder=folder)
        papers, row = [], 0
        while batch := store.papers.after(row, 5000):
            papers += [(paper.id, paper.title) for paper in batch]
            row = batch[-1].row
        store.close()
        return cls([name for name, _ in papers], [title for _, title in papers])


@dataclass
class Seen:
    """What the readers saw: milliseconds by kind, and how late they were themselves."""

    times: dict[str, list[float]] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)
    seconds: float = 0.0
    own: float = 0.0

    def report(self) -> None:
        """The median and the 95th percentile of each kind."""
        everything = [each for found in self.times.values() for each in found]
        for kind, values in [*sorted(self.times.items()), ("all", everything)]:
            p50, p95, p99 = np.percentile(values, [50, 95, 99])
            print(f"{kind:<12} {len(values):>6}   p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   p99 {p99:6.1f} ms")
        print(
            f"{len(everything) / self.seconds:.0f} requests/s; the readers took "
            f"{self.own / self.seconds:.2f} of a core, their clock was "
            f"{np.percentile(self.late, 95):.1f} ms late at the 95th percentile",
            flush=True,
        )


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> int:
    """Asks for one page over a kept connection, and reads all of it; returns the status."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if "content-length:" in head:
        await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
    else:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return int(head.split()[1])


def path(draw: random.Random, known: Catalogue) -> tuple[str, str]:
    """What a reader opens next, and its kind."""
    kind = draw.choices(("list", "search", "paper"), (5, 3, 2))[0]
    if kind == "list":
        return kind, f"/?{draw.choice(LISTS)}page={draw.choice((1, 1, 1, 2, 3))}"
    if kind == "search":
        words = "".join(each if each.isalnum() else " " for each in draw.choice(known.titles)).split()
        count = draw.choice((1, 2, 2, 3, 3, 4, 6))
        begin = draw.randrange(max(1, len(words) - count + 1))
        return kind, "/?q=" + "+".join(words[begin : begin + count])
    return kind, f"/papers/{draw.choice(known.ids)}"


async def read(port: int, seed: int, known: Catalogue, think: float, until: float, seen: Seen) -> None:
    """One reader."""
    draw = random.Random(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(draw.random() * think)
    while time.perf_counter() < until:
        kind, wanted = path(draw, known) if think else ("cached list", "/?page=1")
        start = time.perf_counter()
        wanted = wanted.encode("ascii", "ignore").decode()
        try:
            status = await ask(reader, writer, wanted)
        except (asyncio.IncompleteReadError, ConnectionError):
            # The server has closed a connection that was idle: a browser opens another one, in this time.
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            status = await ask(reader, writer, wanted)
        took = time.perf_counter() - start
        seen.times.setdefault(kind if status == 200 else f"status {status}", []).append(1e3 * took)
        if think:
            await asyncio.sleep(draw.uniform(0.5, 1.5) * think)
    writer.close()


async def watch(until: float, seen: Seen) -> None:
    """How late a sleep of ten milliseconds is: what the readers add to every time."""
    while (start := time.perf_counter()) < until:
        await asyncio.sleep(0.01)
        seen.late.append(1e3 * (time.perf_counter() - start - 0.01))


async def crowd(port: int, known: Catalogue, think: float, seconds: float, first: int) -> Seen:
    """All readers, for some seconds."""
    seen = Seen()
    start, spent = time.perf_counter(), time.process_time()
    until = start + seconds
    readers = (read(port, first + seed, known, think, until, seen) for seed in range(READERS))
    await asyncio.gather(watch(until, seen), *readers)
    seen.seconds, seen.own = time.perf_counter() - start, time.process_time() - spent
    return seen


def measure(folder: Path, think: tuple[float, ...], meaning: bool) -> None:
    """Starts a server over a store, and lets the readers in."""
    known = Catalogue.of(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        __file__,
        "--serve",
        str(folder),
        str(port),
        *(() if meaning else ("--words",)),
    ]
    server = subprocess.Popen(command, env={**os.environ, **dict.fromkeys(ONE_THREAD, "1")})
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        load = f"load {os.getloadavg()[0]:.1f}"
        print(f"{len(known.ids):,} papers, {READERS} readers, {os.cpu_count()} cores, {load}")
        asyncio.run(crowd(port, known, 1.0, 10.0, 10_000))
        for number, seconds in enumerate(think):
            print(f"each reader opens a page, thinks for {seconds:g} s on average, opens the next")
            asyncio.run(crowd(port, known, seconds, SECONDS, 1000 * number)).report()
        print("without thinking, as fast as they come")
        asyncio.run(crowd(port, known, 0.0, SECONDS, 0)).report()
    finally:
        server.terminate()
        server.wait(20)


def main() -> None:
    """Measures."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--papers", type=int, default=100_000)
    arguments.add_argument("--think", type=float, nargs="+", default=THINK, help="seconds between two pages")
    arguments.add_argument("--words", action="store_true", help="search by words alone")
    arguments.add_argument(
        "--folder", type=Path, help="where the catalogue is kept; made where there is none"
    )
    arguments.add_argument("--serve", nargs=2, metavar=("FOLDER", "PORT"), help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.serve:
        serve(Path(given.serve[0]), int(given.serve[1]), not given.words)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not (folder / "page.sqlite").is_file():
            fill(folder, given.papers)
        measure(folder, tuple(given.think), not given.words)


if __name__ == "__main__":
    main()
