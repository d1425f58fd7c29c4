"""What the numbers of a config may be, written as their types: a run that cannot work never begins."""

import types
from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, GroupedMetadata, Gt, Interval, Le, MinLen

Count = Annotated[int, Ge(1)]
"""A whole number of at least 1."""
Positive = Annotated[float, Gt(0)]
"""A number above 0."""
NotNegative = Annotated[float, Ge(0)]
"""A number of at least 0."""
Share = Annotated[float, Interval(ge=0, le=1)]
"""A part of a whole."""


def out_of_bounds(config: Any) -> list[str]:
    """What is wrong with the fields of a dataclass by the bounds in their types, one sentence each.

    Args:
        config: fields may be annotated with `annotated_types`: Ge, Gt, Le, Interval and MinLen, within tuples
            and beside None as well.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Config:
        ...     steps: Count = 10
        ...     rates: Annotated[tuple[Positive, ...], MinLen(1)] = (0.1,)
        >>> out_of_bounds(Config(steps=0, rates=(0.1, 0.0)))
        ['steps=0 must be at least 1', 'rates=(0.1, 0.0): each must be above 0']
    """
    hints = get_type_hints(type(config), include_extras=True)
    return [
        f"{each.name}={value!r}{wrong}"
        for each in fields(config)
        for value in (getattr(config, each.name),)
        for wrong in dict.fromkeys(_wrong(value, hints[each.name], " must be"))
    ]


def _wrong(value: Any, hint: Any, must: str) -> Iterator[str]:
    arguments = get_args(hint)
    if get_origin(hint) is Annotated:
        for bound in _bounds(arguments[1:]):
            match bound:
                case Ge(ge=least) if not value >= least:
                    yield f"{must} at least {least}"
                case Gt(gt=least) if not value > least:
                    yield f"{must} above {least}"
                case Le(le=most) if not value <= most:
                    yield f"{must} at most {most}"
                case MinLen(min_length=least) if len(value) < least:
                    yield f" needs {least} or more"
        yield from _wrong(value, arguments[0], must)
    elif get_origin(hint) in (Union, types.UnionType):
        if value is not None:
            for other in arguments:
                yield from () if other is type(None) else _wrong(value, other, must)
    elif get_origin(hint) is tuple:
        each = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        for part, its_hint in zip(value, each, strict=True):
            yield from _wrong(part, its_hint, ": each must be")


def _bounds(metadata: tuple[Any, ...]) -> Iterator[Any]:
    for each in metadata:
        yield from each if isinstance(each, GroupedMetadata) else (each,)
