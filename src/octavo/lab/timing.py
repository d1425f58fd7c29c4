"""Timing things against each other: interleaved, so that whatever slows the machine slows all of them."""

import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from octavo.errors import OctavoError


def load_average() -> float:
    """The machine's load over the last minute; NaN where it does not tell.

    Example:
        >>> load_average() >= 0 or math.isnan(load_average())
        True
    """
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan


@dataclass(frozen=True)
class Timings:
    """Seconds of interleaved repetitions, by name.

    Args:
        seconds: for each name its repetitions, in order; repetition i of all names was made in one round.
        load: the machine's load average over the last minute, at the start and at the end.
        cores: cores that this process may use.

    Example:
        >>> timings = Timings({"a": (2.0, 2.0, 2.0), "b": (1.0, 1.0, 1.0)})
        >>> timings.median("a"), timings.ratio("a", "b").value
        (2.0, 2.0)
    """

    seconds: Mapping[str, tuple[float, ...]]
    load: tuple[float, float] = (math.nan, math.nan)
    cores: int = 1

    def median(self, name: str) -> float:
        """The middle of the repetitions: what a user sees."""
        return statistics.median(self._of(name))

    def minimum(self, name: str) -> float:
        """The fastest repetition: what the code costs when nothing disturbs it."""
        return min(self._of(name))

    def spread(self, name: str) -> float:
        """Half of the middle half of the repetitions, as a share of the median."""
        import numpy as np

        low, high = np.quantile(self._of(name), (0.25, 0.75))
        return float((high - low) / 2 / self.median(name))

    def ratio(self, slower: str, faster: str) -> "Ratio":
        """How many times longer one takes than the other, with a 95% bootstrap interval over the rounds."""
        import numpy as np

        numerator, denominator = np.array(self._of(slower)), np.array(self._of(faster))
        rounds = np.random.Generator(np.random.Philox(0)).integers(0, len(numerator), (4000, len(numerator)))
        ratios = np.median(numerator[rounds], axis=1) / np.median(denominator[rounds], axis=1)
        low, high = np.quantile(ratios, (0.025, 0.975))
        return Ratio(self.median(slower) / self.median(faster), float(low), float(high), self.busy)

    @property
    def busy(self) -> bool:
        """Whether the machine had more to do than it has cores, so that the figures mean little."""
        return any(load > self.cores for load in self.load)

    def _of(self, name: str) -> tuple[float, ...]:
        if name not in self.seconds:
            raise OctavoError(f"{name!r} was not timed. Timed were: {', '.join(self.seconds)}.")
        return self.seconds[name]


@dataclass(frozen=True)
class Ratio:
    """A ratio of medians with its interval; `sure` when it is within a tenth and the machine was quiet.

    Example:
        >>> Ratio(2.0, 1.95, 2.05).sure
        True
    """

    value: float
    low: float
    high: float
    busy: bool = False

    @property
    def sure(self) -> bool:
        """Whether a verdict may be built on it."""
        return not self.busy and self.low >= 0.9 * self.value and self.high <= 1.1 * self.value


def time_side_by_side(
    functions: Mapping[str, Callable[[], Any]], repeats: int = 9, warmup: int = 2, device: str = "cpu"
) -> Timings:
    """Time functions in turn, A B A B, after warming them up.

    Args:
        functions: what to time, by name.
        repeats: rounds that count; an odd number of at least 7 for figures that are quoted.
        warmup: rounds that do not.
        device: on a GPU its queue is emptied before the clock is read.

    Raises:
        OctavoError: nothing to time, or no round.

    Example:
        >>> timings = time_side_by_side({"sum": lambda: sum(range(100))}, repeats=3, warmup=1)
        >>> len(timings.seconds["sum"])
        3
    """
    if not functions or repeats < 1:
        raise OctavoError(
            f"Timing got {len(functions)} functions and repeats={repeats}. It needs one of each."
        )
    wait = _waiter(device)
    before = load_average()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(warmup + repeats):
        for name, function in functions.items():
            wait()
            start = time.perf_counter()
            function()
            wait()
            if turn >= warmup:
                seconds[name].append(time.perf_counter() - start)
    kept = {name: tuple(values) for name, values in seconds.items()}
    return Timings(kept, (before, load_average()), available_cores())


def available_cores() -> int:
    """The cores that this process may use.

    Example:
        >>> available_cores() >= 1
        True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _waiter(device: str) -> Callable[[], object]:
    if device.startswith("cuda"):
        torch: Any = sys.modules["torch"]
        return lambda: torch.cuda.synchronize(device)
    return lambda: None
