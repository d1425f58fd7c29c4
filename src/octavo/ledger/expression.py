"""The tree of a claim's condition: comparisons of measured quantities, joined by `and`.

`parser.parse` makes such a tree from text, `str` makes the text of a tree; the two undo each other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

FUNCTIONS = ("abs", "mean", "min", "max", "log", "sum")
BARE = re.compile(r"[^\W\d]\w*")
"""A name that needs no quotes."""
RESERVED = ("and",)

Comparator = Literal[">=", "<=", ">", "<"]
Operator = Literal["+", "-", "*", "/"]


def name_text(name: str) -> str:
    """A name as the condition writes it: in quotes where it has odd characters.

    Example:
        >>> name_text("aaren"), name_text("MNIST-5k")
        ('aaren', '"MNIST-5k"')
    """
    if BARE.fullmatch(name) and name not in RESERVED:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class Number:
    """A constant, never negative: the sign is a `Negative` around it."""

    value: float

    def __str__(self) -> str:
        return str(int(self.value)) if self.value.is_integer() and self.value < 1e15 else repr(self.value)


@dataclass(frozen=True)
class Reference:
    """`metric(system, dataset)`: measured numbers, one a seed; of several data sets it is a list."""

    metric: str
    system: str
    datasets: tuple[str, ...]
    listed: bool = False
    at: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        places = "".join(
            f", {name_text(name)}={'-' if number < 0 else ''}{Number(abs(number))}"
            for name, number in self.at
        )
        datasets = ", ".join(name_text(name) for name in self.datasets)
        metric = name_text(self.metric) if self.metric not in FUNCTIONS else f'"{self.metric}"'
        return f"{metric}({name_text(self.system)}, {f'[{datasets}]' if self.listed else datasets}{places})"


@dataclass(frozen=True)
class Negative:
    """The operand with its sign changed."""

    operand: "Expression"

    def __str__(self) -> str:
        return f"-{_inside(self.operand, 3)}"


@dataclass(frozen=True)
class Binary:
    """Two quantities joined by + - * or /."""

    operator: Operator
    left: "Expression"
    right: "Expression"

    def __str__(self) -> str:
        level = _level(self)
        return f"{_inside(self.left, level)} {self.operator} {_inside(self.right, level + 1)}"


@dataclass(frozen=True)
class Call:
    """A function of one quantity (`abs`, `log`), or of a list or several (`mean`, `min`, `max`, `sum`)."""

    function: str
    arguments: tuple["Expression", ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(str(argument) for argument in self.arguments)})"


Expression = Number | Reference | Negative | Binary | Call


@dataclass(frozen=True)
class Comparison:
    """Two quantities and the relation that is claimed of them."""

    operator: Comparator
    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True)
class Condition:
    """All that a claim says must hold."""

    comparisons: tuple[Comparison, ...]

    def __str__(self) -> str:
        return " and ".join(str(comparison) for comparison in self.comparisons)


def _level(expression: Expression) -> int:
    if isinstance(expression, Binary):
        return 1 if expression.operator in "+-" else 2
    return 3 if isinstance(expression, Negative) else 4


def _inside(expression: Expression, level: int) -> str:
    return str(expression) if _level(expression) >= level else f"({expression})"


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions right inside this one."""
    if isinstance(expression, Negative):
        return (expression.operand,)
    if isinstance(expression, Binary):
        return (expression.left, expression.right)
    return expression.arguments if isinstance(expression, Call) else ()


def references(tree: Condition | Comparison | Expression) -> Iterator[Reference]:
    """Every reference in the tree, from left to right, repeated ones too."""
    if isinstance(tree, Condition):
        for comparison in tree.comparisons:
            yield from references(comparison)
    elif isinstance(tree, Comparison):
        yield from references(tree.left)
        yield from references(tree.right)
    elif isinstance(tree, Reference):
        yield tree
    else:
        for child in children(tree):
            yield from references(child)


def is_constant(expression: Expression) -> bool:
    """Whether the expression refers to nothing measured."""
    return next(references(expression), None) is None


@dataclass(frozen=True)
class Name:
    """One measured number that a condition stands on, apart from the seed."""

    metric: str
    system: str
    dataset: str
    at: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        return str(Reference(self.metric, self.system, (self.dataset,), at=self.at))


def names(tree: Condition | Comparison | Expression) -> tuple[Name, ...]:
    """What must be measured for the condition to be judged, without repetition, from left to right.

    Example:
        >>> from octavo.ledger.parser import parse
        >>> [str(name) for name in names(parse("loss(a, [D, E]) <= 0.9 * loss(b, [D, E])"))]
        ['loss(a, D)', 'loss(a, E)', 'loss(b, D)', 'loss(b, E)']
    """
    found = (
        Name(reference.metric, reference.system, dataset, reference.at)
        for reference in references(tree)
        for dataset in reference.datasets
    )
    return tuple(dict.fromkeys(found))


def width(expression: Expression) -> int | None:
    """How many numbers a seed gives: None for a single number, else the length of the list."""
    if isinstance(expression, Reference):
        return len(expression.datasets) if expression.listed else None
    if isinstance(expression, Call) and expression.function not in ("abs", "log"):
        return None
    widths = [found for found in map(width, children(expression)) if found is not None]
    return widths[0] if widths else None


def at_place(expression: Expression, index: int) -> Expression:
    """The expression for one data set of its list."""
    if isinstance(expression, Reference):
        dataset = expression.datasets[index if expression.listed else 0]
        return Reference(expression.metric, expression.system, (dataset,), at=expression.at)
    if isinstance(expression, Negative):
        return Negative(at_place(expression.operand, index))
    if isinstance(expression, Binary):
        left, right = at_place(expression.left, index), at_place(expression.right, index)
        return Binary(expression.operator, left, right)
    if isinstance(expression, Call) and expression.function in ("abs", "log"):
        return Call(expression.function, (at_place(expression.arguments[0], index),))
    return expression
