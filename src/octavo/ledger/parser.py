"""From the text of a condition to its tree, by recursive descent; nothing is ever evaluated as Python.

condition  := comparison ("and" comparison)*
comparison := sum (">=" | "<=" | ">" | "<") sum
sum        := product (("+" | "-") product)*
product    := factor (("*" | "/") factor)*
factor     := "-" factor | number | "(" sum ")" | function "(" sum ("," sum)* ")" | reference
reference  := name "(" name "," (name | "[" name ("," name)* "]") ("," name "=" number)* ")"
function   := "abs" | "mean" | "min" | "max" | "log" | "sum"
name       := a word, or any text in quotes
"""

import difflib
import math
import re
from typing import Literal, NamedTuple, NoReturn, cast, get_args

from octavo.errors import OctavoError
from octavo.ledger.expression import (
    BARE,
    FUNCTIONS,
    Binary,
    Call,
    Comparator,
    Comparison,
    Condition,
    Expression,
    Negative,
    Number,
    Operator,
    Reference,
    references,
    width,
)

LONGEST = 4000
"""Characters of a condition."""
DEEPEST = 40
"""Levels of a condition's tree."""

COMPARATORS: tuple[str, ...] = get_args(Comparator)
OF_ONE = ("abs", "log")


class ConditionError(OctavoError):
    """A condition that cannot be read; the message names the column, and a caret stands below it.

    Args:
        message: what was expected, and what to do.
        text: the condition.
        position: the index of the character at fault.
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        before = text[:position]
        line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1)
        shown = text.split("\n")[line - 1]
        start = max(0, column - 60)
        where = f"column {column + 1}" if "\n" not in text else f"line {line}, column {column + 1}"
        super().__init__(f"{where}: {message}\n  {shown[start : column + 60]}\n  {' ' * (column - start)}^")
        self.problem = message
        self.text = text
        self.position = position

    def __reduce__(self) -> tuple[type["ConditionError"], tuple[str, str, int]]:
        return type(self), (self.problem, self.text, self.position)


class Token(NamedTuple):
    """A word, a quoted name, a number or a sign, with where it stands."""

    kind: Literal["word", "quoted", "number", "sign", "end"]
    text: str
    position: int

    def __str__(self) -> str:
        if self.kind == "end":
            return "the end"
        return f'"{self.text}"' if self.kind == "quoted" else f"`{self.text}`"


_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<word>{BARE.pattern})
    | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<sign>>=|<=|==|!=|[-+*/()\[\],=<>])""",
    re.VERBOSE | re.DOTALL,
)


def tokens(text: str) -> list[Token]:
    """The condition's tokens, the last of kind "end".

    Raises:
        ConditionError: a character that no condition has.
    """
    if len(text) > LONGEST:
        raise ConditionError(
            f"{len(text)} characters, at most {LONGEST} are read; make two claims of it", text[:120], 0
        )
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ConditionError(_unknown(text[position]), text, position)
        kind = cast(Literal["word", "quoted", "number", "sign"], match.lastgroup)
        if match.lastgroup != "space":
            content = match.group()
            if kind == "quoted":
                content = re.sub(r"\\(.)", r"\1", content[1:-1], flags=re.DOTALL)
            found.append(Token(kind, content, position))
        position = match.end()
    return [*found, Token("end", "", len(text))]


def _unknown(character: str) -> str:
    if character in "\"'":
        return "a quotation mark that is not closed"
    hints = {"%": "; write 0.05 for 5 %", "≤": "; write <=", "≥": "; write >=", "|": "; write abs(...)"}
    return (
        f"`{character}` means nothing here{hints.get(character, '; names with odd characters need quotes')}"
    )


def parse(text: str) -> Condition:
    """The condition that the text writes.

    Raises:
        ConditionError: it is not one; the message has the column, a caret line, and what was expected.

    Example:
        >>> condition = parse("accuracy(aaren, BasicMotions) >= accuracy(gru, BasicMotions) - 0.02")
        >>> condition.comparisons[0].operator
        '>='
    """
    parser = _Parser(text)
    condition = parser.condition()
    parser.finish()
    return condition


def parse_quantity(text: str) -> Expression:
    """The quantity that the text writes: a condition's side, without any comparison.

    Raises:
        ConditionError: it is not one.

    Example:
        >>> str(parse_quantity("loss(a,D)/loss(b,D)"))
        'loss(a, D) / loss(b, D)'
    """
    parser = _Parser(text)
    quantity, _ = parser.sum(0)
    parser.finish()
    return quantity


