"""A demo is read from its signature, whatever is made of it."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from octavo.errors import OctavoError
from octavo.runner.demos import REQUIRED, apart, demo_of, describe


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


def example(
    image: Annotated[Path | None, "a picture"],
    word: str = "dog",
    at: Literal["up", 3] = "up",
    size: Size = Size.SMALL,
    rate: float | None = None,
    steps: int = 10,
    often: bool = False,
) -> dict[str, Any]:
    """Looks a word up,
    and says so.

    More of it.

    Args:
        image: a picture of
            one line.
        word, at: what and where.
        steps: how many.

    Returns:
        Nothing.
    """
    return {}


def test_every_kind_of_parameter() -> None:
    demo = describe("example", example)
    kinds = [(each.name, each.kind, each.choices, each.optional) for each in demo.inputs]
    assert kinds == [
        ("image", "file", (), True),
        ("word", "text", (), False),
        ("at", "choice", ("up", 3), False),
        ("size", "choice", (Size.SMALL, Size.LARGE), False),
        ("rate", "number", (), True),
        ("steps", "whole", (), False),
        ("often", "switch", (), False),
    ]
    assert demo.summary == "Looks a word up, and says so."
    assert demo.inputs[0].help == "a picture of one line."
    assert demo.inputs[1].help == demo.inputs[2].help == "what and where."
    assert demo.inputs[0].default is REQUIRED
    assert demo.inputs[0].required
    assert not demo.inputs[1].required


def test_a_type_that_no_form_can_give_is_refused() -> None:
    def demo(values: dict[str, int]) -> None: ...

    with pytest.raises(OctavoError, match=r"odd\.demo\(values\)"):
        describe("odd", demo)


def test_a_paper_without_a_demo_says_so() -> None:
    with pytest.raises(OctavoError, match="no demo yet"):
        demo_of("yi")


class Figure:
    def savefig(self) -> None: ...


@dataclass
class Result:
    error: float
    figure: Figure


def test_a_result_is_taken_apart() -> None:
    figure = Figure()
    assert apart({"a": 1, "figure": figure}) == ({"a": 1}, figure)
    assert apart((1, figure)) == (1, figure)
    assert apart((1, 2)) == ([1, 2], None)
    assert apart(figure) == (None, figure)
    assert apart(Result(0.5, figure)) == ({"error": 0.5}, figure)
    assert apart("text") == ("text", None)


def test_what_a_stroke_chooses_is_there_to_be_chosen() -> None:
    for slug in ("crnn", "mgno"):
        inputs = {each.name: each for each in demo_of(slug).inputs}
        sheet = next(each.drawn for each in inputs.values() if each.drawn)
        assert all(value in inputs[name].choices for name, value in sheet.sets.items())
