"""The stored H sorts papers as the formula does, at any time."""

import math
import random

import pytest

from octavo.page import trending
from octavo.page.trending import COLD, EPOCH, HALF_LIFE, heat_at, heat_of, warmed


def naive(events: list[tuple[float, float]], at: float) -> float:
    return math.fsum(weight * 2 ** (-(at - when) / HALF_LIFE) for weight, when in events)


def test_the_order_by_h_is_the_order_of_the_formula_at_any_time() -> None:
    draw = random.Random(0)
    start = EPOCH + 365 * 86400
    events: dict[int, list[tuple[float, float]]] = {}
    heats: dict[int, float] = {}
    for _ in range(10_000):
        paper = min(draw.randrange(300), draw.randrange(300))
        weight = draw.choice([trending.VOTE, trending.VIEW, trending.RUN])
        at = start + draw.random() * 30 * 86400
        events.setdefault(paper, []).append((weight, at))
        heats[paper] = warmed(heats.get(paper, COLD), weight, at)
    by_h = sorted(heats, key=lambda paper: -heats[paper])
    for days in (30, 31, 45, 90):
        at = start + days * 86400
        assert by_h == sorted(events, key=lambda paper: -naive(events[paper], at))
        for paper in by_h[:20]:
            assert heat_at(heats[paper], at) == pytest.approx(naive(events[paper], at), rel=1e-9)


def test_the_order_of_events_does_not_matter_and_neither_do_decades() -> None:
    events = [(1.0, EPOCH + day * 86400.0) for day in (0, 20_000, 3, 19_999)]
    assert heat_of(events) == pytest.approx(heat_of(reversed(events)), abs=1e-9)
    assert heat_of(events) > heat_of(events[:1])


def test_nothing_is_colder_than_a_paper_that_nobody_touched() -> None:
    assert heat_of([]) == COLD < heat_of([(trending.VIEW, 0.0)])
    assert heat_at(COLD, EPOCH) == pytest.approx(0.0, abs=1e-200)
