import contextlib
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.ledger import ConditionError, parse
from octavo.ledger.expression import (
    FUNCTIONS,
    Binary,
    Call,
    Comparison,
    Condition,
    Negative,
    Number,
    Reference,
    names,
    width,
)
from octavo.ledger.parser import DEEPEST, LONGEST, parse_quantity

NAMES = st.one_of(
    st.sampled_from(["accuracy", "aaren", "D", "and", "mean", "5k"]), st.text(min_size=1, max_size=6)
)
NUMBERS = st.floats(min_value=0, allow_nan=False, allow_infinity=False).map(lambda value: Number(abs(value)))
PLACES = st.dictionaries(
    NAMES, st.floats(allow_nan=False, allow_infinity=False).filter(lambda v: v != 0), max_size=2
)


def references(length: int | None) -> st.SearchStrategy[Reference]:
    datasets = st.lists(NAMES, min_size=length or 1, max_size=length or 1)
    return st.builds(
        lambda metric, system, found, at: Reference(
            metric, system, tuple(found), length is not None, tuple(sorted(at.items()))
        ),
        NAMES,
        NAMES,
        datasets,
        PLACES,
    )


def quantities(length: int | None) -> st.SearchStrategy:
    """Expressions that are a list of `length`, or numbers."""
    leaves = (
        st.one_of(NUMBERS, references(None), references(length))
        if length
        else st.one_of(NUMBERS, references(None))
    )
    grown = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Negative, inner),
            st.builds(Binary, st.sampled_from("+-*/"), inner, inner),
            st.builds(lambda name, one: Call(name, (one,)), st.sampled_from(["abs", "log"]), inner),
        ),
        max_leaves=6,
    )
    if length is not None:
        return grown
    of_several = st.builds(
        lambda name, several: Call(name, tuple(several)),
        st.sampled_from(["mean", "min", "max", "sum"]),
        st.lists(grown, min_size=2, max_size=3),
    )
    of_list = st.builds(
        lambda name, one: Call(name, (one,)),
        st.sampled_from(["mean", "min", "max", "sum"]),
        quantities(3).filter(lambda one: width(one) is not None),
    )
    return st.one_of(grown, of_several, of_list)


SIDES = st.one_of(st.tuples(quantities(None), quantities(None)), st.tuples(quantities(2), quantities(2)))
COMPARISONS = st.builds(
    lambda sign, sides: Comparison(sign, *sides), st.sampled_from([">=", "<=", ">", "<"]), SIDES
)
CONDITIONS = st.builds(
    lambda several: Condition(tuple(several)),
    st.lists(COMPARISONS.filter(lambda one: bool(names(one))), min_size=1, max_size=3),
)


@given(CONDITIONS)
def test_a_tree_is_printed_and_read_back(condition: Condition) -> None:
    assert parse(str(condition)) == condition


@given(st.one_of(st.text(max_size=60), st.text(alphabet="ab(,)[]<>=+-*/.\"' 1eand", max_size=60)))
def test_no_text_does_worse_than_a_clear_error(text: str) -> None:
    with contextlib.suppress(ConditionError):
        assert parse(text).comparisons


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("maen(loss(a, D)) < 1", 5, "did you mean mean"),
        ("loss(a, D", 9, "expected `,` or `)`, got the end"),
        ("loss(a, D) = 2", 11, "equality is written abs"),
        ("loss(a, D) < 1 < 2", 15, "a <= b and b <= c"),
        ("loss(a, D) <= 5 %", 16, "write 0.05 for 5 %"),
        ("loss(a, D) ≤ 5", 11, "write <="),
        ("loss(a, 5k) < 1", 8, "needs quotes"),
        ("loss(a, MNIST-5k) < 1", 13, "needs quotes"),
        ("loss(a, [D, E]) < loss(b, [D, E, F])", 16, "a list of 2 data sets meets a list of 3"),
        ("mean(loss(a, D)) < 1", 0, "a list of data sets, or several numbers"),
        ("abs(loss(a, D), 1) < 1", 0, "takes one argument, got 2"),
        ("1 < 2", 0, "nothing measured"),
        ("loss(a, D) < 1 or loss(b, D) < 1", 15, "joined by `and`"),
        ("loss(a, D, tokens=1, tokens=2) < 1", 21, "given twice"),
        ("loss(a, D, tokens=many) < 1", 18, "expected a number for the axis tokens"),
        ('loss(a, "D) < 1', 8, "not closed"),
        ("loss(a, D) < 1e999", 13, "too large"),
        ("loss < 1", 5, "must be followed by (system, dataset)"),
        ("", 0, "expected a number, a function or metric(system, dataset), got the end"),
    ],
)
def test_an_error_says_where_and_what_to_do(text: str, position: int, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert caught.value.position == position
    shown, caret = str(caught.value).splitlines()[-2:]
    assert shown == f"  {text}"
    assert caret.index("^") == position + 2


def test_an_error_in_a_later_line_names_the_line() -> None:
    with pytest.raises(ConditionError, match=r"line 2, column 11: .*got `\)`"):
        parse("loss(a, D) < 1\nand loss(b) < 1")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000 + "1",
        "-" * 3000 + "1",
        "1" + "+1" * 1500 + " < loss(a, D)",
        "abs(" * 900,
        "x" * (LONGEST + 1),
    ],
)
def test_depth_and_length_are_limited(text: str) -> None:
    with pytest.raises(ConditionError, match=f"{DEEPEST} deep|{LONGEST} are read"):
        parse(text)


def test_the_names_are_all_that_must_be_measured() -> None:
    found = names(parse("mean(loss(a, [D, E])) < loss(b, D, tokens=8) and loss(a, D) > 0"))
    assert [str(name) for name in found] == ["loss(a, D)", "loss(a, E)", "loss(b, D, tokens=8)"]


def test_places_do_not_depend_on_their_order() -> None:
    first, second = (parse_quantity(f"loss(a, D, {at})") for at in ("x=1, y=-2", "y=-2, x=1"))
    assert first == second
    assert isinstance(first, Reference)
    assert first.at == (("x", 1.0), ("y", -2.0))


def test_a_metric_may_have_a_functions_name_in_quotes() -> None:
    found = parse_quantity('"mean"(a, D)')
    assert found == Reference("mean", "a", ("D",))
    assert parse_quantity(str(found)) == found
    assert "mean" in FUNCTIONS


def test_an_error_crosses_a_process() -> None:
    error = ConditionError("a problem", "loss(a", 6)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_products_come_before_sums_and_division_goes_from_the_left() -> None:
    tree = parse_quantity("1 - 2 - 3 * 4 / 5")
    assert str(tree) == "1 - 2 - 3 * 4 / 5"
    assert isinstance(tree, Binary)
    assert str(tree.right) == "3 * 4 / 5"
    assert math.isclose(parse_number("1e-12"), 1e-12)


def parse_number(text: str) -> float:
    number = parse_quantity(text)
    assert isinstance(number, Number)
    return number.value
