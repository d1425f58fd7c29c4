"""What the person who waits sees: bars on a terminal, a plain line now and then anywhere else, or nothing."""

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

from octavo.lab.folder import UnitLine
from octavo.runner.plans import Unit

Report = Mapping[str, Any]
"""What a training tells of itself: kind, fit, step, steps, loss, seconds_left."""
EVERY = 10.0
"""Seconds between two plain lines."""


class Display(Protocol):
    """Follows a run."""

    def started(self, unit: Unit) -> None:
        """A unit is being done."""

    def report(self, unit: Unit, report: Report) -> None:
        """A training of the unit has come to a step."""

    def say(self, unit: Unit, message: str) -> None:
        """The unit has something to say."""

    def ended(self, unit: Unit, line: UnitLine) -> None:
        """A unit is over."""

    def tick(self) -> None:
        """Time has passed."""

    def close(self) -> None:
        """The run is over."""


class Silent:
    """Shows nothing."""

    def started(self, unit: Unit) -> None:
        """Nothing."""

    def report(self, unit: Unit, report: Report) -> None:
        """Nothing."""

    def say(self, unit: Unit, message: str) -> None:
        """Nothing."""

    def ended(self, unit: Unit, line: UnitLine) -> None:
        """Nothing."""

    def tick(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Plain:
    """One line for each unit that ends, and every ten seconds one for each that goes on; no escape codes.

    Args:
        paper: shown at the head of each line.
        total: units of the plan.
        before: units that were finished before.
    """

    def __init__(self, paper: str, total: int, before: int, stream: TextIO, every: float = EVERY) -> None:
        self._paper, self._total, self._over = paper, total, before
        self._stream, self._every, self._last = stream, every, time.monotonic()
        self._now: dict[Unit, str] = {}

    def started(self, unit: Unit) -> None:
        """Remember it."""
        self._now[unit] = unit.label

    def report(self, unit: Unit, report: Report) -> None:
        """Remember where it is."""
        if report["kind"] == "step":
            parts = [
                f"{unit.label}: {report['fit']}",
                f"step {report['step']}/{report['steps']}",
                _loss(report),
            ]
            left = report.get("seconds_left") or 0.0
            parts.append(f"{_duration(left)} left" if left else "")
            self._now[unit] = ", ".join(part for part in parts if part)
        self.tick()

    def say(self, unit: Unit, message: str) -> None:
        """Print it."""
        self._print(f"{unit.label}: {message}")

    def ended(self, unit: Unit, line: UnitLine) -> None:
        """Print how it ended."""
        self._over += 1
        self._now.pop(unit, None)
        self._print(f"{self._over}/{self._total} {describe(line)}")

    def tick(self) -> None:
        """Print where everything is, if it is time."""
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            for text in self._now.values():
                self._print(f"{self._over}/{self._total} {text}")

    def close(self) -> None:
        """Nothing is left to show."""

    def _print(self, text: str) -> None:
        self._last = time.monotonic()
        print(f"{self._paper} {text}", file=self._stream, flush=True)


class Live:
    """Bars on a terminal: one for the run, and one for each unit that is being done."""

    def __init__(self, paper: str, total: int, before: int, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            TextColumn("{task.fields[left]}"),
            console=Console(file=stream),
            # What remains on the screen is said by the lines above and the table after.
            transient=True,
        )
        self._all = self._progress.add_task(
            f"[bold]{paper}", total=total, completed=before, detail="", left=""
        )
        self._total, self._over = total, before
        self._bars: dict[Unit, Any] = {}
        self._show_count()
        self._progress.start()

    def started(self, unit: Unit) -> None:
        """Add its bar."""
        self._bars[unit] = self._progress.add_task(f"  {unit.label}", total=None, detail="", left="")

    def report(self, unit: Unit, report: Report) -> None:
        """Move its bar, and start it again for another training."""
        if unit not in self._bars or report["kind"] != "step":
            return
        left = report.get("seconds_left")
        self._progress.update(
            self._bars[unit],
            description=f"  {unit.label}: {_escape(report['fit'])}",
            completed=report["step"],
            total=report["steps"],
            detail=f"{report['step']}/{report['steps']}  {_loss(report)}",
            left="" if left is None else f"{_duration(left)} left",
        )

    def say(self, unit: Unit, message: str) -> None:
        """Print it above the bars."""
        self._progress.console.print(f"{unit.label}: {_escape(message)}", highlight=False)

    def ended(self, unit: Unit, line: UnitLine) -> None:
        """Remove its bar; print how it ended, where it did not end well."""
        self._over += 1
        if unit in self._bars:
            self._progress.remove_task(self._bars.pop(unit))
        self._progress.advance(self._all)
        self._show_count()
        if line.status != "done":
            self._progress.console.print(_escape(describe(line)), highlight=False)

    def tick(self) -> None:
        """Rich draws by itself."""

    def close(self) -> None:
        """Give the terminal back."""
        self._progress.stop()

    def _show_count(self) -> None:
        self._progress.update(self._all, detail=f"{self._over}/{self._total} units")


def display_for(
    paper: str, total: int, before: int, progress: bool = True, stream: TextIO | None = None
) -> Display:
    """The display that suits where the output goes: a terminal, or a file.

    Example:
        >>> type(display_for("aaren", 3, 0, progress=False)).__name__
        'Silent'
    """
    if not progress:
        return Silent()
    stream = stream or sys.stderr
    if stream.isatty():
        return Live(paper, total, before, stream)
    return Plain(paper, total, before, stream)


def describe(line: UnitLine) -> str:
    """How a unit ended, in one line.

    Example:
        >>> describe(UnitLine("aaren", "memory", 0, "smoke", "needs", needs="gpu", why="gpu is not here."))
        'memory, seed 0: needs gpu (gpu is not here.)'
    """
    label = f"{line.part}, seed {line.seed}"
    if line.status == "done":
        return f"{label}: done in {_duration(line.seconds)}"
    reason = f" ({line.why})" if line.why else ""
    return (
        f"{label}: needs {line.needs}{reason}"
        if line.status == "needs"
        else f"{label}: {line.status}{reason}"
    )


def _loss(report: Report) -> str:
    return "" if report.get("loss") is None else f"loss {report['loss']:.4g}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
