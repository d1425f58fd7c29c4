"""The number that an expression is, given the measured ones, and which way each of them pushes it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from octavo.ledger.expression import (
    Binary,
    Call,
    Expression,
    Name,
    Negative,
    Number,
    Reference,
    at_place,
    width,
)

Functions = Mapping[str, Callable[..., Any]]
Evaluator = Callable[[Mapping[Name, Any]], Any]


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


PLAIN: Functions = {
    "abs": abs,
    "log": _log,
    "mean": lambda *values: sum(values) / len(values),
    "sum": lambda *values: sum(values),
    "min": min,
    "max": max,
}


def evaluate(expression: Expression, values: Mapping[Name, Any], functions: Functions = PLAIN) -> Any:
    """The value of an expression that is no list.

    Args:
        expression: of one number a seed; lists only inside mean, min, max or sum.
        values: the measured numbers, or arrays of them.
        functions: what the named functions do, where the values are arrays.

    Returns:
        A number, NaN where it is not defined (a division by zero, the logarithm of a negative number).

    Example:
        >>> from octavo.ledger.parser import parse_quantity
        >>> quantity = parse_quantity("mean(loss(a, [D, E])) / 2")
        >>> evaluate(quantity, {Name("loss", "a", "D"): 1.0, Name("loss", "a", "E"): 3.0})
        1.0
    """
    return evaluator(expression, functions)(values)


def evaluator(expression: Expression, functions: Functions = PLAIN) -> Evaluator:
    """What `evaluate` does, prepared once for many values."""
    inner = _prepared(expression, functions)

    def value_of(values: Mapping[Name, Any]) -> Any:
        try:
            return inner(values)
        except (ZeroDivisionError, OverflowError):
            return math.nan

    return value_of


def _prepared(expression: Expression, functions: Functions) -> Evaluator:
    if isinstance(expression, Number):
        constant = expression.value
        return lambda values: constant
    if isinstance(expression, Reference):
        name = name_of(expression)
        return lambda values: values[name]
    if isinstance(expression, Negative):
        operand = _prepared(expression.operand, functions)
        return lambda values: -operand(values)
    if isinstance(expression, Call):
        function = functions[expression.function]
        arguments = [_prepared(argument, functions) for argument in elements(expression)]
        return lambda values: function(*[argument(values) for argument in arguments])
    left, right = _prepared(expression.left, functions), _prepared(expression.right, functions)
    match expression.operator:
        case "+":
            return lambda values: left(values) + right(values)
        case "-":
            return lambda values: left(values) - right(values)
        case "*":
            return lambda values: left(values) * right(values)
        case "/":
            return lambda values: left(values) / right(values)


def name_of(reference: Reference) -> Name:
    """What a reference to one data set names."""
    return Name(reference.metric, reference.system, reference.datasets[0], reference.at)


def elements(call: Call) -> tuple[Expression, ...]:
    """What a function is applied to: its arguments, or the entries of its list."""
    length = width(call.arguments[0])
    if length is None:
        return call.arguments
    return tuple(at_place(call.arguments[0], index) for index in range(length))


def pushes(expression: Expression) -> dict[Name, int]:
    """Whether the expression grows (1) or falls (-1) with each measured number; 0 where that depends.

    Measured numbers are taken to be positive in products and quotients.

    Example:
        >>> from octavo.ledger.parser import parse_quantity
        >>> [sign for name, sign in pushes(parse_quantity("loss(a, D) - 2 * loss(b, D)")).items()]
        [1, -1]
    """
    found: dict[Name, int] = {}
    for name, sign in _pushes(expression, 1):
        found[name] = sign if found.get(name, sign) == sign else 0
    return found


def _pushes(expression: Expression, sign: int) -> list[tuple[Name, int]]:
    if isinstance(expression, Reference):
        return [(name_of(expression), sign)]
    if isinstance(expression, Negative):
        return _pushes(expression.operand, -sign)
    if isinstance(expression, Call):
        inner = 0 if expression.function == "abs" else sign
        return [pair for argument in elements(expression) for pair in _pushes(argument, inner)]
    if isinstance(expression, Binary):
        left, right = sign, sign
        if expression.operator in "-/":
            right = -sign
        if expression.operator in "*/":
            left *= _sign(expression.right)
            right *= _sign(expression.left)
        return [*_pushes(expression.left, left), *_pushes(expression.right, right)]
    return []


def _sign(expression: Expression) -> int:
    """The sign of a factor: a constant's own, 1 for a measured number, 0 for a difference."""
    if isinstance(expression, Number):
        return 1
    if isinstance(expression, Negative):
        return -_sign(expression.operand)
    if isinstance(expression, Reference) or (isinstance(expression, Call) and expression.function == "abs"):
        return 1
    if isinstance(expression, Call):
        signs = (
            {_sign(argument) for argument in elements(expression)} if expression.function != "log" else {0}
        )
    elif isinstance(expression, Binary) and expression.operator == "-":
        signs = {0}
    elif isinstance(expression, Binary) and expression.operator == "+":
        signs = {_sign(expression.left), _sign(expression.right)}
    elif isinstance(expression, Binary):
        return _sign(expression.left) * _sign(expression.right)
    return signs.pop() if len(signs) == 1 else 0
