"""Several processes that share every unit, as `accelerate launch` starts them; the first one writes."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from octavo.errors import OctavoError, RunFailed
from octavo.lab.folder import Run
from octavo.lab.lab import Nowhere, Writer
from octavo.runner.display import Display, Silent
from octavo.runner.execution import Ended, Settings, execute
from octavo.runner.plans import Plan, Unit

if TYPE_CHECKING:
    from octavo.runner.running import Outcome


def world_size() -> int:
    """How many processes share the run.

    Raises:
        OctavoError: `WORLD_SIZE` is no number.
    """
    given = os.environ.get("WORLD_SIZE", "1")
    if not given.isdigit():
        raise OctavoError(f"WORLD_SIZE is {given!r}. It is a number, set by accelerate launch or torchrun.")
    return int(given)


def run_together(plan: Plan, *, threads: int, progress: bool, trackers: tuple[Any, ...]) -> "Outcome":
    """Do the units of a plan in turn, each in all processes at once."""
    from octavo.runner import running
    from octavo.runner.shelved import pending

    first = _join(plan.device)
    start = time.perf_counter()
    settings = Settings(threads, "accelerate", trackers)
    with ExitStack() as stack:
        display: Display = Silent()
        notes: list[str] = []
        todo: Sequence[Unit] = ()
        refusal: OctavoError | None = None
        if first:
            try:
                folder, notes = stack.enter_context(running.opened(plan))
                todo = pending(plan, folder)
            except OctavoError as error:
                refusal = error
        # Others may not see the disk, and must not read it while the first writes.
        refusal, indices = _share((refusal, [plan.units.index(unit) for unit in todo]))
        if refusal is not None:
            raise refusal
        todo = [plan.units[index] for index in indices]
        if first and todo:
            display = stack.enter_context(running.shown(plan, len(todo), progress))
        for unit in todo:
            display.started(unit)
            end = _share_end(_execute(unit, Run(plan.folder) if first else None, plan, settings, display))
            if first:
                running.note(folder, unit, end)
                display.ended(unit, end.line)
        outcome = None
        if first:
            outcome = running.conclude(plan, folder, notes, len(todo), time.perf_counter() - start)
        return replace(_share(outcome), first=first)


def _execute(unit: Unit, folder: Run | None, plan: Plan, settings: Settings, display: Display) -> Ended:
    writer: Writer = folder if folder is not None else Nowhere()
    return execute(
        unit,
        writer,
        settings,
        work=Run.work_of(plan.folder, unit.part, unit.seed),
        report=lambda report: display.report(unit, report),
        say=lambda message: display.say(unit, message),
    )


def _join(device: str) -> bool:
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise OctavoError(
            "WORLD_SIZE says that several processes share this run, which needs accelerate. "
            "Install it with: pip install 'octavo[dist]'"
        ) from error
    return bool(PartialState(cpu=device == "cpu").is_main_process)


def _share(value: Any) -> Any:
    import torch.distributed as dist

    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def _share_end(end: Ended) -> Ended:
    """The end of a unit as all agree on it: one process that failed has failed for all."""
    import torch.distributed as dist

    ends: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(ends, end)
    worst = next((other for other in ends if other.line.status == "failed"), end)
    statuses = {other.line.status for other in ends}
    if len(statuses) > 1 and "failed" not in statuses:
        raise RunFailed(
            f"{end.line.part}, seed {end.line.seed}: the processes do not agree on how it ended: {statuses}."
        )
    return worst if worst.line.status == "failed" else end
