"""A run from its plan to its outcome: what is missing is measured, written, drawn and remembered."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from octavo.errors import OctavoError
from octavo.lab.folder import Run, UnitLine, write_whole
from octavo.lab.timing import available_cores
from octavo.runner.display import Display, display_for
from octavo.runner.drawing import draw
from octavo.runner.execution import Ended, Settings, execute, thread_environment
from octavo.runner.plans import Plan, Unit
from octavo.runner.shelved import pending, remember, stale


class Interrupted(OctavoError):
    """Ctrl-C: what is measured is kept, and the same command goes on."""

    exit_code = 130


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Args:
        run: its folder.
        done, failed, needs, diverged: how the units of the plan ended, now or earlier; `failed` holds those
            that ran out of time too.
        measured: how many units this call did.
        seconds: how long it took.
        figures: all figures in the folder.
        notes: lines for the person: stale code, figures that could not be drawn.
        first: whether this process is the first of those that share the run, and so the one that speaks.
    """

    run: Run
    done: tuple[UnitLine, ...]
    failed: tuple[UnitLine, ...]
    needs: tuple[UnitLine, ...]
    diverged: tuple[UnitLine, ...]
    measured: int
    seconds: float
    figures: list[Path]
    notes: tuple[str, ...] = ()
    first: bool = True


def run(
    plan: Plan,
    jobs: int | Literal["auto"] = "auto",
    threads: int = 1,
    ray: str | None = None,
    progress: bool = True,
    *,
    limit: float | None = None,
    trackers: Sequence[Any] = (),
) -> Outcome:
    """Measure what a plan has and the disk has not.

    Args:
        plan: what there is to do.
        jobs: processes side by side; 1 does everything in this one, "auto" takes a process a core (a GPU).
        threads: of torch in each process. Another number rounds sums otherwise: compare like with like.
        ray: the address of a Ray cluster, or "local" to start one here.
        progress: show on stderr how it goes.
        limit: seconds that a unit may take; one that takes longer is stopped and ends as `timeout`.
        trackers: names of trackers that mirror each training.

    Raises:
        OctavoError: there is no such device here.
        FolderError: the records cannot be written, or another run is writing them.
        Interrupted: Ctrl-C.
    """
    from octavo.runner import ranks

    if threads < 1 or (jobs != "auto" and jobs < 1):
        raise OctavoError(f"A run was asked for with jobs={jobs}, threads={threads}. Both are at least 1.")
    if ray is None:
        check_device(plan.device)
    if ranks.world_size() > 1:
        return ranks.run_together(plan, threads=threads, progress=progress, trackers=tuple(trackers))
    start = time.perf_counter()
    settings = Settings(threads, "plain", tuple(trackers))
    with opened(plan) as (folder, notes):
        todo = pending(plan, folder)
        if todo:
            with shown(plan, len(todo), progress) as display:
                write(folder, _do(folder, todo, jobs, settings, ray, limit, display), display)
        return conclude(plan, folder, notes, len(todo), time.perf_counter() - start)


def check_device(device: str) -> None:
    """Refuse a device that this machine has not, before any work begins.

    Raises:
        OctavoError: torch does not know its name, or sees no such GPU.

    Example:
        >>> check_device("cpu")
    """
    if device == "cpu":
        return
    import torch

    try:
        named = torch.device(device)
    except RuntimeError as error:
        raise OctavoError(
            f"A run was asked for with device={device!r}, which torch does not know. Use cpu, cuda or cuda:1."
        ) from error
    seen = torch.cuda.device_count()
    if named.type == "cuda" and (named.index or 0) >= seen:
        raise OctavoError(
            f"A run was asked for with device={device!r}, and torch sees {seen} GPUs here. "
            "Use cpu, or a machine and a torch that have one."
        )


@contextlib.contextmanager
def opened(plan: Plan) -> Iterator[tuple[Run, list[str]]]:
    """The run's folder, locked, with what a person should know of it."""
    notes: list[str] = []
    folder = plan.create()
    if plan.fresh and folder.units():
        asked = {(unit.part, unit.seed) for unit in plan.units}
        with folder.locked():
            others = any((line.part, line.seed) not in asked for line in folder.units())
            aside = folder.forget(asked) if others else folder.archive()
        notes.append(f"The earlier records are kept in {aside}.")
        folder = plan.create()
    with folder.locked():
        if old := stale(plan, folder):
            notes.append(
                f"The code of {plan.paper.slug} has changed since {len(old)} of {len(plan.units)} units were "
                "measured; --again measures them anew."
            )
        # A run that was killed as a unit ended may have left what only an unfinished one needs.
        for line in folder.units():
            if line.finished and folder.work(line.part, line.seed).exists():
                folder.clear_work(line.part, line.seed)
        yield folder, notes


