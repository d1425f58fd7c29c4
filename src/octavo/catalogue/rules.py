"""What one key of a card may hold: readers giving the value, or say what was found and what was expected."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from keyword import iskeyword

from octavo.catalogue.suggest import did_you_mean

TextReader = Callable[[object], str]


@dataclass(frozen=True)
class Rule:
    """How one key is read; a reader raises `WrongValueError` on a value it does not accept."""

    read: Callable[[object], object]
    required: bool = True


class WrongValueError(Exception):
    """A value that a reader does not accept: what was found, what is expected, and where inside the value."""

    def __init__(self, found: str, expected: str, place: str = "") -> None:
        super().__init__(found, expected, place)
        self.found = found
        self.expected = expected
        self.place = place


def show(value: object) -> str:
    """A value as an error shows it: short, and as the card writes it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    shown = "a table" if isinstance(value, dict) else repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def one_of(value: object, allowed: Iterable[str]) -> str:
    """The names that are allowed, with the one that may have been meant."""
    names = list(allowed)
    return f"one of {', '.join(names)}.{did_you_mean(value, names) if isinstance(value, str) else ''}"


def text(expected: str, longest: int = 2000) -> TextReader:
    """A text that is not empty; the line breaks of TOML's long strings become spaces."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise WrongValueError(show(value), expected)
        words = " ".join(line.strip() for line in value.strip().splitlines())
        if len(words) > longest:
            raise WrongValueError(f"{len(words)} characters", f"{expected}, at most {longest} characters")
        return words

    return read


def pattern(shape: str, expected: str) -> TextReader:
    """A text that a regular expression matches as a whole."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(shape, value):
            raise WrongValueError(show(value), expected)
        return value

    return read


def number(lowest: int, highest: int, expected: str) -> Callable[[object], int]:
    """A whole number between two."""

    def read(value: object) -> int:
        # In Python true is a number, in a card it is a mistake.
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise WrongValueError(show(value), expected)
        return value

    return read


def choice(allowed: tuple[str, ...]) -> TextReader:
    """One of a few words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise WrongValueError(show(value), one_of(value, allowed))
        return value

    return read


def several(read_one: TextReader, expected: str, least: int = 0) -> Callable[[object], tuple[str, ...]]:
    """A list without repetition, each of whose items `read_one` accepts."""

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) < least:
            raise WrongValueError(show(value), expected)
        items: list[str] = []
        for index, item in enumerate(value):
            try:
                one = read_one(item)
            except WrongValueError as wrong:
                raise WrongValueError(wrong.found, wrong.expected, f"[{index}]") from None
            if one in items:
                raise WrongValueError(f"{one!r} a second time", "each only once", f"[{index}]")
            items.append(one)
        return tuple(items)

    return read


def tables(value: object) -> list[object]:
    """The tables of ``[[claims]]``."""
    if not isinstance(value, list):
        raise WrongValueError(show(value), "tables, each written under [[claims]] with two brackets")
    return value


def reasons(value: object) -> dict[str, str]:
    """Furniture rows that a paper leaves out, each with its reason."""
    expected = "the reason why the paper leaves this row out, a text"
    if not isinstance(value, dict):
        raise WrongValueError(show(value), f"a table [opt_outs] that gives for each row {expected}")
    read_one = text(expected)
    kept = {}
    for row, reason in value.items():
        try:
            kept[row] = read_one(reason)
        except WrongValueError as wrong:
            raise WrongValueError(wrong.found, wrong.expected, f".{row}") from None
    return kept


def public_name(value: object) -> str:
    """A name that a shelf may re-export."""
    if not isinstance(value, str) or not value.isidentifier() or iskeyword(value) or value.startswith("_"):
        raise WrongValueError(show(value), "a public Python name, such as 'Aaren'")
    return value
