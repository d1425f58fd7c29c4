"""A demo in Gradio has the fields of its signature, and calls the same function."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from PIL import Image

from octavo.errors import OctavoError
from octavo.lab import Drawn
from octavo.runner.demos import Demo, describe
from octavo.runner.exported import called, interface


class Way(Enum):
    UP = 1
    DOWN = 2


def demo(
    word: str,
    at: Literal["start", "end"] = "end",
    way: Way | None = None,
    times: int = 2,
    share: float = 0.5,
    loud: bool = False,
    picture: Path | None = None,
) -> dict[str, Any]:
    """Says a word.

    Args:
        word: what is said.
    """
    return {"said": (word.upper() if loud else word) * times, "at": at, "way": way, "share": share}


def _demo() -> Demo:
    return describe("words", demo)


def test_what_stands_in_the_fields_is_what_the_function_takes() -> None:
    run = called(_demo())
    assert run("cat", 0, 1, 1.0, 0.25, True, None) == (
        {"said": "CAT", "at": "start", "way": "Way.DOWN", "share": 0.25},
        None,
    )
    assert run("cat", 1, -1, None, None, False, None)[0] == {
        "said": "catcat",
        "at": "end",
        "way": None,
        "share": 0.5,
    }
    with pytest.raises(ValueError, match="word needs something"):
        run("", 1, -1, 2, 0.5, False, None)


def test_the_interface_has_a_field_for_each_parameter() -> None:
    gradio = pytest.importorskip("gradio", reason="needs octavo[gradio]")
    found = interface(_demo())
    fields = found.input_components
    assert [each.label for each in fields] == ["word", "at", "way", "times", "share", "loud", "picture"]
    kinds = [gradio.Textbox, gradio.Dropdown, gradio.Dropdown, gradio.Number, gradio.Number, gradio.Checkbox]
    assert [type(each) for each in fields] == [*kinds, gradio.File]
    assert fields[1].value == 1
    assert fields[0].info == "what is said."


def test_without_gradio_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(OctavoError, match=r"octavo\[gradio\]"):
        interface(_demo())


def sketched(picture: Annotated[Path | None, Drawn(64, 32, pen=4)] = None) -> dict[str, Any]:
    """Looks at a picture."""
    return {"drawn": picture is not None and Image.open(picture).getpixel((0, 0))}


def test_what_was_drawn_comes_as_a_file_on_white_and_an_empty_sheet_as_none(tmp_path: Path) -> None:
    run = called(describe("sketched", sketched))
    file = tmp_path / "composite.png"
    line = Image.new("RGBA", (64, 32), (0, 0, 0, 0))
    line.paste((0, 0, 0, 255), (10, 10, 40, 14))
    line.save(file)
    assert run({"background": None, "layers": [], "composite": str(file)})[0] == {"drawn": [255, 255, 255]}
    Image.new("RGB", (64, 32), "white").save(file)
    assert run({"background": str(file), "layers": [], "composite": str(file)})[0] == {"drawn": False}
    assert run({"background": None, "layers": [], "composite": None})[0] == {"drawn": False}
    assert run(None)[0] == {"drawn": False}


def test_a_picture_that_may_be_drawn_has_an_editor() -> None:
    gradio = pytest.importorskip("gradio", reason="needs octavo[gradio]")
    (editor,) = interface(describe("sketched", sketched)).input_components
    assert isinstance(editor, gradio.ImageEditor)
    assert tuple(editor.canvas_size) == (64, 32)
