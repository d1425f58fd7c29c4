"""A hundred readers at once over a catalogue of 100,000 papers: how long lists, searches and papers take.

    python benchmarks/page/readers.py

The server is one process, the readers another, on the same machine. First each reader asks for a page a
second, of a mix of lists, searches by words and papers; then all ask for lists as fast as they get them.
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
from itertools import accumulate
from pathlib import Path
from statistics import quantiles

READERS, SECONDS, THINK = 100, 20.0, 1.0
HEADS = ("ba", "co", "di", "fu", "ge", "la", "mo", "ne", "pi", "ro", "sa", "tu")
TAILS = ("ral", "sion", "tive", "ment", "nic", "gram", "ture", "ble", "ring", "lex", "dor", "min")
WORDS = [a + b + c + d for a in HEADS for b in TAILS for c in HEADS for d in TAILS]
"""Some 20,000 words; the first ones are common, as those of a language are."""
FREQUENCY = list(accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))


def fill(folder: Path, papers: int) -> None:
    """A store with so many papers of random words."""
    from octavo.page.ingest import import_library
    from octavo.page.store import ListedPaper, Store

    store = Store(folder=folder)
    import_library(store)
    draw = random.Random(0)
    for start in range(0, papers, 5000):
        store.papers.put(
            ListedPaper(
                id=f"{2001 + number // 10_000}.{number % 10_000:05}",
                title=" ".join(draw.choices(WORDS, cum_weights=FREQUENCY, k=8)).capitalize(),
                abstract=" ".join(draw.choices(WORDS, cum_weights=FREQUENCY, k=120)),
                authors=tuple(f"Author {draw.randrange(9999)}" for _ in range(4)),
                categories=(draw.choice(("cs.LG", "cs.CL", "stat.ML", "math.OC")),),
                published=f"20{draw.randrange(10, 25)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}",
                source="arxiv",
            )
            for number in range(start, min(start + 5000, papers))
        )
    for _ in range(2000):
        number = draw.randrange(papers)
        store.votes.cast(
            f"s{draw.random()}", f"{2001 + number // 10_000}.{number % 10_000:05}", str(draw.random())
        )
    store.close()


def serve(folder: Path, port: int) -> None:
    """The page over that store, without limits on rates."""
    import uvicorn

    from octavo.page.finding import Fused
    from octavo.page.search import Search
    from octavo.page.settings import Limits, Rate, Settings
    from octavo.page.store import Store
    from octavo.page.web.app import create

    free = Rate(10**9, 60)
    limits = Limits(free, free, free, free, free, free)
    store = Store(folder=folder)
    settings = Settings("benchmark " * 4, f"http://127.0.0.1:{port}", data=folder, limits=limits)
    app = create(settings, store, finder=Fused(Search(store)))
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


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


def path(draw: random.Random, papers: int) -> tuple[str, str]:
    """What a reader opens next, and its kind."""
    kind = draw.choices(("list", "search", "paper"), (5, 3, 2))[0]
    if kind == "list":
        query = draw.choice(
            ("", "sort=newest&", "category=cs.CL&", "shelf=sequence&", "sort=votes&", "demo=1&")
        )
        return kind, f"/?{query}page={draw.choice((1, 1, 1, 2, 3))}"
    if kind == "search":
        return kind, "/?q=" + "+".join(draw.choices(WORDS, cum_weights=FREQUENCY, k=3))
    number = draw.randrange(papers)
    return kind, f"/papers/{2001 + number // 10_000}.{number % 10_000:05}"


async def read(
    port: int, seed: int, papers: int, think: float, until: float, times: dict[str, list[float]]
) -> None:
    """One reader."""
    draw = random.Random(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(draw.random() * think)
    while time.perf_counter() < until:
        kind, wanted = path(draw, papers) if think else ("cached list", "/?page=1")
        start = time.perf_counter()
        status = await ask(reader, writer, wanted)
        took = time.perf_counter() - start
        times.setdefault(kind if status == 200 else f"status {status}", []).append(1e3 * took)
        if think:
            await asyncio.sleep(draw.uniform(0.5, 1.5) * think)
    writer.close()


async def crowd(port: int, papers: int, think: float) -> dict[str, list[float]]:
    """All readers, for some seconds."""
    times: dict[str, list[float]] = {}
    until = time.perf_counter() + SECONDS
    await asyncio.gather(*(read(port, seed, papers, think, until, times) for seed in range(READERS)))
    return times


def report(times: dict[str, list[float]]) -> None:
    """The median and the 95th percentile of each kind."""
    for kind, values in [
        *sorted(times.items()),
        ("all", [each for found in times.values() for each in found]),
    ]:
        cuts = quantiles(values, n=100)
        marks = "   ".join(f"p{each} {cuts[each - 1]:6.1f} ms" for each in (50, 95, 99))
        print(f"{kind:<12} {len(values):>6}   {marks}")


def main() -> None:
    """Measures."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--papers", type=int, default=100_000)
    arguments.add_argument("--serve", nargs=2, metavar=("FOLDER", "PORT"))
    given = arguments.parse_args()
    if given.serve:
        serve(Path(given.serve[0]), int(given.serve[1]))
        return
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        fill(Path(folder), given.papers)
        command = [sys.executable, __file__, "--serve", folder, str(port)]
        server = subprocess.Popen(command)
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            load = f"load {os.getloadavg()[0]:.1f}"
            print(f"{given.papers:,} papers, {READERS} readers, {os.cpu_count()} cores, {load}")
            print(f"each reader a page every {THINK:.0f} s")
            report(asyncio.run(crowd(port, given.papers, THINK)))
            print("as fast as they come")
            times = asyncio.run(crowd(port, given.papers, 0.0))
            report(times)
            print(f"{sum(map(len, times.values())) / SECONDS:.0f} requests/s")
        finally:
            server.terminate()
            server.wait(20)


if __name__ == "__main__":
    main()