class _Parser:
    """One pass over the tokens; each method reads what it is named for and gives the tree with its height."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.index = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def fail(self, message: str, token: Token | None = None) -> NoReturn:
        raise ConditionError(message, self.text, (token or self.token).position)

    def accept(self, *signs: str) -> Token | None:
        token = self.token
        if token.kind in ("sign", "word") and token.text in signs:
            self.index += 1
            return token
        return None

    def expect(self, sign: str, instead: str) -> Token:
        return self.accept(sign) or self.fail(f"expected {instead}, got {self.token}")

    def finish(self) -> None:
        if self.token.kind == "end":
            return
        if self.token.text in COMPARATORS:
            self.fail("a second comparison; write `a <= b and b <= c`")
        if self.token.text in ("or", "not"):
            self.fail(f"`{self.token.text}` is not known: a condition is comparisons joined by `and`")
        self.fail(f"expected `and`, an operator or the end, got {self.token}")

    def condition(self) -> Condition:
        comparisons = [self.comparison()]
        while self.accept("and"):
            comparisons.append(self.comparison())
        return Condition(tuple(comparisons))

    def comparison(self) -> Comparison:
        start = self.token
        left, _ = self.sum(0)
        if self.token.text in ("==", "=", "!="):
            self.fail(f"{self.token} is not known; equality is written abs(a - b) <= margin")
        sign = self.accept(*COMPARATORS) or self.fail(
            f"expected one of {', '.join(COMPARATORS)}, got {self.token}"
        )
        right, _ = self.sum(0)
        self.same_width(left, right, sign)
        comparison = Comparison(cast(Comparator, sign.text), left, right)
        if next(references(comparison), None) is None:
            self.fail("nothing measured on either side; refer to it as metric(system, dataset)", start)
        return comparison

    def sum(self, depth: int) -> tuple[Expression, int]:
        left, height = self.product(depth)
        while sign := self.accept("+", "-"):
            right, other = self.product(depth)
            left, height = self.join(sign, left, right), self.higher(sign, depth, height, other)
        return left, height

    def product(self, depth: int) -> tuple[Expression, int]:
        left, height = self.factor(depth)
        while sign := self.accept("*", "/"):
            right, other = self.factor(depth)
            left, height = self.join(sign, left, right), self.higher(sign, depth, height, other)
        return left, height

    def join(self, sign: Token, left: Expression, right: Expression) -> Binary:
        self.same_width(left, right, sign)
        return Binary(cast(Operator, sign.text), left, right)

    def higher(self, token: Token, depth: int, *heights: int) -> int:
        height = max(heights) + 1
        if depth + height > DEEPEST:
            self.fail(f"nested or chained more than {DEEPEST} deep; make two claims of it", token)
        return height

    def same_width(self, left: Expression, right: Expression, token: Token) -> None:
        first, second = width(left), width(right)
        if first is not None and second is not None and first != second:
            self.fail(f"a list of {first} data sets meets a list of {second}; both need the same", token)

    def factor(self, depth: int) -> tuple[Expression, int]:
        token = self.token
        if depth > DEEPEST:
            self.fail(f"nested more than {DEEPEST} deep; make two claims of it")
        if self.accept("-"):
            operand, height = self.factor(depth + 1)
            return Negative(operand), height + 1
        if self.accept("("):
            inner, height = self.sum(depth + 1)
            self.expect(")", "`)`")
            return inner, height
        if token.kind == "number":
            self.index += 1
            return Number(self.number(token)), 1
        if token.kind == "word" and token.text in FUNCTIONS:
            self.index += 1
            return self.call(token, depth)
        if token.kind != "quoted" and (token.kind != "word" or token.text == "and"):
            self.fail(f"expected a number, a function or metric(system, dataset), got {token}")
        self.index += 1
        return self.reference(token), 1

    def number(self, token: Token) -> float:
        value = float(token.text)
        if not math.isfinite(value):
            self.fail(f"{token} is too large for a number", token)
        return value

    def call(self, function: Token, depth: int) -> tuple[Expression, int]:
        name = function.text
        self.expect("(", f"`(` after the function {name}; a metric of this name needs quotes")
        arguments, heights = [], []
        while True:
            start = self.token
            argument, height = self.sum(depth + 1)
            arguments.append(argument)
            heights.append(height)
            if width(argument) is not None and len(arguments) > 1:
                self.fail(f"{name} takes one list or several numbers, not several lists", start)
            if not self.accept(","):
                break
        self.expect(")", "`,` or `)`")
        if name in OF_ONE and len(arguments) != 1:
            self.fail(f"{name} takes one argument, got {len(arguments)}", function)
        if name not in OF_ONE and (width(arguments[0]) is None) == (len(arguments) == 1):
            self.fail(
                f"{name} takes a list of data sets, or several numbers; over seeds nothing is written, "
                "the rule sees every seed",
                function,
            )
        return Call(name, tuple(arguments)), self.higher(function, depth, *heights)

    def reference(self, metric: Token) -> Reference:
        if not self.accept("("):
            self.fail(f"{metric} must be followed by (system, dataset){self.suggest(metric)}")
        system = self.name("a system", metric)
        self.expect(",", "`,` and a data set")
        datasets: list[str] = []
        listed = self.accept("[") is not None
        datasets.append(self.name("a data set", metric))
        while listed and self.accept(","):
            datasets.append(self.name("a data set", metric))
        if listed:
            self.expect("]", "`,` or `]`")
        at: dict[str, float] = {}
        while self.accept(","):
            axis = self.token
            name = self.name("the name of an axis, as in tokens=1024", metric)
            self.expect("=", f"`=` and a number after the axis {name}")
            if name in at:
                self.fail(f"the axis {name} is given twice", axis)
            sign = -1.0 if self.accept("-") else 1.0
            if self.token.kind != "number":
                self.fail(f"expected a number for the axis {name}, got {self.token}")
            at[name] = sign * self.number(self.token)
            self.index += 1
        self.expect(")", "`,` or `)`")
        return Reference(metric.text, system, tuple(datasets), listed, tuple(sorted(at.items())))

    def name(self, role: str, metric: Token) -> str:
        token = self.token
        if token.kind not in ("word", "quoted") or token.text == "":
            hint = "; a name that begins with a digit needs quotes" if token.kind == "number" else ""
            self.fail(f"expected {role}, got {token}{hint}{self.suggest(metric)}")
        self.index += 1
        if self.token.text == "(" and self.token.kind == "sign":
            self.fail(
                f"expected {role}, got `{token.text}(`: {metric} is no function{self.suggest(metric)}", token
            )
        if self.token.kind == "sign" and self.token.text in "-./":
            self.fail(f"expected {role}; a name with `{self.token.text}` needs quotes")
        return token.text

    def suggest(self, metric: Token) -> str:
        near = difflib.get_close_matches(metric.text, FUNCTIONS, n=1)
        return f"; did you mean {near[0]}(...)?" if near and metric.kind == "word" else ""
