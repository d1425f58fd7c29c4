"""A form from a demo's signature, and from what was typed into it the arguments again."""

import enum
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from octavo.lab import Drawn
from octavo.page.settings import DemoLimits
from octavo.runner.demos import Demo, Input, Range

MOST_DIGITS = 30


class WrongInput(Exception):
    """What was typed cannot be taken; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message

    def __reduce__(self) -> tuple[type["WrongInput"], tuple[str, str]]:
        # An exception of two arguments does not cross a process by itself.
        return type(self), (self.field, self.message)


@dataclass(frozen=True)
class Field:
    """One field of a form, in plain values, so that it crosses processes.

    Args:
        name: of the parameter.
        kind: as `octavo.runner.demos.Input` has it.
        value: what stands in it at first.
        help: what it is.
        choices: what can be chosen, as shown.
        required: whether something must be given.
        range: of a number on a slider.
        drawn: the sheet of a picture that may be drawn.
    """

    name: str
    kind: Literal["whole", "number", "switch", "choice", "text", "file"]
    value: str
    help: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    range: Range | None = None
    drawn: Drawn | None = None

    @property
    def label(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class Form:
    """The form of a paper's demo."""

    paper: str
    summary: str
    fields: tuple[Field, ...]


def form_of(demo: Demo) -> Form:
    """The form of a demo.

    Example:
        >>> from octavo.runner.demos import describe
        >>> def demo(word: str = "dog", seed: int = 0) -> dict:
        ...     "Looks a word up."
        >>> [(field.name, field.kind, field.value) for field in form_of(describe("words", demo)).fields]
        [('word', 'text', 'dog'), ('seed', 'whole', '0')]
    """
    return Form(demo.paper, demo.summary, tuple(map(_field, demo.inputs)))


def _field(input: Input) -> Field:
    value = "" if input.required or input.default is None else shown(input.default)
    choices = tuple(shown(each) for each in input.choices)
    if input.optional and choices:
        choices = ("", *choices)
    if input.kind == "file":
        value = ""
    return Field(input.name, input.kind, value, input.help, choices, input.required, input.range, input.drawn)


def shown(value: Any) -> str:
    """A default or a choice as it stands in a form."""
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, enum.Enum):
        return value.name.lower()
    return str(value)


def checked(form: Form, typed: Mapping[str, str | bytes], limits: DemoLimits) -> dict[str, str | bytes]:
    """What was typed, where each field can be read; before a process is started for it.

    Args:
        form: the form.
        typed: what came for each field; files as bytes. A field that did not come keeps its default, a
            switch that did not come is off.
        limits: how much may come.

    Raises:
        WrongInput: a field cannot be read as its kind, or has too much in it.
    """
    known = {field.name for field in form.fields}
    for name in typed:
        if name not in known:
            raise WrongInput(name, f"The demo has no field {name!r}.")
    return {
        field.name: _checked(field, typed[field.name], limits) for field in form.fields if field.name in typed
    }


def _checked(field: Field, value: str | bytes, limits: DemoLimits) -> str | bytes:
    if field.kind == "file":
        if not isinstance(value, bytes):
            raise WrongInput(field.name, f"{field.label} takes a file, not the name of one.")
        if len(value) > limits.upload:
            raise WrongInput(
                field.name,
                f"{field.label} takes a file of at most {limits.upload >> 20} MB, got {len(value):,} bytes.",
            )
        return value
    if isinstance(value, bytes):
        raise WrongInput(field.name, f"{field.label} takes text, got a file.")
    value = value.replace("\r\n", "\n").strip()
    if field.kind == "text" and len(value) > limits.text:
        raise WrongInput(
            field.name, f"{field.label} takes at most {limits.text:,} characters, got {len(value):,}."
        )
    if not value:
        if field.required:
            raise WrongInput(field.name, f"{field.label} needs something in it.")
        return value
    if field.kind in ("whole", "number"):
        _number(field, value)
    if field.kind == "choice" and value not in field.choices:
        raise WrongInput(
            field.name, f"{field.label} is one of {', '.join(field.choices)}, got {value[:40]!r}."
        )
    return value


def _number(field: Field, value: str) -> float | int:
    if len(value) > MOST_DIGITS:
        raise WrongInput(field.name, f"{field.label} takes a number, got {value[:20]!r}...")
    try:
        number: float | int = int(value) if field.kind == "whole" else float(value)
    except ValueError:
        kind = "a whole number" if field.kind == "whole" else "a number"
        raise WrongInput(field.name, f"{field.label} takes {kind}, got {value!r}.") from None
    if not math.isfinite(number):
        raise WrongInput(field.name, f"{field.label} takes a finite number, got {value!r}.")
    if field.range and not field.range.low <= number <= field.range.high:
        low, high = shown(field.range.low), shown(field.range.high)
        raise WrongInput(field.name, f"{field.label} goes from {low} to {high}, got {value}.")
    return number


def arguments(
    demo: Demo, values: Mapping[str, str | bytes], scratch: Path, limits: DemoLimits
) -> dict[str, Any]:
    """The arguments of a call from checked values; files are put into `scratch`.

    Raises:
        WrongInput: a picture that cannot be read, or has too many pixels.
    """
    found: dict[str, Any] = {}
    for input in demo.inputs:
        if input.kind == "switch":
            found[input.name] = bool(values.get(input.name))
        elif value := values.get(input.name):
            found[input.name] = _argument(input, value, scratch, limits)
        elif input.optional and input.default is not None:
            found[input.name] = None
    return found


def _argument(input: Input, value: str | bytes, scratch: Path, limits: DemoLimits) -> Any:
    field = _field(input)
    if isinstance(value, bytes):
        return _saved_picture(field, value, scratch, limits)
    if input.kind == "choice":
        return input.choices[[shown(each) for each in input.choices].index(value)]
    if input.kind in ("whole", "number"):
        return _number(field, value)
    return value


def _saved_picture(field: Field, content: bytes, scratch: Path, limits: DemoLimits) -> Path:
    """A picture, decoded and written anew, so that what the demo opens is nothing else."""
    import io

    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "GIF", "BMP", "WEBP")) as picture:
            width, height = picture.size
            if width * height > limits.pixels:
                raise WrongInput(
                    field.name,
                    f"{field.label} takes a picture of at most {limits.pixels:,} pixels, "
                    f"got {width} x {height}.",
                )
            file = scratch / f"{os.urandom(8).hex()}.png"
            picture.convert("RGBA" if "A" in picture.getbands() else "RGB").save(file)
    except WrongInput:
        raise
    except Exception:
        raise WrongInput(
            field.name, f"{field.label} takes a picture (PNG, JPEG, GIF, BMP, WebP); this file is not one."
        ) from None
    return file
