"""A comparison in the form that rules judge: one measured quantity against one constant.

`accuracy(a, D) >= accuracy(b, D) - 0.02` is the quantity `accuracy(a, D) - accuracy(b, D)` against -0.02.
`seconds(b, D) / seconds(a, D) >= 2` and `loss(a, D) <= 0.8 * loss(b, D)` are ratios, judged by logarithm.
`abs(loss(a, D) - loss(b, D)) <= 0.02` is a band around zero.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from octavo.errors import OctavoError
from octavo.ledger.evaluate import Evaluator, evaluate, evaluator
from octavo.ledger.expression import (
    Binary,
    Call,
    Comparator,
    Comparison,
    Expression,
    Name,
    Negative,
    Number,
    at_place,
    is_constant,
    names,
    width,
)

Form = Literal["difference", "ratio", "band"]
_FLIPPED: dict[Comparator, Comparator] = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
_MOVED_OUT = ("mean", "min", "max")


@dataclass(frozen=True)
class Standard:
    """One comparison, for one data set, as a quantity against a constant.

    Args:
        quantity: what is measured, without additive constants.
        operator: how it is compared.
        bound: the constant.
        form: "ratio" is judged on the log scale, "band" is |quantity| <= bound.
    """

    quantity: Expression
    operator: Comparator
    bound: float
    form: Form

    @property
    def sign(self) -> int:
        """1 where larger quantities are claimed, -1 where smaller."""
        return 1 if self.operator in (">=", ">") else -1

    @property
    def strict(self) -> bool:
        """Whether equality is not enough."""
        return self.operator in (">", "<")

    @property
    def threshold(self) -> str:
        """The right side as text."""
        return f"{self.operator} {self.bound:.12g}"

    @property
    def text(self) -> str:
        """The quantity as text."""
        return f"abs({self.quantity})" if self.form == "band" else str(self.quantity)

    @property
    def margin(self) -> float:
        """The smallest claimed improvement: of a ratio its logarithm, of a band half its width."""
        if self.form == "band":
            return self.bound
        return self.sign * (math.log(self.bound) if self.form == "ratio" else self.bound)

    @cached_property
    def measure(self) -> Evaluator:
        """From measured numbers to the quantity."""
        return evaluator(self.quantity)

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """What the quantity is measured by."""
        return names(self.quantity)

    def improvement(self, value: float) -> float:
        """The quantity's value so that larger is nearer to the claim; as it is for a band."""
        if self.form == "band":
            return value
        if self.form == "ratio":
            value = math.log(value) if value > 0 else math.nan
        return self.sign * value

    def quantity_of(self, improvement: float) -> float:
        """The quantity's value of an improvement: `improvement` undone."""
        if self.form == "band" or math.isnan(improvement):
            return improvement
        value = self.sign * improvement
        if self.form == "difference":
            return value
        return math.exp(value) if value < 700 else math.inf


def split(comparison: Comparison) -> tuple[Comparison, ...]:
    """One comparison for every data set of its list; itself where it has none."""
    left, right = width(comparison.left), width(comparison.right)
    length = left if left is not None else right
    if length is None:
        return (comparison,)
    return tuple(
        Comparison(comparison.operator, at_place(comparison.left, index), at_place(comparison.right, index))
        for index in range(length)
    )


def standard(comparison: Comparison, *, ratios: bool = True) -> Standard:
    """The standard form of a comparison without lists at its top.

    Args:
        comparison: as `split` gives it.
        ratios: whether a comparison of a ratio is taken to the log scale, which positive numbers allow.

    Raises:
        OctavoError: a constant that is not finite, or nothing measured that is left after simplifying.

    Example:
        >>> from octavo.ledger.parser import parse
        >>> form = standard(parse("loss(a, D) <= 0.8 * loss(b, D)").comparisons[0])
        >>> str(form.quantity), form.threshold, form.form
        ('loss(a, D) / loss(b, D)', '<= 0.8', 'ratio')
    """
    operator, left, right = comparison.operator, comparison.left, comparison.right
    if is_constant(left):
        operator, left, right = _FLIPPED[operator], right, left
    inner = _inside_abs(left) if operator in ("<=", "<") and is_constant(right) else None
    if inner is not None:
        bound = _constant(right, comparison)
        if bound < 0:
            raise OctavoError(f"`{comparison}` can never hold: a size is never below {bound:g}.")
        return Standard(inner, operator, bound, "band")
    terms = [*_terms(left, 1), *_terms(right, -1)]
    bound = -sum(sign * _constant(term, comparison) for sign, term in terms if is_constant(term))
    measured = [(sign, term) for sign, term in terms if not is_constant(term)]
    if not measured:
        raise OctavoError(f"`{comparison}` has nothing measured in it.")
    if ratios:
        found = _ratio(operator, measured, bound, comparison)
        if found is not None:
            return found
    if all(sign < 0 for sign, _ in measured):
        operator, bound = _FLIPPED[operator], -bound
        measured = [(1, term) for _, term in measured]
    # Adding zero turns -0.0, which is printed as "-0", into 0.0.
    return Standard(_sum(measured), operator, bound + 0.0, "difference")


