"""`octavo demo PAPER`: runs a paper's demo, with one flag for each of its parameters."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import tyro

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.cli import output
from octavo.cli.parse import PaperName, call
from octavo.errors import OctavoError
from octavo.runner.demos import apart, demo_of


def main(arguments: list[str]) -> int:
    """Reads the arguments and runs the demo."""
    words = [word for word in arguments if not word.startswith("-")]
    if not words or arguments[0] in ("-h", "--help"):
        return call(_any_demo, arguments, "octavo demo")
    card = catalogue.paper(words[0])
    return call(_command(card), [word for word in arguments if word != words[0]], f"octavo demo {card.slug}")


def _any_demo(paper: PaperName) -> int:
    """Tries a paper on something small; `octavo demo PAPER --help` lists what can be changed.

    Args:
        paper: its slug, as `octavo papers` lists it.
    """
    return main([paper])


def _command(card: Paper) -> Callable[..., int]:
    """The demo as a command: its own parameters, and what becomes of its result."""
    function = demo_of(card).function
    own = inspect.signature(function)

    def command(**named: Any) -> int:
        extra = {name: named.pop(name) for name in added}
        if extra.get("gradio"):
            from octavo.runner.exported import interface

            interface(demo_of(card)).launch()
            return 0
        return show(function(**named), extra.get("figure"), bool(extra.get("json")))

    added = {
        name: kind
        for name, kind in {
            "figure": Annotated[Path | None, tyro.conf.arg(metavar="FILE", help="Save the figure here.")],
            "gradio": Annotated[bool, tyro.conf.arg(help="Open it in Gradio, on this machine.")],
            "json": Annotated[bool, tyro.conf.arg(help="Print JSON.")],
        }.items()
        if name not in own.parameters
    }
    keyword = inspect.Parameter.KEYWORD_ONLY
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=keyword) for parameter in own.parameters.values()]
        + [
            inspect.Parameter(name, keyword, default=None if name == "figure" else False, annotation=kind)
            for name, kind in added.items()
        ]
    )
    command.__annotations__ = get_type_hints(function, include_extras=True) | added | {"return": int}
    command.__doc__ = function.__doc__
    return command


def show(result: Any, file: Path | None, json: bool) -> int:
    """Prints what a demo returns, and saves its figure.

    Args:
        result: plain values, a figure among them where there is one.
        file: where the figure goes; None leaves it.
        json: print JSON, without the figure.
    """
    values, figure = apart(result)
    if file is not None:
        if figure is None:
            raise OctavoError("This demo has no figure, so --figure has nothing to save.")
        try:
            figure.savefig(file, bbox_inches="tight")
        except ValueError as error:
            raise OctavoError(f"The figure cannot be saved as {file}: {error}") from None
    if json:
        output.print_json(values)
        return 0
    _print(values)
    if file is not None:
        print(f"\nfigure  {output.relative(file)}")
    elif figure is not None:
        print("\n`--figure FILE` saves the figure.")
    return 0


def _print(values: Any) -> None:
    if isinstance(values, Mapping):
        # What has several lines stands below the rest, in the place of tables, which `--json` gives.
        told = {name: value for name, value in values.items() if isinstance(value, str) and "\n" in value}
        short = {
            name: value
            for name, value in values.items()
            if name not in told and not (told and _is_table(value))
        }
        width = max((len(str(name)) for name in short), default=0)
        for name, value in short.items():
            print(f"{name!s:<{width}}  {_short(value)}")
        for value in told.values():
            print(f"\n{value}")
    elif isinstance(values, Sequence) and not isinstance(values, str):
        for value in values:
            print(_short(value))
    elif values is not None:
        print(values)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _short(value: Any) -> str:
    """A value on one line; a long list by its ends."""
    value = output.plain(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        texts = [_short(each) for each in value]
        if len(texts) > 12:
            texts = [*texts[:6], "...", *texts[-3:]]
            return f"{'  '.join(texts)}  ({len(value)})"
        return "  ".join(texts)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(each)}" for name, each in value.items())
    return str(value)
