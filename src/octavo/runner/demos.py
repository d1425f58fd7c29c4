"""The demo of a paper, known by its signature: what the flags and the forms are made from."""

import enum
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.errors import OctavoError
from octavo.lab import Drawn

Kind = Literal["whole", "number", "switch", "choice", "text", "file"]


@dataclass(frozen=True)
class Range:
    """From where to where a number goes: what makes a slider of it.

    Args:
        low: the least.
        high: the most.
        step: between two neighbours; None for any number.
    """

    low: float
    high: float
    step: float | None = None


@dataclass(frozen=True)
class Input:
    """One parameter of a demo.

    Args:
        name: of the parameter.
        kind: what it takes.
        default: what it is when nothing is said; `REQUIRED` where something must be said.
        help: its line of the docstring.
        choices: the values of a choice.
        optional: whether None is a value.
        range: of a number that has bounds.
        drawn: of a file whose picture may be drawn: the sheet.
    """

    name: str
    kind: Kind
    default: Any
    help: str = ""
    choices: tuple[Any, ...] = ()
    optional: bool = False
    range: Range | None = None
    drawn: Drawn | None = None

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is REQUIRED


@dataclass(frozen=True)
class Demo:
    """A paper's demo.

    Args:
        function: the typed function itself.
        summary: the first paragraph of its docstring.
        inputs: its parameters, in order.
    """

    paper: str
    function: Callable[..., Any]
    summary: str
    inputs: tuple[Input, ...]


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


def demo_of(paper: str | Paper) -> Demo:
    """The demo of a paper; its module is imported, and with it what it stands on.

    Raises:
        OctavoError: the paper has no demo, or one with a parameter that no form and no flag can give.
    """
    card = catalogue.paper(paper) if isinstance(paper, str) else paper
    if not card.has_demo:
        raise OctavoError(f"{card.slug} has no demo yet. `octavo show {card.slug}` says what it has.")
    return describe(card.slug, import_module(f"{card.module}.demo").demo)


def describe(paper: str, function: Callable[..., Any]) -> Demo:
    """A typed function as a demo.

    A number becomes a slider where it has both bounds, and `MultipleOf` gives its step:
    ``Annotated[float, Interval(ge=0, le=1), MultipleOf(0.1)]``, of `annotated_types`. A picture may be drawn
    where `octavo.lab.Drawn` says how large: ``Annotated[Path | None, Drawn(640, 200, pen=12)]``.

    Example:
        >>> def demo(word: str = "dog", at: Literal["up", "gate"] = "up", seed: int = 0) -> dict:
        ...     "Looks a word up."
        >>> [(each.name, each.kind) for each in describe("words", demo).inputs]
        [('word', 'text'), ('at', 'choice'), ('seed', 'whole')]
    """
    hints = get_type_hints(function, include_extras=True)
    helps = _helps(inspect.getdoc(function) or "")
    inputs = []
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints.get(name, str)
        kind, choices, optional = _kind(hint, f"{paper}.demo({name})")
        default = REQUIRED if parameter.default is inspect.Parameter.empty else parameter.default
        sheet = _sheet(hint)
        if sheet and kind != "file":
            raise OctavoError(f"{paper}.demo({name}) takes no file, so it cannot be drawn.")
        inputs.append(Input(name, kind, default, helps.get(name, ""), choices, optional, _range(hint), sheet))
    summary = " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
    return Demo(paper, function, summary, tuple(inputs))


def apart(result: Any) -> tuple[Any, Any]:
    """What a demo returns: its plain values, and its figure or None.

    Example:
        >>> apart({"error": 0.5})
        ({'error': 0.5}, None)
    """
    if is_dataclass(result) and not isinstance(result, type):
        result = {each.name: getattr(result, each.name) for each in fields(result)}
    if isinstance(result, Mapping):
        figures = [name for name, value in result.items() if _is_figure(value)]
        return {name: value for name, value in result.items() if name not in figures}, (
            result[figures[0]] if figures else None
        )
    if isinstance(result, tuple):
        figures = [value for value in result if _is_figure(value)]
        rest = [value for value in result if not _is_figure(value)]
        return (rest[0] if len(rest) == 1 else rest), (figures[0] if figures else None)
    return (None, result) if _is_figure(result) else (result, None)


def _is_figure(value: Any) -> bool:
    return hasattr(value, "savefig")


def _kind(hint: Any, where: str) -> tuple[Kind, tuple[Any, ...], bool]:
    """What a parameter of this type takes, the values of a choice, and whether None is one."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _kind(get_args(hint)[0], where)
    if origin in (Union, types.UnionType):
        rest = [each for each in get_args(hint) if each is not types.NoneType]
        if len(rest) == 1:
            kind, choices, _ = _kind(rest[0], where)
            return kind, choices, True
    if origin is Literal:
        return "choice", get_args(hint), False
    if isinstance(hint, type):
        if issubclass(hint, enum.Enum):
            return "choice", tuple(hint), False
        for known, kind in _PLAIN.items():
            if issubclass(hint, known):
                return kind, (), False
    raise OctavoError(
        f"{where} has the type {typing.cast(Any, hint)}. "
        "A demo takes int, float, bool, str, Path, Literal or Enum."
    )


def _range(hint: Any) -> Range | None:
    """The bounds of a number; None where one is missing."""
    if get_origin(hint) is not Annotated:
        return None
    low = high = step = None
    for each in hint.__metadata__:
        parts = each if isinstance(each, annotated_types.GroupedMetadata) else (each,)
        for part in parts:
            match part:
                case annotated_types.Ge(ge=bound):
                    low = bound
                case annotated_types.Le(le=bound):
                    high = bound
                case annotated_types.MultipleOf(multiple_of=bound):
                    step = bound
    if low is None or high is None:
        return None
    return Range(typing.cast(Any, low), typing.cast(Any, high), typing.cast(Any, step))


def _sheet(hint: Any) -> Drawn | None:
    marks = hint.__metadata__ if get_origin(hint) is Annotated else ()
    return next((each for each in marks if isinstance(each, Drawn)), None)


# In this order: bool is an int.
_PLAIN: dict[type, Kind] = {bool: "switch", int: "whole", float: "number", str: "text", Path: "file"}


def _helps(docstring: str) -> dict[str, str]:
    """The lines of a docstring's Args, by the parameter that each is about."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)*)", docstring, re.MULTILINE)
    found: dict[str, str] = {}
    name = ""
    for line in section[1].splitlines() if section else ():
        if start := re.match(r" {4}(\w+(?:, \w+)*): +(.*)", line):
            name, found[start[1]] = start[1], start[2]
        elif name and line.strip():
            found[name] += " " + line.strip()
    return {each: text for names, text in found.items() for each in names.split(", ")}
