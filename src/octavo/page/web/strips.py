"""Small pictures of numbers: a strip of verdicts, an interval beside its threshold."""

import math
import re
from collections.abc import Iterable

from markupsafe import Markup

SIGNS = {
    "holds": "✓",
    "in direction": "↗",
    "does not hold": "✕",
    "undecided": "?",
    "needs": "…",
    "not measured": "·",
}
"""A sign beside the colour, for eyes and printers that see none."""

WIDTH, HEIGHT, MARGIN = 180, 22, 6


def kind(verdict: str) -> str:
    """A verdict as one word of a style sheet.

    Example:
        >>> kind("needs gpu"), kind("does not hold")
        ('needs', 'does-not-hold')
    """
    return _known(verdict).replace(" ", "-")


def sign(verdict: str) -> str:
    """The sign of a verdict.

    Example:
        >>> sign("holds")
        '✓'
    """
    return SIGNS[_known(verdict)]


def _known(verdict: str) -> str:
    return next((each for each in SIGNS if verdict.startswith(each)), "undecided")


def strip(verdicts: Iterable[tuple[str, str]]) -> Markup:
    """The verdicts of a paper in a row, with their words for those who hear the page.

    Args:
        verdicts: (claim, verdict) pairs.
    """
    pairs = list(verdicts)
    if not pairs:
        return Markup("")
    counts: dict[str, int] = {}
    for _, verdict in pairs:
        counts[_known(verdict)] = counts.get(_known(verdict), 0) + 1
    told = ", ".join(f"{counts[each]} {each}" for each in SIGNS if each in counts)
    tiles = Markup("").join(
        Markup('<i class="v {}" title="{}: {}">{}</i>').format(kind(verdict), claim, verdict, sign(verdict))
        for claim, verdict in pairs
    )
    return Markup('<span class="strip" role="img" aria-label="Claims: {}">{}</span>').format(told, tiles)


def number(value: float | None) -> str:
    """A number in as many digits as it deserves.

    Example:
        >>> number(0.12345), number(1234.0), number(None), number(5e-7)
        ('0.123', '1,234', '–', '5.0e-07')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}"


def interval(
    value: float | None,
    low: float | None,
    high: float | None,
    threshold: str | float | None = None,
    span: tuple[float, float] | None = None,
    style: str = "",
) -> Markup:
    """An interval on a line, with the threshold that it is held to.

    Args:
        value, low, high: the number and its interval; None where there is none.
        threshold: such as ">= -0.02", of which the number is taken.
        span: what the line shows, from where to where; found where it is left out.
        style: a class more.
    """
    bound = threshold if isinstance(threshold, float) else _number_in(threshold)
    shown = [each for each in (value, low, high, bound) if each is not None and math.isfinite(each)]
    if value is None or not math.isfinite(value) or len(shown) < 2:
        return Markup("")
    first, last = span or _span(shown)
    if last <= first:
        return Markup("")

    def at(number: float) -> float:
        share = min(1.0, max(0.0, (number - first) / (last - first)))
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    middle = HEIGHT / 2
    parts = [Markup('<line class="axis" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(0, middle, WIDTH, middle)]
    if bound is not None and math.isfinite(bound):
        parts.append(
            Markup('<line class="bound" x1="{0}" y1="2" x2="{0}" y2="{1}"/>').format(at(bound), HEIGHT - 2)
        )
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        parts.append(
            Markup('<line class="range" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
                at(low), middle, at(high), middle
            )
        )
    parts.append(Markup('<circle cx="{}" cy="{}" r="4"/>').format(at(value), middle))
    told = f"{number(value)}, from {number(low)} to {number(high)}" + (
        f", held to {threshold}" if threshold is not None else ""
    )
    return Markup('<svg class="interval {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        style, WIDTH, HEIGHT, told, Markup("").join(parts)
    )


def _span(shown: list[float]) -> tuple[float, float]:
    first, last = min(shown), max(shown)
    room = 0.12 * (last - first)
    return first - room, last + room


def _number_in(threshold: str | None) -> float | None:
    found = re.search(r"-?\d[\d,]*\.?\d*(?:e[+-]?\d+)?", threshold or "")
    return float(found[0].replace(",", "")) if found else None
