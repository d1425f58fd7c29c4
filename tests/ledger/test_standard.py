import math

import pytest

from octavo.errors import OctavoError
from octavo.ledger.evaluate import evaluate, pushes
from octavo.ledger.expression import Name, names
from octavo.ledger.parser import parse, parse_quantity
from octavo.ledger.standard import split, standard


@pytest.mark.parametrize(
    ("condition", "quantity", "threshold", "form"),
    [
        ("a(x, D) >= a(y, D) - 0.02", "a(x, D) - a(y, D)", ">= -0.02", "difference"),
        ("0.75 <= a(x, D)", "a(x, D)", ">= 0.75", "difference"),
        ("0 >= a(x, D) - a(y, D)", "a(x, D) - a(y, D)", "<= 0", "difference"),
        ("-a(x, D) >= -1", "a(x, D)", "<= 1", "difference"),
        ("a(x, D) - (a(y, D) + 0.1) > 0", "a(x, D) - a(y, D)", "> 0.1", "difference"),
        (
            "mean(a(x, [D, E]) - a(y, [D, E]) + 1) >= 0",
            "mean(a(x, [D, E]) - a(y, [D, E]))",
            ">= -1",
            "difference",
        ),
        ("(a(x, D) - a(y, D)) / a(y, D) <= 0.05", "(a(x, D) - a(y, D)) / a(y, D)", "<= 0.05", "difference"),
        ("a(y, D) / a(x, D) >= 2", "a(y, D) / a(x, D)", ">= 2", "ratio"),
        ("a(x, D) <= 0.8 * a(y, D)", "a(x, D) / a(y, D)", "<= 0.8", "ratio"),
        ("a(x, D) / 2 >= a(y, D)", "a(x, D) / a(y, D)", ">= 2", "ratio"),
        ("a(x, D) / a(y, D) - 1 <= 0.05", "a(x, D) / a(y, D)", "<= 1.05", "ratio"),
        ("abs(a(x, D) - a(y, D)) <= 0.02", "a(x, D) - a(y, D)", "<= 0.02", "band"),
        ("0.02 > abs(a(x, D))", "a(x, D)", "< 0.02", "band"),
        ("abs(a(x, D) - a(y, D)) / a(y, D) <= 0.05", "(a(x, D) - a(y, D)) / a(y, D)", "<= 0.05", "band"),
    ],
)
def test_a_comparison_is_one_quantity_against_one_constant(
    condition: str, quantity: str, threshold: str, form: str
) -> None:
    found = standard(parse(condition).comparisons[0])
    assert (str(found.quantity), found.threshold, found.form) == (quantity, threshold, form)


def test_the_standard_form_says_the_same_as_the_condition() -> None:
    for condition in (
        "a(x, D) - 3 <= 2 * a(y, D) + 1",
        "2 - a(x, D) > a(y, D) / 4",
        "a(x, D) <= 0.8 * a(y, D)",
    ):
        comparison = parse(condition).comparisons[0]
        form = standard(comparison)
        for x in (0.5, 2.0, 7.25):
            for y in (0.25, 1.0, 8.0):
                values = {name: {"x": x, "y": y}[name.system] for name in names(comparison)}
                left, right = evaluate(comparison.left, values), evaluate(comparison.right, values)
                literal = {"<=": left <= right, ">": left > right}[comparison.operator]
                improvement = form.improvement(evaluate(form.quantity, values))
                assert literal == (
                    improvement > form.margin or (not form.strict and improvement == form.margin)
                )
                assert form.quantity_of(improvement) == pytest.approx(evaluate(form.quantity, values))


def test_a_list_is_one_comparison_a_data_set() -> None:
    found = split(parse("a(x, [D, E]) <= 0.5").comparisons[0])
    assert [str(each) for each in found] == ["a(x, D) <= 0.5", "a(x, E) <= 0.5"]


@pytest.mark.parametrize(
    "condition", ["a(x, D) >= 1 / 0", "abs(a(x, D)) <= -1", "a(x, D) / 0 >= 2 * a(y, D)"]
)
def test_constants_that_cannot_be_are_refused(condition: str) -> None:
    with pytest.raises(OctavoError, match=r"no finite number|never|divides by zero"):
        standard(parse(condition).comparisons[0])


def test_the_value_of_an_expression() -> None:
    quantity = parse_quantity("max(a(x, D), 2) - min(a(x, [D, E])) + sum(a(x, [D, E])) * log(1) + abs(-3)")
    values = {Name("a", "x", "D"): 5.0, Name("a", "x", "E"): 4.0}
    assert evaluate(quantity, values) == 5 - 4 + 0 + 3
    assert math.isnan(evaluate(parse_quantity("a(x, D) / 0"), values))
    assert math.isnan(evaluate(parse_quantity("log(-a(x, D))"), values))


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("a(x, D) - a(y, D)", [1, -1]),
        ("a(x, D) / a(y, D)", [1, -1]),
        ("-2 * a(x, D) + mean(a(y, [D, D]))", [-1, 1]),
        ("abs(a(x, D))", [0]),
        ("a(x, D) - a(x, D)", [0]),
        ("(a(x, D) - a(y, D)) * a(z, D)", [1, -1, 0]),
    ],
)
def test_which_way_each_number_pushes(text: str, signs: list[int]) -> None:
    assert list(pushes(parse_quantity(text)).values()) == signs
