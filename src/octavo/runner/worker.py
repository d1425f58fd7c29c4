"""A worker process: reads units from its input, does them, and tells of them on its output."""

import os
import pickle
import queue
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from octavo.errors import OctavoError
from octavo.lab.folder import Run
from octavo.runner.execution import Settings, execute
from octavo.runner.plans import Unit


@dataclass(frozen=True)
class Job:
    """A unit on its way to a worker."""

    unit: Unit
    settings: Settings
    folder: Path


@dataclass(frozen=True)
class Event:
    """What a worker tells: `report` and `say` while it works, then `end`, or `broken` if it cannot go on."""

    kind: str
    content: Any


def main() -> None:
    """Work until the input ends, which it does when whoever started this process is gone."""
    jobs_in, events_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What experiments print must not get between the events.
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    jobs: queue.Queue[Job] = queue.Queue()
    threading.Thread(target=_receive, args=(jobs_in, jobs), daemon=True).start()
    while True:
        job = jobs.get()
        try:
            _tell(events_out, Event("end", _do(job, events_out)))
        except OctavoError as error:
            _tell(events_out, Event("broken", str(error)))


def _do(job: Job, events_out: BinaryIO) -> Any:
    run = Run(job.folder)
    return execute(
        job.unit,
        run,
        job.settings,
        work=run.work(job.unit.part, job.unit.seed),
        report=lambda report: _tell(events_out, Event("report", dict(report))),
        say=lambda message: _tell(events_out, Event("say", message)),
    )


def _receive(jobs_in: BinaryIO, jobs: "queue.Queue[Job]") -> None:
    while True:
        try:
            jobs.put(pickle.load(jobs_in))
        except EOFError:
            sys.stderr.flush()
            # Nobody is left to hear of the unit that is being done; its records are on disk.
            os._exit(0)
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)


_one_at_a_time = threading.Lock()


def _tell(events_out: BinaryIO, event: Event) -> None:
    with _one_at_a_time:
        pickle.dump(event, events_out)
        events_out.flush()
