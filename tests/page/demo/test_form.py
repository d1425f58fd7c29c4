"""What is typed into a form is checked before a process is started for it."""

import io
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Interval, MultipleOf
from PIL import Image

from octavo.errors import OctavoError
from octavo.lab import Drawn
from octavo.page.demo.form import WrongInput, arguments, checked, form_of
from octavo.page.settings import DemoLimits
from octavo.runner.demos import describe

LIMITS = DemoLimits(upload=20_000, pixels=10_000, text=20)


def example(
    word: str,
    image: Path | None = None,
    at: Literal["up", 3] = "up",
    rate: float | None = 0.5,
    steps: int = 10,
    often: bool = True,
) -> dict[str, Any]:
    """An example."""
    return {}


DEMO = describe("example", example)
FORM = form_of(DEMO)


def picture(width: int = 20, height: int = 10) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, height)).save(content, "PNG")
    return content.getvalue()


def test_the_form_has_what_the_signature_says() -> None:
    assert [(field.name, field.kind, field.value, field.required) for field in FORM.fields] == [
        ("word", "text", "", True),
        ("image", "file", "", False),
        ("at", "choice", "up", False),
        ("rate", "number", "0.5", False),
        ("steps", "whole", "10", False),
        ("often", "switch", "on", False),
    ]
    assert FORM.fields[2].choices == ("up", "3")


def test_the_arguments_have_their_types(tmp_path: Path) -> None:
    typed = {"word": "dog", "image": picture(), "at": "3", "rate": "", "steps": " 7 "}
    found = arguments(DEMO, checked(FORM, typed, LIMITS), tmp_path, LIMITS)
    file = found.pop("image")
    assert found == {"word": "dog", "at": 3, "rate": None, "steps": 7, "often": False}
    assert file.parent == tmp_path
    assert Image.open(file).size == (20, 10)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"word": ""}, "needs something"),
        ({"word": "x" * 21}, "at most 20"),
        ({"word": "x", "steps": "many"}, "takes a whole number, got 'many'"),
        ({"word": "x", "steps": "1.5"}, "takes a whole number"),
        ({"word": "x", "steps": "9" * 31}, "takes a number"),
        ({"word": "x", "rate": "nan"}, "finite"),
        ({"word": "x", "at": "down"}, "one of up, 3"),
        ({"word": "x", "image": "/etc/passwd"}, "not the name of one"),
        ({"word": "x", "image": b"x" * 20_001}, "at most"),
        ({"word": b"x"}, "got a file"),
        ({"word": "x", "other": "1"}, "no field 'other'"),
    ],
)
def test_what_cannot_be_read_is_told(typed: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(WrongInput, match=message):
        checked(FORM, typed, LIMITS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<svg onload='alert(1)'/>", "not one"),
        (picture(200, 100), "at most 10,000 pixels"),
        (b"", "not one"),
    ],
)
def test_only_pictures_of_a_bearable_size_are_opened(content: bytes, message: str, tmp_path: Path) -> None:
    from octavo.page.demo.form import _saved_picture

    with pytest.raises(WrongInput, match=message):
        _saved_picture(FORM.fields[1], content, tmp_path, LIMITS)


def test_a_number_with_both_bounds_is_a_slider_and_keeps_to_them() -> None:
    def bounded(
        rate: Annotated[float, Interval(ge=0, le=2), MultipleOf(0.5)] = 1.0,
        open_above: Annotated[int, Ge(1)] = 1,
    ) -> None:
        """An example."""

    form = form_of(describe("bounded", bounded))
    assert [field.range is not None for field in form.fields] == [True, False]
    assert form.fields[0].range
    assert (form.fields[0].range.low, form.fields[0].range.high, form.fields[0].range.step) == (0, 2, 0.5)
    assert checked(form, {"rate": "1.5"}, LIMITS) == {"rate": "1.5"}
    with pytest.raises(WrongInput, match="goes from 0 to 2"):
        checked(form, {"rate": "2.5"}, LIMITS)


def test_a_picture_that_may_be_drawn_says_how_large_its_sheet_is() -> None:
    def sketched(picture: Annotated[Path | None, Drawn(64, 32, pen=4, sets={"often": "on"})] = None) -> None:
        """An example."""

    def written(word: Annotated[str, Drawn(64, 32, pen=4)] = "") -> None:
        """An example."""

    (field,) = form_of(describe("sketched", sketched)).fields
    assert field.kind == "file"
    assert field.drawn == Drawn(64, 32, pen=4, sets={"often": "on"})
    assert FORM.fields[1].drawn is None
    with pytest.raises(OctavoError, match="takes no file"):
        describe("written", written)
    with pytest.raises(ValueError, match="1 or more"):
        Drawn(64, 0, pen=4)
