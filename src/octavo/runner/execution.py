"""One unit of work, done here and now: whatever happens in it becomes a line that says how it ended."""

import contextlib
import gc
import importlib
import random
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.errors import Missing, OctavoError
from octavo.lab.folder import FolderError, UnitLine
from octavo.lab.keys import key
from octavo.lab.lab import Lab, Report, Writer
from octavo.lab.parts import parts_of
from octavo.lab.provenance import Stopwatch
from octavo.runner.plans import Unit


@dataclass(frozen=True)
class Settings:
    """How units are done; what is done does not depend on it, except that sums may round otherwise.

    Args:
        threads: of torch, in each process.
        engine: "plain", or "accelerate" where several processes share each unit.
        trackers: names of trackers that mirror each training.
    """

    threads: int = 1
    engine: str = "plain"
    trackers: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Ended:
    """How a unit ended, and the traceback where it failed."""

    line: UnitLine
    traceback: str = ""


def execute(
    unit: Unit,
    writer: Writer,
    settings: Settings = Settings(),
    *,
    work: Path | None = None,
    report: Report | None = None,
    say: Callable[[str], None] | None = None,
) -> Ended:
    """Do one unit.

    Args:
        unit: what to do.
        writer: where its records and figures go.
        settings: how to do it.
        work: the folder of its checkpoints.
        report, say: see `Lab`.

    Raises:
        FolderError: its records cannot be written, so that nothing more can be done.
    """
    watch = Stopwatch()
    failed = ""
    with _tidied():
        try:
            module = importlib.import_module(unit.module)
            part = next(part for part in parts_of(module) if part.name == unit.part)
            _settle(unit, settings)
            lab = Lab(
                unit.paper,
                unit.part,
                unit.seed,
                unit.scale,
                writer=writer,
                config=unit.hash,
                work=work,
                device=unit.device,
                threads=settings.threads,
                engine=settings.engine,
                report=report,
                say=say,
                trackers=settings.trackers,
            )
            part(unit.config, lab)
            status, why, needs = "done", "", ""
        except FolderError:
            raise
        except Missing as error:
            status, why, needs = "needs", str(error), error.name
        except Exception as error:
            diverged = _is_divergence(error)
            status, needs = ("diverged" if diverged else "failed"), ""
            why = str(error) if isinstance(error, OctavoError) else f"{type(error).__name__}: {error}"
            failed = "" if diverged else traceback.format_exc()
    provenance = watch.provenance(device=unit.device, threads=settings.threads, code=unit.code)
    return Ended(
        ended_line(unit, status, why=why, needs=needs, seconds=watch.seconds, provenance=provenance), failed
    )


def ended_line(
    unit: Unit,
    status: str,
    *,
    why: str = "",
    needs: str = "",
    seconds: float = 0.0,
    provenance: Mapping[str, Any] | None = None,
) -> UnitLine:
    """The line of a unit's end; the reason is cut to one line."""
    one_line = " ".join(why.split())
    return UnitLine(
        unit.paper,
        unit.part,
        unit.seed,
        unit.scale,
        status,
        round(seconds, 3),
        one_line if len(one_line) <= 300 else one_line[:297] + "...",
        needs,
        dict(provenance or {"code": unit.code}),
    )


class Collected:
    """A writer that keeps everything in lists, to be written by someone else.

    Example:
        >>> Collected().records
        []
    """

    def __init__(self) -> None:
        self.records: list[tuple[Any, bytes | None]] = []
        self.figures: list[tuple[str, bytes]] = []

    def append(self, record: Any, items: bytes | None = None) -> None:
        """Keep a record."""
        self.records.append((record, items))

    def save_figure(self, name: str, png: bytes) -> None:
        """Keep a figure."""
        self.figures.append((name, png))

    def hand_over(self, writer: Writer) -> None:
        """Write all of it elsewhere."""
        for record, items in self.records:
            writer.append(record, items)
        for name, png in self.figures:
            writer.save_figure(name, png)


def thread_environment(threads: int) -> dict[str, str]:
    """What a process must be told before it loads numpy or torch: threads, and no progress bars of others.

    Example:
        >>> thread_environment(2)["OMP_NUM_THREADS"]
        '2'
    """
    names: Sequence[str] = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB")
    return {f"{name}_NUM_THREADS": str(threads) for name in names} | {
        "VECLIB_MAXIMUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
        "MPLBACKEND": "Agg",
    }


def _settle(unit: Unit, settings: Settings) -> None:
    """Make the unit independent of what ran in this process before it."""
    import numpy as np
    import torch

    from octavo.lab.randomness import seed_global

    # Also where the number is right already: it tells MKL too, whose sums depend on having been told.
    torch.set_num_threads(settings.threads)
    if torch.device(unit.device).type == "cuda":
        torch.cuda.reset_peak_memory_stats(unit.device)
    word = key(unit.seed, "global")
    random.seed(word)
    np.random.seed(word % 2**32)
    seed_global(word, unit.device)


def _is_divergence(error: Exception) -> bool:
    # The training modules load torch, which a part that trains nothing may never have needed.
    from octavo.lab import Diverged

    return isinstance(error, Diverged)


@contextlib.contextmanager
def _tidied() -> Iterator[None]:
    """Clear away afterwards what a unit leaves, without searching through all that was there before it."""
    frozen = gc.get_freeze_count() == 0
    if frozen:
        gc.freeze()
    try:
        yield
    finally:
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")
        gc.collect()
        if frozen:
            gc.unfreeze()