def _inside_abs(expression: Expression) -> Expression | None:
    """x of abs(x), x / y of abs(x) / y for a positive y; None for any other expression."""
    if isinstance(expression, Call) and expression.function == "abs":
        return expression.arguments[0]
    if isinstance(expression, Binary) and expression.operator == "/" and _is_positive(expression.right):
        inner = _inside_abs(expression.left)
        return None if inner is None else Binary("/", inner, expression.right)
    return None


def _constant(expression: Expression, comparison: Comparison) -> float:
    value = evaluate(expression, {})
    if not math.isfinite(value):
        raise OctavoError(f"`{comparison}`: the constant `{expression}` is no finite number.")
    return value


def _terms(expression: Expression, sign: int) -> list[tuple[int, Expression]]:
    """The summands of an expression with their signs; constants are taken out of means, minima and maxima."""
    if isinstance(expression, Negative):
        return _terms(expression.operand, -sign)
    if isinstance(expression, Binary) and expression.operator in "+-":
        right = sign if expression.operator == "+" else -sign
        return [*_terms(expression.left, sign), *_terms(expression.right, right)]
    if (
        isinstance(expression, Call)
        and expression.function in _MOVED_OUT
        and width(expression.arguments[0]) is not None
    ):
        inner = _terms(expression.arguments[0], 1)
        constants = [term for term in inner if is_constant(term[1])]
        listed = [term for term in inner if not is_constant(term[1])]
        # A list of one kind of number plus a constant: the mean of the list, plus the constant.
        if constants and any(width(term) is not None for _, term in listed):
            return [
                (sign, Call(expression.function, (_sum(listed),))),
                *((sign * each, term) for each, term in constants),
            ]
    return [(sign, expression)]


def _sum(terms: list[tuple[int, Expression]]) -> Expression:
    ordered = [term for term in terms if term[0] > 0] + [term for term in terms if term[0] < 0]
    sign, total = ordered[0]
    if sign < 0:
        total = Negative(total)
    for sign, term in ordered[1:]:
        total = Binary("+" if sign > 0 else "-", total, term)
    return total


def _ratio(
    operator: Comparator, terms: list[tuple[int, Expression]], bound: float, comparison: Comparison
) -> Standard | None:
    """The comparison as a ratio against a positive constant, where it is one."""
    if len(terms) == 1 and _is_ratio(terms[0][1]):
        sign, quantity = terms[0]
        value = sign * bound
        return (
            Standard(quantity, operator if sign > 0 else _FLIPPED[operator], value, "ratio")
            if value > 0
            else None
        )
    if len(terms) == 2 and bound == 0 and {sign for sign, _ in terms} == {1, -1}:
        (_, above), (_, below) = sorted(terms, key=lambda term: -term[0])
        first, above = _factor(above, comparison)
        second, below = _factor(below, comparison)
        if first * second > 0 and first != second and _is_positive(above) and _is_positive(below):
            turned = operator if first > 0 else _FLIPPED[operator]
            return Standard(Binary("/", above, below), turned, second / first, "ratio")
    return None


def _factor(term: Expression, comparison: Comparison) -> tuple[float, Expression]:
    """A term as a constant times the rest."""
    if isinstance(term, Binary) and term.operator == "*":
        for constant, rest in ((term.left, term.right), (term.right, term.left)):
            if is_constant(constant):
                inner, rest = _factor(rest, comparison)
                return _constant(constant, comparison) * inner, rest
    if isinstance(term, Binary) and term.operator == "/" and is_constant(term.right):
        inner, rest = _factor(term.left, comparison)
        divisor = _constant(term.right, comparison)
        if divisor == 0:
            raise OctavoError(f"`{comparison}` divides by zero.")
        return inner / divisor, rest
    return 1.0, term


def _is_ratio(expression: Expression) -> bool:
    if isinstance(expression, Call) and expression.function in _MOVED_OUT:
        return all(_is_ratio(argument) for argument in expression.arguments)
    if not isinstance(expression, Binary):
        return False
    if expression.operator == "*":
        pair = (expression.left, expression.right)
        return any(isinstance(one, Number) and _is_ratio(other) for one, other in (pair, pair[::-1]))
    return (
        expression.operator == "/"
        and not is_constant(expression.right)
        and not is_constant(expression.left)
        and _is_positive(expression.left)
        and _is_positive(expression.right)
    )


def _is_positive(expression: Expression) -> bool:
    """Whether the expression is positive for positive numbers, as far as its form tells."""
    if isinstance(expression, Negative) or (isinstance(expression, Binary) and expression.operator == "-"):
        return False
    if isinstance(expression, Number):
        return expression.value > 0
    if isinstance(expression, Call):
        return expression.function != "log" and all(map(_is_positive, expression.arguments))
    return not isinstance(expression, Binary) or (
        _is_positive(expression.left) and _is_positive(expression.right)
    )
