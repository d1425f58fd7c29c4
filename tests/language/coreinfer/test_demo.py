"""The demo shows both texts, and the figures are drawn of whatever was measured."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from octavo.errors import OctavoError
from octavo.language.coreinfer import figures
from octavo.language.coreinfer.demo import demo
from octavo.language.coreinfer.timing import Clock


def test_the_demo_writes_twice() -> None:
    shown = demo(model="stand_in", keep=0.5, new_tokens=6)
    assert {"the whole model", "50% of the neurons"} <= set(shown)
    assert set(shown["milliseconds a token"]) == {"1", "0.5"}
    assert 0 <= shown["share of the core that the other text's core has, too"] <= 1
    assert len(demo(model="stand_in", keep=1.0, new_tokens=4)["milliseconds a token"]) == 1
    plt.close("all")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": 0.0}, "--keep"),
        ({"keep": 2.0}, "--keep"),
        ({"keep": float("nan")}, "--keep"),
        ({"new_tokens": 1}, "--new-tokens"),
        ({"prompt": ""}, "--prompt has 0 tokens"),
        ({"prompt": "fox"}, "--prompt has 3 tokens"),
        ({"last_prompt": ""}, "--last-prompt has 0 tokens"),
    ],
)
def test_what_the_demo_cannot_show(settings, message) -> None:
    with pytest.raises(OctavoError, match=message):
        demo(model="stand_in", **settings)


def test_a_clock_needs_three_tokens() -> None:
    clock = Clock()
    assert np.isnan(clock.milliseconds())
    clock.times = [0.0, 1.0, 2.0, 2.1, 2.4, 2.5]
    np.testing.assert_allclose(clock.milliseconds(), 100)


def test_figures() -> None:
    line = ([0.2, 0.4], [2.0, 1.5], [1.8, 1.4], [2.2, 1.6])
    rng = np.random.default_rng(0)
    drawn = [
        figures.kept(dict.fromkeys(figures.LABELS, line), "title"),
        figures.strips({10: rng.random(16), 50: rng.random(16)}, 3),
        figures.pairs(rng.random(60), rng.random(60), rng.random(60), "STSB"),
        figures.topic_map(np.eye(8), np.arange(8) % 4, ("a", "b", "c", "d")),
        figures.grows(line, 0.5, {"own": ([0.0, 1.0], [0.6, 0.7])}),
        figures.speed(line, [2.5, 1.8], None, 60.0),
        figures.task({"abs_mean": line}, 0.7, {"story": ([0.2, 0.4], [0.5, 0.6])}),
    ]
    assert all(figure.axes for figure in drawn)
    plt.close("all")
