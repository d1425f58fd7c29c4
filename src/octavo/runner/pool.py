"""Units side by side in processes of their own; one that dies takes its unit with it and nothing else."""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from octavo.lab.folder import FolderError, Run
from octavo.runner.display import Display
from octavo.runner.execution import Ended, Settings, ended_line, thread_environment
from octavo.runner.plans import Unit
from octavo.runner.worker import Event, Job


@dataclass(eq=False)
class Worker:
    """A process that does one unit after another."""

    index: int
    process: "subprocess.Popen[bytes]"
    log: Any
    unit: Unit | None = None
    since: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, index: int, settings: Settings, inbox: "queue.Queue[Any]", device: str) -> "Worker":
        """Start a process whose threads are set before it loads anything."""
        log = tempfile.TemporaryFile()  # noqa: SIM115
        # The paths of this process, since octavo and private papers may not be installed.
        program = f"import sys; sys.path[:] = {sys.path!r}; from octavo.runner.worker import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **thread_environment(settings.threads), **_one_gpu(index, device)},
            # Ctrl-C is for the process that holds the plan; it ends its workers itself.
            start_new_session=True,
        )
        worker = cls(index, process, log)
        threading.Thread(target=worker._listen, args=(inbox,), daemon=True).start()
        return worker

    def give(self, job: Job) -> None:
        """Send a unit."""
        self.unit, self.since = job.unit, time.monotonic()
        assert self.process.stdin is not None
        # A process that died meanwhile is noticed by its listener.
        with contextlib.suppress(BrokenPipeError):
            pickle.dump(job, self.process.stdin)
            self.process.stdin.flush()

    def end(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]
        self.log.close()

    def last_words(self) -> str:
        """Why the process died, as far as can be told."""
        code = self.process.wait()
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        said = f": {lines[-1]}" if lines else ""
        if code == -signal.SIGKILL:
            return f"its process was killed, perhaps for want of memory{said}"
        return f"its process ended with code {code}{said}"

    def _listen(self, inbox: "queue.Queue[Any]") -> None:
        assert self.process.stdout is not None
        while True:
            try:
                inbox.put((self, pickle.load(self.process.stdout)))
            except Exception:
                inbox.put((self, None))
                return


class Pool:
    """Does units in up to `jobs` processes, and those that measure time in one, alone, at the end.

    Args:
        jobs: how many processes.
        settings: how units are done.
        run: where their records go.
        limit: seconds that a unit may take; None for as long as it likes.
    """

    def __init__(self, jobs: int, settings: Settings, run: Run, limit: float | None = None) -> None:
        self._jobs, self._settings, self._run, self._limit = jobs, settings, run, limit
        self._inbox: queue.Queue[Any] = queue.Queue()
        self._workers: list[Worker] = []

    def do(self, units: Sequence[Unit], display: Display) -> Iterator[tuple[Unit, Ended]]:
        """Do all units, and tell of each as it ends.

        Raises:
            FolderError: the run's folder cannot be written.
        """
        ordinary = deque(unit for unit in units if not unit.timed)
        timed = deque(unit for unit in units if unit.timed)
        try:
            while ordinary or timed or self._busy():
                self._hand_out(ordinary, timed, display)
                try:
                    worker, event = self._inbox.get(timeout=0.2)
                except queue.Empty:
                    pass
                else:
                    yield from self._hear(worker, event, display)
                yield from self._stop_the_late()
                display.tick()
        finally:
            for worker in self._workers:
                worker.end()

    def _busy(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.unit is not None]

    def _hand_out(self, ordinary: deque[Unit], timed: deque[Unit], display: Display) -> None:
        if not ordinary and timed and not self._busy():
            for worker in self._workers[1:]:
                worker.end()
            del self._workers[1:]
            self._give(timed.popleft(), display)
        while ordinary and len(self._busy()) < self._jobs:
            self._give(ordinary.popleft(), display)

    def _give(self, unit: Unit, display: Display) -> None:
        idle = next((worker for worker in self._workers if worker.unit is None), None)
        if idle is None:
            taken = {worker.index for worker in self._workers}
            index = next(index for index in range(self._jobs) if index not in taken)
            idle = Worker.start(index, self._settings, self._inbox, unit.device)
            self._workers.append(idle)
        idle.give(Job(unit, self._settings, self._run.folder.absolute()))
        display.started(unit)

    def _hear(self, worker: Worker, event: Event | None, display: Display) -> Iterator[tuple[Unit, Ended]]:
        if worker not in self._workers:
            return
        unit = worker.unit
        if event is None:
            self._workers.remove(worker)
            why = worker.last_words()
            worker.end()
            if unit is not None:
                seconds = time.monotonic() - worker.since
                yield unit, Ended(ended_line(unit, "failed", why=why, seconds=seconds))
        elif event.kind == "broken":
            raise FolderError(event.content)
        elif unit is not None and event.kind == "report":
            display.report(unit, event.content)
        elif unit is not None and event.kind == "say":
            display.say(unit, event.content)
        elif unit is not None:
            worker.unit = None
            yield unit, event.content

    def _stop_the_late(self) -> Iterator[tuple[Unit, Ended]]:
        if self._limit is None:
            return
        for worker in self._busy():
            seconds = time.monotonic() - worker.since
            if seconds > self._limit and worker.unit is not None:
                self._workers.remove(worker)
                worker.end()
                why = f"it took longer than {self._limit:g} s"
                yield worker.unit, Ended(ended_line(worker.unit, "timeout", why=why, seconds=seconds))


def _one_gpu(index: int, device: str) -> dict[str, str]:
    if device != "cuda":
        return {}
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    names = visible if visible != [""] else [str(number) for number in range(torch.cuda.device_count())]
    return {"CUDA_VISIBLE_DEVICES": names[index % len(names)]} if names else {}
