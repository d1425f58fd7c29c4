"""Fields of a config are held to the bounds in their types."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from annotated_types import Interval, MinLen

from octavo.lab.bounds import Count, NotNegative, Positive, Share, out_of_bounds


@dataclass(frozen=True)
class Config:
    steps: Count = 1
    clip: Positive | None = None
    sizes: Annotated[tuple[Count, ...], MinLen(2)] = (1, 2)
    clips: tuple[Positive | None, ...] = ()
    pairs: tuple[tuple[Positive, NotNegative], ...] = ((0.1, 0.0),)
    rows: tuple[Count, Count] = (1, 1)
    bits: Annotated[int, Interval(ge=1, le=3)] = 3
    share: Share = 1.0
    name: str = "free"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("steps", 0, "steps=0 must be at least 1"),
        ("clip", 0.0, "clip=0.0 must be above 0"),
        ("sizes", (), "sizes=() needs 2 or more"),
        ("sizes", (0, 1, 0), "sizes=(0, 1, 0): each must be at least 1"),
        ("clips", (1.0, None, 0.0), "clips=(1.0, None, 0.0): each must be above 0"),
        ("pairs", ((0.1, -1.0),), "pairs=((0.1, -1.0),): each must be at least 0"),
        ("rows", (0, 1), "rows=(0, 1): each must be at least 1"),
        ("bits", 4, "bits=4 must be at most 3"),
        ("bits", 0, "bits=0 must be at least 1"),
        ("share", 1.5, "share=1.5 must be at most 1"),
        ("share", float("nan"), "share=nan must be at least 0"),
    ],
)
def test_what_is_out_of_bounds_is_named(field: str, value: Any, said: str) -> None:
    found = out_of_bounds(Config(**{field: value}))
    assert found[0] == said
    assert len(found) == (2 if value != value else 1)


def test_what_is_within_is_let_through() -> None:
    assert out_of_bounds(Config()) == []
    assert out_of_bounds(Config(clip=1.0, clips=(None, 2.0), pairs=())) == []
