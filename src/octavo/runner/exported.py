"""A demo as a Gradio interface: the same parameters, from the same signature, as the page's form has."""

import json
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError
from octavo.runner.demos import Demo, Input, apart


def interface(demo: Demo) -> Any:
    """The demo as a `gradio.Interface`; `launch()` opens it.

    Args:
        demo: as `octavo.runner.demos.demo_of` gives it.

    Raises:
        OctavoError: gradio is not installed.
    """
    try:
        import gradio
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise OctavoError("A demo in Gradio needs gradio: pip install 'octavo[gradio]'") from None
    return gradio.Interface(
        fn=called(demo),
        inputs=[_component(gradio, each) for each in demo.inputs],
        outputs=[gradio.JSON(label="values"), gradio.Plot(label="figure")],
        title=demo.paper,
        description=demo.summary,
        flagging_mode="never",
    )


def called(demo: Demo) -> Callable[..., tuple[Any, Any]]:
    """What Gradio calls with what stands in the fields; returns the values and the figure.

    Example:
        >>> from octavo.runner.demos import describe
        >>> def demo(times: int = 2, word: str = "dog") -> dict:
        ...     "Repeats a word."
        ...     return {"said": word * times}
        >>> called(describe("words", demo))(2.0, "cat")
        ({'said': 'catcat'}, None)
    """

    def run(*typed: Any) -> tuple[Any, Any]:
        pairs = zip(demo.inputs, typed, strict=True)
        values, figure = apart(demo.function(**{each.name: _read(each, value) for each, value in pairs}))
        return json.loads(json.dumps(values, default=_plain)), figure

    return run


def _component(gradio: Any, each: Input) -> Any:
    """The field of one parameter."""
    default = None if each.required else each.default
    common = {"label": each.name.replace("_", " "), "info": each.help or None}
    if each.kind == "switch":
        return gradio.Checkbox(value=bool(default), **common)
    if each.kind == "choice":
        shown = [(_shown(choice), place) for place, choice in enumerate(each.choices)]
        if each.optional:
            shown = [("", -1), *shown]
        start = each.choices.index(default) if default in each.choices else -1
        return gradio.Dropdown(choices=shown, value=start if start >= 0 or each.optional else None, **common)
    if each.range:
        step = each.range.step or (1 if each.kind == "whole" else None)
        return gradio.Slider(each.range.low, each.range.high, value=default, step=step, **common)
    if each.kind in ("whole", "number"):
        return gradio.Number(value=default, precision=0 if each.kind == "whole" else None, **common)
    if each.drawn:
        sheet = each.drawn
        brush = gradio.Brush(default_size=sheet.pen, colors=["#000000"], color_mode="fixed")
        return gradio.ImageEditor(
            label=common["label"],
            type="filepath",
            format="png",
            sources=("upload", "clipboard"),
            canvas_size=(sheet.width, sheet.height),
            brush=brush,
            layers=False,
        )
    if each.kind == "file":
        return gradio.File(label=common["label"], type="filepath")
    return gradio.Textbox(value="" if default is None else str(default), **common)


def _read(each: Input, value: Any) -> Any:
    """What stands in a field as the function takes it."""
    if each.kind == "switch":
        return bool(value)
    if each.drawn and isinstance(value, Mapping):
        value = _drawing(value)
    if each.kind == "choice":
        return None if value is None or value < 0 else each.choices[value]
    if value is None or value == "":
        if each.required:
            raise ValueError(f"{each.name.replace('_', ' ')} needs something in it.")
        return None if each.optional else each.default
    if each.kind == "whole":
        return int(value)
    if each.kind == "file":
        return Path(value)
    return float(value) if each.kind == "number" else str(value)


def _drawing(edited: Mapping[str, Any]) -> str | None:
    """The file of what Gradio's editor holds, on white; None where its sheet is empty."""
    from PIL import Image

    file: str | None = edited.get("composite")
    if not file:
        return None
    with Image.open(file) as opened:
        clear = opened.convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    if picture.getextrema() == ((255, 255),) * 3:
        return None
    picture.save(file)
    return file


def _shown(choice: Any) -> str:
    return choice.name.lower() if isinstance(choice, Enum) else str(choice)


def _plain(value: Any) -> Any:
    """Arrays and tensors as lists, anything else as its text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
