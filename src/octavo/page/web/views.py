"""The views of papers, written once a second: a reader does not wait for the one place of a writer."""

import asyncio
import threading

from octavo.page.store import Votes

PAUSE = 1.0


class Views:
    """Collects views; what was collected in the last second is lost with a server that is killed.

    Args:
        votes: of the store, which counts them.
    """

    def __init__(self, votes: Votes) -> None:
        self._votes = votes
        self._collected: list[tuple[str, str]] = []
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def add(self, subject: str, paper: str) -> None:
        """Notes that a reader has a paper before it; called in the event loop."""
        with self._lock:
            self._collected.append((subject, paper))
            first = len(self._collected) == 1
        if first:
            loop = asyncio.get_running_loop()
            loop.call_later(PAUSE, loop.run_in_executor, None, self.write)

    def write(self) -> None:
        """Counts what was collected."""
        with self._writing:
            with self._lock:
                pairs, self._collected = self._collected, []
            if pairs:
                self._votes.view_all(pairs)
