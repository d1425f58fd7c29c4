"""What one waits for now and then: the start of the page, a vote that shows, the digests of many subscribers.

python benchmarks/page/moments.py
"""

import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient

from octavo.page.digest import sending
from octavo.page.ingest import import_library
from octavo.page.settings import Settings
from octavo.page.store import Mail, Store, Subscriber
from octavo.page.tokens import Tokens
from octavo.page.web.app import create

VOTES, MAILS, ITEMS = 15, 500, 10


def start(folder: Path) -> float:
    """Seconds from the command to the first page, over a store that is there; the encoder loads meanwhile."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "octavo", "page", "serve", "--dev", "--folder", str(folder)]
    begun = time.perf_counter()
    server = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).read()
                return time.perf_counter() - begun
            except OSError:
                time.sleep(0.01)
    finally:
        server.terminate()
        server.wait(60)


def vote(settings: Settings, store: Store) -> list[float]:
    """Seconds from each vote to the list that shows the paper first, both requests included."""
    found = []
    with TestClient(create(settings, store), follow_redirects=False) as client:
        for paper in store.papers.ids(order="newest", limit=VOTES):
            token = re.search(r'name="form_token" value="([^"]+)"', client.get("/subscribe").text)
            assert token is not None
            begun = time.perf_counter()
            client.post("/votes", data={"form_token": token[1], "paper": paper})
            listed = client.get("/").text
            found.append(time.perf_counter() - begun)
            assert listed.index("/papers/") < len(listed)
            assert store.papers.ids(limit=len(found)).count(paper) == 1
    return found


def digests(settings: Settings, store: Store) -> float:
    """Mails a second, written from the store to their last byte."""
    tokens, papers = Tokens(settings.secret, store.now), tuple(store.papers.ids(limit=ITEMS))
    begun = time.perf_counter()
    for number in range(1, MAILS + 1):
        someone = Subscriber(number, f"reader{number}@example.org", "confirmed", {"every": "week"})
        mail = Mail(number, number, 1, papers, "sending", 0, 0.0, 0.0)
        bytes(sending.render(settings, store, tokens, someone, mail))
    return MAILS / (time.perf_counter() - begun)


def main() -> None:
    """Measures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(folder=folder)
        import_library(store)
        settings = Settings("benchmark " * 4, "http://testserver", data=folder)
        times = 1e3 * np.array(vote(settings, store))
        print(
            f"a vote and the list that shows it: median {np.median(times):.0f} ms, worst {times.max():.0f} ms"
        )
        print(f"digests of {ITEMS} papers: {digests(settings, store):,.0f} mails a second, one thread")
        store.close()
        print(f"from the command to the first page: {start(folder):.1f} s")


if __name__ == "__main__":
    main()