@contextlib.contextmanager
def shown(plan: Plan, todo: int, progress: bool) -> Iterator[Display]:
    """The display of a run, and the one line after Ctrl-C."""
    total = len(plan.units)
    display = display_for(plan.paper.slug, total, total - todo, progress)
    try:
        yield display
    except KeyboardInterrupt as error:
        display.close()
        over = len([line for line in Run(plan.folder).units() if line.finished])
        raise Interrupted(
            f"Stopped: {over} of {total} units of {plan.paper.slug} are done and kept. "
            "The same command goes on with the rest."
        ) from error
    finally:
        display.close()


def write(folder: Run, ended: Iterator[tuple[Unit, Ended]], display: Display) -> None:
    """Write how each unit ended, and clear away what only an unfinished unit needs."""
    with contextlib.closing(ended):  # type: ignore[type-var]
        for unit, end in ended:
            note(folder, unit, end)
            display.ended(unit, end.line)


def note(folder: Run, unit: Unit, end: Ended) -> None:
    """Write the line of one unit, and its traceback where it failed."""
    failure = folder.folder / "failures" / f"{unit.part}-{unit.seed}.txt"
    if end.traceback:
        write_whole(failure, end.traceback)
    else:
        failure.unlink(missing_ok=True)
    folder.append_unit(end.line)
    if end.line.finished:
        folder.clear_work(unit.part, unit.seed)


def conclude(plan: Plan, folder: Run, notes: list[str], measured: int, seconds: float) -> Outcome:
    """Draw the figures, remember whether the plan is complete, and sum up."""
    drawn = {path.stem for path in folder.figures()}
    wanted = [plot for plot in plan.plots if measured or plot.name not in drawn]
    if wanted:
        notes = notes + draw(wanted, folder)
    if plan.whole:
        remember(plan, folder)
    planned = {(unit.part, unit.seed) for unit in plan.units}
    lines = [line for line in folder.units() if (line.part, line.seed) in planned]

    def of(*statuses: str) -> tuple[UnitLine, ...]:
        return tuple(line for line in lines if line.status in statuses)

    return Outcome(
        run=folder,
        done=of("done"),
        failed=of("failed", "timeout"),
        needs=of("needs"),
        diverged=of("diverged"),
        measured=measured,
        seconds=seconds,
        figures=list(folder.figures()),
        notes=tuple(notes),
    )


def _do(
    folder: Run,
    todo: Sequence[Unit],
    jobs: int | Literal["auto"],
    settings: Settings,
    ray: str | None,
    limit: float | None,
    display: Display,
) -> Iterator[tuple[Unit, Ended]]:
    if ray is not None:
        from octavo.runner.cluster import on_cluster

        return on_cluster(ray, todo, settings, folder, display, limit)
    number = min(_available(todo[0].device, settings.threads) if jobs == "auto" else jobs, len(todo))
    # Only a process of its own can be stopped when its time is up.
    if (number == 1 or all(unit.timed for unit in todo)) and limit is None:
        return in_turn(folder, todo, settings, display)
    from octavo.runner.pool import Pool

    return Pool(number, settings, folder, limit).do(todo, display)


def in_turn(
    folder: Run, todo: Sequence[Unit], settings: Settings, display: Display
) -> Iterator[tuple[Unit, Ended]]:
    """Do the units in this process, those that measure time at the end."""
    with _few_threads(settings.threads):
        for unit in sorted(todo, key=lambda unit: unit.timed):
            display.started(unit)
            yield (
                unit,
                execute(
                    unit,
                    folder,
                    settings,
                    work=folder.work(unit.part, unit.seed),
                    report=lambda report, unit=unit: display.report(unit, report),  # type: ignore[misc]
                    say=lambda message, unit=unit: display.say(unit, message),  # type: ignore[misc]
                ),
            )


@contextlib.contextmanager
def _few_threads(threads: int) -> Iterator[None]:
    """The threads of torch and of numpy's BLAS as in a worker, so that sums come out the same."""
    import os

    import torch

    # For what is loaded from here on; what is loaded already is set through its own interface.
    before = {name: os.environ.get(name) for name in thread_environment(threads)}
    os.environ.update(thread_environment(threads))
    torch_before = torch.get_num_threads()
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        blas: Any = contextlib.nullcontext()
    else:
        blas = threadpool_limits(threads, user_api="blas")
    try:
        with blas:
            torch.set_num_threads(threads)
            yield
    finally:
        torch.set_num_threads(torch_before)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _available(device: str, threads: int) -> int:
    if device == "cuda":
        import torch

        return max(1, torch.cuda.device_count())
    return max(1, available_cores() // threads)
