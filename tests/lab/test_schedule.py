import math

import pytest

from octavo.errors import OctavoError
from octavo.lab.schedule import Schedule


def test_cosine_with_warmup_is_its_formula() -> None:
    schedule = Schedule("cosine", steps=110, warmup_steps=10)
    for step in range(110):
        expected = (step + 1) / 10 if step < 10 else 0.5 * (1 + math.cos(math.pi * (step - 10) / 100))
        assert schedule(step) == pytest.approx(expected, abs=1e-15)


def test_linear_ends_one_step_above_zero() -> None:
    schedule = Schedule("linear", steps=4)
    assert [schedule(step) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]


def test_constant_and_a_function() -> None:
    assert Schedule("constant", steps=3).constant
    assert not Schedule("constant", steps=3, warmup_steps=1).constant
    assert Schedule(lambda progress: 1 - progress**2, steps=10)(5) == 0.75


def test_a_warmup_as_long_as_the_training() -> None:
    assert [Schedule("cosine", steps=2, warmup_steps=2)(step) for step in range(2)] == [0.5, 1.0]


def test_errors_say_what_to_do() -> None:
    with pytest.raises(OctavoError, match="'cosin' is unknown; use one of constant, cosine, linear"):
        Schedule("cosin", steps=3)  # type: ignore[arg-type]
    with pytest.raises(OctavoError, match="warmup_steps=4"):
        Schedule("cosine", steps=3, warmup_steps=4)
