"""Demos take turns: each in a process of its own, from a server that has the libraries loaded."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

from octavo.page.demo import worker
from octavo.page.demo.form import Form
from octavo.page.demo.worker import Failed, Shown
from octavo.page.settings import DemoLimits

PRELOADED = ("torch", "matplotlib.pyplot", "octavo.page.demo.worker", "octavo.lab", "octavo.data")
DESCRIBING = 120.0
GRACE = 2.0


class Busy(Exception):
    """More demos wait than may."""


class Demos:
    """Runs demos within limits.

    Args:
        limits: what one run may take, and how many run and wait.
    """

    def __init__(self, limits: DemoLimits) -> None:
        self.limits = limits
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(PRELOADED))
        self._turns = ThreadPoolExecutor(limits.at_once, thread_name_prefix="demo")
        self._waiting = 0
        self._count = threading.Lock()
        self._forms: dict[str, Form | Failed] = {}
        self._describing = threading.Lock()

    def forms(self, slugs: Sequence[str]) -> dict[str, Form | Failed]:
        """The forms of papers; those that are not known yet are made, which takes seconds the first time."""
        with self._describing:
            missing = [slug for slug in slugs if slug not in self._forms]
            if missing:
                self._forms |= self._described(missing)
        return {slug: self._forms[slug] for slug in slugs}

    def known(self, slug: str) -> Form | Failed | None:
        """The form of a paper if it is known already."""
        return self._forms.get(slug)

    async def run(self, slug: str, values: Mapping[str, str | bytes]) -> Shown | Failed:
        """Runs a demo when its turn comes.

        Args:
            slug: the paper.
            values: as `octavo.page.demo.form.checked` gives them.

        Raises:
            Busy: too many are waiting.
        """
        with self._count:
            if self._waiting >= self.limits.waiting + self.limits.at_once:
                raise Busy
            self._waiting += 1
        try:
            turn = asyncio.get_running_loop().run_in_executor(self._turns, self._in_turn, slug, values)
            return await turn
        finally:
            with self._count:
                self._waiting -= 1

    def _in_turn(self, slug: str, values: Mapping[str, str | bytes]) -> Shown | Failed:
        scratch = worker.new_scratch()
        try:
            return self._run(slug, values, scratch)
        finally:
            worker.remove(scratch)

    def _run(self, slug: str, values: Mapping[str, str | bytes], scratch: str) -> Shown | Failed:
        mine, theirs = self._context.Pipe(duplex=False)
        arguments = (slug, dict(values), scratch, self.limits, worker.settings(), theirs)
        process = self._context.Process(target=worker.run, args=arguments, daemon=True)
        process.start()
        theirs.close()
        try:
            if not mine.poll(self.limits.seconds):
                return Failed(
                    f"The demo did not end within {self.limits.seconds:.0f} seconds; ask for less of it."
                )
            result: Shown | Failed = mine.recv()
            return result
        except EOFError:
            process.join(GRACE)
            if process.exitcode == -signal.SIGXCPU or process.exitcode == -signal.SIGKILL:
                return Failed(
                    f"The demo used up its {self.limits.seconds:.0f} seconds or its memory; "
                    "ask for less of it."
                )
            return Failed("The demo's process ended without an answer; the page goes on.")
        finally:
            mine.close()
            _end(process)

    def _described(self, slugs: Sequence[str]) -> dict[str, Form | Failed]:
        mine, theirs = self._context.Pipe(duplex=False)
        arguments = (list(slugs), worker.settings(), theirs)
        process = self._context.Process(target=worker.describe, args=arguments, daemon=True)
        process.start()
        theirs.close()
        found: dict[str, Any] = {}
        try:
            while len(found) < len(slugs) and mine.poll(DESCRIBING):
                slug, form = mine.recv()
                found[slug] = form
        except EOFError:
            pass
        finally:
            mine.close()
            _end(process)
        return {slug: found.get(slug, Failed("The demo could not be loaded.")) for slug in slugs}


def _end(process: ForkServerProcess) -> None:
    """Ends a process and whatever it started."""
    process.join(0.2)
    if process.is_alive() and process.pid:
        # The demo made itself the leader of its session.
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.join(GRACE)
    # On a busy machine a killed process takes longer to go: that is no fault of the demo.
    if not process.is_alive():
        process.close()
