"""The lab: what a part of an experiment is given to measure with."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from octavo.errors import OctavoError
from octavo.lab.keys import key
from octavo.lab.records import Number, Record, place

if TYPE_CHECKING:
    import torch
    from torch import nn

    from octavo.lab.fit import Fit
    from octavo.lab.timing import Timings

Report = Callable[[Mapping[str, Any]], None]


class Writer(Protocol):
    """Where a lab's numbers and figures go: a run's folder, or a list that is sent home."""

    def append(self, record: Record, items: bytes | None = None) -> object:
        """Keep a record, and the file of its items."""

    def save_figure(self, name: str, png: bytes) -> object:
        """Keep a figure."""


class Nowhere:
    """A writer that keeps nothing: of the processes that share one unit, only the first writes."""

    def append(self, record: Record, items: bytes | None = None) -> None:
        """Let a record go."""

    def save_figure(self, name: str, png: bytes) -> None:
        """Let a figure go."""


class Lab:
    """One unit of work: its seed, its device, and the calls that measure.

    Args:
        paper, part, seed, scale: the unit.
        writer: where records and figures go.
        config: the hash of the config, for the records.
        work: the folder of the unit's checkpoints; None to keep none.
        device: where to train, as torch names it.
        threads: threads that torch may use.
        engine: what trains: "plain", or "accelerate" for many devices.
        report: called with a small dictionary (kind, fit, step, steps, loss) while something trains.
        say: called with a line for the person who watches.
        trackers: names of trackers that mirror each training.

    Example:
        >>> from octavo.lab.lab import Nowhere
        >>> lab = Lab("aaren", "memory", seed=3, writer=Nowhere())
        >>> lab.key("init") == Lab("aaren", "memory", seed=3, writer=Nowhere()).key("init")
        True
    """

    def __init__(
        self,
        paper: str,
        part: str,
        seed: int = 0,
        scale: str = "laptop",
        *,
        writer: Writer,
        config: str = "",
        work: Path | None = None,
        device: str = "cpu",
        threads: int = 1,
        engine: str = "plain",
        report: Report | None = None,
        say: Callable[[str], None] | None = None,
        trackers: Sequence[Any] = (),
    ) -> None:
        self.paper, self.part, self.seed, self.scale = paper, part, seed, scale
        self.device, self.threads, self.engine = device, threads, engine
        self._config, self._writer, self._work = config, writer, work
        self._report, self._say, self._trackers = report, say, trackers
        self._fits: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"Lab({self.paper!r}, {self.part!r}, seed={self.seed}, scale={self.scale!r})"

    def key(self, stream: str, *numbers: int) -> int:
        """64 random bits that depend on the seed, the stream and the numbers, and on nothing else."""
        return key(self.seed, stream, *numbers)

    def generator(self, stream: str, *numbers: int) -> "torch.Generator":
        """A generator on the CPU, seeded with the key of the same arguments."""
        from octavo.lab.randomness import generator

        return generator(self.seed, stream, *numbers)

    def record(
        self,
        *,
        system: str,
        dataset: str,
        metric: str,
        value: Any,
        unit: str = "",
        at: Mapping[str, Number] | None = None,
        items: Any = None,
        seed: int | None = None,
    ) -> Record:
        """Write one number to disk; the same names, seed and place again replace it.

        Args:
            system, dataset, metric: the names that claims use.
            value: a number, or a tensor of one element; NaN and infinities are kept, and judged as the worst.
            unit: for the reader, such as "s" or "bytes".
            at: its place on an axis, such as `{"tokens": 1024}`.
            items: the values that the number summarises, one a test example, for its interval over items.
            seed: whose number it is, where one unit trains restarts of several seeds at once, stacked in one
                model; by default that of the unit.

        Raises:
            OctavoError: a name is empty, the value is no single number, or the seed is no number from 0 on.
        """
        for name, given in (("system", system), ("dataset", dataset), ("metric", metric)):
            if not isinstance(given, str) or not given:
                raise OctavoError(f"lab.record needs a name as its {name}; got {given!r}.")
        for name, number in (at or {}).items():
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise OctavoError(f"lab.record needs numbers in at=; got {name}={number!r}.")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise OctavoError(f"lab.record needs a whole number from 0 on as seed=; got {seed!r}.")
        made = Record(
            paper=self.paper,
            part=self.part,
            system=system,
            dataset=dataset,
            metric=metric,
            value=_number(value, metric),
            unit=unit,
            seed=self.seed if seed is None else seed,
            scale=self.scale,
            at=place(at),
            config=self._config,
        )
        if items is None:
            self._writer.append(made)
            return made
        from octavo.lab.items import as_items, interval, pack

        values = as_items(items)
        low, high = interval(made.value, values)
        file, content = pack(values)
        made = replace(made, n_items=len(values), item_low=low, item_high=high, items=file)
        self._writer.append(made, content)
        return made

    def figure(self, name: str, figure: Any) -> None:
        """Save a matplotlib figure of this unit, beside those that are drawn from all records."""
        from octavo.lab.figures import to_png

        self._writer.save_figure(_file_name(f"{self.part}-{self.seed}-{name}"), to_png(figure))

    def time(
        self, functions: Mapping[str, Callable[[], Any]], *, repeats: int = 9, warmup: int = 2
    ) -> "Timings":
        """Time functions in turn, A B A B; see `time_side_by_side`."""
        from octavo.lab.timing import time_side_by_side

        timings = time_side_by_side(functions, repeats, warmup, self.device)
        if timings.busy:
            self.say(f"{self.part}: the machine is busy, and these times are not to be trusted")
        return timings

    def record_seconds(
        self, timings: "Timings", *, dataset: str, calls: int = 1, metric: str = "seconds", **names: Any
    ) -> None:
        """Record the median of each timed system, with its repetitions as items.

        Args:
            timings: as `time` returned them, the names being those of systems.
            dataset, metric: the names that claims use.
            calls: how often each function did what is recorded, such as 50 where it took 50 steps.
            names: what else `record` takes, such as `at`.

        Raises:
            OctavoError: the calls are fewer than one.
        """
        if calls < 1:
            raise OctavoError(f"lab.record_seconds needs at least one call; got calls={calls}.")
        for system, seconds in timings.seconds.items():
            self.record(
                system=system,
                dataset=dataset,
                metric=metric,
                value=timings.median(system) / calls,
                unit="s",
                items=[each / calls for each in seconds],
                **names,
            )

    def fit(
        self, name: str, model: "nn.Module", loss: Callable[..., Any], data: Any, **settings: Any
    ) -> "Fit":
        """Train a model; see `octavo.lab.fit.fit` for the settings.

        Args:
            name: what is trained on what, as the person who watches reads it.
            model: trained in place, on this unit's device.
            loss: `loss(model, batch, context)`.
            data: what is indexed for batches.
            settings: steps or epochs, batch_size, optimizer, evaluate and so on.

        Raises:
            Diverged: the loss is no longer a number.
        """
        from octavo.lab.fit import fit

        return fit(name, model, loss, data, **(self._training(name) | settings))

    def loop(
        self, name: str, step: Callable[..., Any], state: Any, data: Any = None, **settings: Any
    ) -> "Fit":
        """Train in a step of one's own, for what `fit` does not have; see `octavo.lab.loop.Loop`.

        Args:
            name: what is trained on what, as the person who watches reads it.
            step: `step(state, batch, context)` changes the state and returns numbers.
            state: a `State`: everything that a step changes, on this unit's device.
            data: what is indexed for batches, or None.
            settings: steps, batch_size, evaluate and so on.

        Raises:
            Diverged: a loss is no longer a number.
        """
        from octavo.lab.loop import Loop

        return Loop(step, state, data, name=name, **(self._training(name) | settings)).run()

    def _training(self, name: str) -> dict[str, Any]:
        """What every training of this unit is given, unless the experiment says otherwise."""
        again = self._fits.get(name, 0)
        self._fits[name] = again + 1
        # A second training of the same name must not find the first one's checkpoint.
        folder = self._work and self._work / (_file_name(name) + (f"-{again + 1}" if again else ""))
        return {
            "seed": self.seed,
            "device": self.device,
            "engine": self.engine,
            "trackers": self._trackers,
            "report": self._report,
            "folder": folder,
        }

    def say(self, message: str) -> None:
        """A line for the person who watches; it is in no record."""
        if self._say:
            self._say(message)


def _number(value: Any, metric: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise OctavoError(
            f"lab.record needs one number as the value of {metric}; got {value!r:.80}."
        ) from error


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "unnamed"
