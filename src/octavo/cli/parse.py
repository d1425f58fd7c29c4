"""From words on the command line to a call: tyro reads them, and its errors become one line."""

import ast
import functools
import inspect
import io
import re
import textwrap
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, cast, get_type_hints

import tyro

from octavo.errors import OctavoError

T = TypeVar("T")
PaperName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PAPER")]
OptionalPaperName = Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="PAPER")]
_STYLE = (tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
_FRAME = "╭╮╰╯│─ "


def call(command: Callable[..., int], arguments: Sequence[str], name: str) -> int:
    """Calls `command` with what `arguments` say, and returns its exit code.

    Args:
        command: a function whose parameters become flags, and whose docstring becomes the help.
        arguments: the words after the command's name.
        name: how the command is called, as `octavo papers`.

    Raises:
        OctavoError: a flag that does not exist, a value of the wrong type, something left out.
    """
    result, unknown = read(command, arguments, name)
    if unknown:
        raise OctavoError(_unknown(unknown, flags_of(command), name))
    return result()


def read(command: Callable[..., T], arguments: Sequence[str], name: str) -> tuple[Callable[[], T], list[str]]:
    """`command` with what `arguments` say bound to it, not called yet, and the words it does not know."""

    @functools.wraps(command)
    def bind(*positional: Any, **named: Any) -> Callable[[], T]:
        return functools.partial(command, *positional, **named)

    heard = io.StringIO()
    try:
        with redirect_stderr(heard):
            bound, unknown = tyro.cli(
                bind, prog=name, args=list(arguments), return_unknown_args=True, config=_STYLE
            )
    except SystemExit as ended:
        if not ended.code:
            raise
        raise OctavoError(_one_line(heard.getvalue(), name)) from None
    return bound, unknown


def field_help(config_class: type) -> dict[str, str]:
    """The text below each field of a dataclass, which is the help of its flag."""
    helps: dict[str, str] = {}
    for base in reversed(config_class.__mro__[:-1]):
        tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        body = cast(ast.ClassDef, tree.body[0]).body
        for statement, following in zip(body, [*body[1:], ast.Pass()], strict=True):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                text = ""
                if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                    text = inspect.cleandoc(str(following.value.value))
                helps[statement.target.id] = text
    return helps


def flags_of(command: Callable[..., Any]) -> list[str]:
    """The flags that `command` takes, those of its dataclass parameters among them."""
    hints = get_type_hints(command)
    names: list[str] = []
    for parameter in inspect.signature(command).parameters:
        kind = hints.get(parameter)
        if is_dataclass(kind):
            names += [field.name for field in fields(kind)]
        else:
            names.append(parameter)
    return ["--" + name.replace("_", "-") for name in names]


def _unknown(tokens: Sequence[str], flags: Sequence[str], name: str) -> str:
    flag = next((token for token in tokens if token.startswith("-")), None)
    if flag is None:
        return f"{name} does not know what to do with {tokens[0]!r}. `{name} --help` says what it takes."
    flag = flag.partition("=")[0]
    near = get_close_matches(flag.replace("_", "-"), flags, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"`{name} --help` lists the flags."
    return f"{name} has no flag {flag}. {hint}"


def _one_line(box: str, name: str) -> str:
    """What tyro says in a box, as one sentence."""
    lines = [line.strip(_FRAME) for line in box.splitlines()[1:]]
    text = " ".join(" ".join(lines[: lines.index("")] if "" in lines else lines).split())
    if missing := re.match(r"Missing from .*?: (\S+)", text):
        return f"{name} needs {missing[1]}. `{name} --help` says more."
    if missing := re.match(r"Missing value for argument '(.*?)'", text):
        if missing[1].startswith("-"):
            return f"{missing[1]} needs a value. `{name} --help` says more."
        return f"{name} needs {missing[1].upper()}. `{name} --help` says more."
    if wrong := re.match(r"Error parsing (\S+): invalid literal for int\(\).*?: (.*)", text):
        return f"{wrong[1]} takes a whole number, got {wrong[2]}."
    if wrong := re.match(r"Error parsing (\S+): could not convert string to float: (.*)", text):
        return f"{wrong[1]} takes a number, got {wrong[2]}."
    if wrong := re.match(
        r"Error parsing (\S+): no type matching (INT|FLOAT) could .*? from \['(.*)'\]", text
    ):
        kind = "a whole number" if wrong[2] == "INT" else "a number"
        return f"{wrong[1]} takes {kind}, got {wrong[3]!r}."
    if wrong := re.match(r"invalid choice '(.*?)' for argument '(.*?)'\. Expected one of \((.*?),?\)", text):
        choices = [choice.strip("' ") for choice in wrong[3].split(",")]
        near = get_close_matches(wrong[1], choices, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"{wrong[2]} is one of {', '.join(choices)}, got {wrong[1]!r}.{hint}"
    return text or f"{name} could not read its arguments. `{name} --help` says what it takes."
