"""The parts and plots of an experiment: functions found by their decorator, in the order of definition."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar, overload

from octavo.errors import OctavoError

PartFunction = Callable[[Any, Any], None]
PlotFunction = Callable[[Any], Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """One thing that an experiment measures: a pure function of a config and a lab.

    Args:
        seeds: how many seeds it is run with; None for the config's number.
        timed: it measures time, and is run with nothing beside it.
        data: the data sets and models that it loads.
    """

    name: str
    function: PartFunction
    summary: str = ""
    seeds: int | None = None
    timed: bool = False
    data: tuple[str, ...] = ()

    def __call__(self, config: Any, lab: Any) -> None:
        """Measure."""
        self.function(config, lab)


@dataclass(frozen=True)
class Plot:
    """A figure that is drawn from records alone."""

    name: str
    function: PlotFunction
    summary: str = ""

    def __call__(self, records: Any) -> Any:
        """Draw, and return the matplotlib figure."""
        return self.function(records)


@overload
def part(function: PartFunction, /) -> Part: ...
@overload
def part(
    *, seeds: int | None = None, timed: bool = False, data: tuple[str, ...] = (), name: str | None = None
) -> Callable[[PartFunction], Part]: ...
def part(
    function: PartFunction | None = None,
    /,
    *,
    seeds: int | None = None,
    timed: bool = False,
    data: tuple[str, ...] = (),
    name: str | None = None,
) -> Part | Callable[[PartFunction], Part]:
    """Declare a part of an experiment, with or without arguments.

    Args:
        seeds: how many seeds it is run with, where that differs from the config.
        timed: it measures time, and must be alone on the machine.
        data: names of the data sets and models that it loads.
        name: its name, where that is not the function's.

    Raises:
        OctavoError: fewer than one seed.

    Example:
        >>> @part(seeds=1, timed=True)
        ... def streaming(config, lab) -> None:
        ...     "Seconds a token."
        >>> streaming.name, streaming.summary, streaming.timed
        ('streaming', 'Seconds a token.', True)
    """
    if seeds is not None and seeds < 1:
        raise OctavoError(f"A part was given seeds={seeds}. It needs at least one.")
    if isinstance(data, str):
        raise OctavoError(f'A part was given data="{data}". Give a tuple of names: data=("{data}",).')

    def declare(function: PartFunction) -> Part:
        return Part(name or function.__name__, function, _summary(function), seeds, timed, tuple(data))

    return declare if function is None else declare(function)


def plot(function: PlotFunction) -> Plot:
    """Declare a figure of an experiment: a function of the records that returns a matplotlib figure.

    Example:
        >>> @plot
        ... def forest(records):
        ...     "One dot a seed."
        >>> forest.name
        'forest'
    """
    return Plot(function.__name__, function, _summary(function))


def parts_of(module: ModuleType) -> tuple[Part, ...]:
    """The parts of an experiment's module, in order of definition.

    Raises:
        OctavoError: two parts have one name, so that their records could not be told apart.
    """
    parts = _declared(module, Part)
    names = [each.name for each in parts]
    for name in names:
        if names.count(name) > 1:
            raise OctavoError(f"{module.__name__} has two parts named {name!r}. Rename one.")
    return parts


def plots_of(module: ModuleType) -> tuple[Plot, ...]:
    """The plots of an experiment's module, in order of definition."""
    return _declared(module, Plot)


def _declared(module: ModuleType, kind: type[T]) -> tuple[T, ...]:
    found = [value for value in vars(module).values() if isinstance(value, kind)]
    return tuple(dict.fromkeys(found))


def _summary(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]
