"""The schedule is the paper's, and its walk is what SGD does without a gradient."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.learning import GradientNoise, NoiseSchedule
from octavo.learning.gradient_noise.schedule import walk_by_steps

from .reference import variance, walk


@given(st.floats(0, 10), st.floats(0, 3), st.integers(0, 10**7))
def test_variance_is_the_formula(eta: float, gamma: float, step: int) -> None:
    assert NoiseSchedule(eta, gamma).variance(step) == pytest.approx(variance(eta, gamma, step), rel=1e-12)


@pytest.mark.parametrize(
    ("eta", "count", "value"),
    # optax 0.2: variance = eta / count**gamma with gamma 0.55, where the first update has count 1.
    [(0.01, 1, 0.01), (0.3, 11, 0.0802334150507185), (1.0, 10001, 0.006309226445154737)],
)
def test_optax_counts_from_one_and_has_the_same_variance(eta: float, count: int, value: float) -> None:
    schedule = NoiseSchedule(eta, 0.55)
    assert schedule.variance(count - 1) == pytest.approx(eta / count**0.55, rel=1e-12)
    assert schedule.variance(count - 1) == pytest.approx(value, rel=1e-12)


@settings(deadline=None, max_examples=15)
@given(st.floats(0, 1.5), st.integers(0, 5000))
def test_walk_is_the_sum_of_variances(gamma: float, steps: int) -> None:
    found = NoiseSchedule(0.3, gamma).walk_variance(0.05, steps)
    assert found == pytest.approx(walk(0.3, gamma, 0.05, steps), rel=1e-9)


def test_takeoff_is_where_the_walk_arrives() -> None:
    schedule = NoiseSchedule(0.3)
    step = schedule.takeoff(0.05, 50)
    assert schedule.walk_variance(0.05, step) == pytest.approx(2 / 50)
    # The sheet's closed form of the sum, t^0.45 / 0.45, is a few percent too large at this step.
    assert step == pytest.approx((0.45 * 0.04 / (0.05**2 * 0.3)) ** (1 / 0.45), rel=0.1)
    assert schedule.takeoff(0.05, 50, factor=0.5) < step < schedule.takeoff(0.05, 50, factor=2.0)
    assert NoiseSchedule(0.0).takeoff(0.05, 50) == math.inf
    # A walk whose steps shrink fast enough stays within bounds.
    assert NoiseSchedule(0.3, 2.0).takeoff(0.01, 50) == math.inf


def test_fixed_noise_walks_linearly() -> None:
    assert NoiseSchedule.fixed(0.2).walk_variance(0.1, 5000) == pytest.approx(0.01 * 0.2 * 5000)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_predicted_walk_is_the_measured_variance_of_weights_without_gradient(momentum: float) -> None:
    weights = torch.nn.Parameter(torch.zeros(50_000))
    optimizer = torch.optim.SGD([weights], lr=0.05, momentum=momentum)
    noise = GradientNoise(optimizer, eta=0.3, generator=torch.Generator().manual_seed(0))
    for _ in range(400):
        weights.grad = torch.zeros_like(weights)
        optimizer.step()
    assert isinstance(noise.schedule, NoiseSchedule)
    predicted = noise.schedule.walk_variance(0.05, 400, momentum=momentum)
    assert weights.var().item() == pytest.approx(predicted, rel=0.05)


def test_adam_walks_by_its_learning_rate_whatever_eta_is() -> None:
    measured = []
    for eta in (0.01, 1.0):
        weights = torch.nn.Parameter(torch.zeros(5000))
        optimizer = torch.optim.Adam([weights], lr=0.01, betas=(0.9, 0.99))
        noise = GradientNoise(optimizer, eta=eta, generator=torch.Generator().manual_seed(0))
        for _ in range(1000):
            weights.grad = torch.zeros_like(weights)
            optimizer.step()
        measured.append(weights.var().item())
        layer = torch.nn.Linear(20, 20)
        found = GradientNoise(torch.optim.Adam(layer.parameters(), lr=0.01), eta=eta).effective_init(
            steps=5000
        )
        assert found.takeoff[20] == pytest.approx(1000)
    assert measured[0] == pytest.approx(measured[1], rel=1e-3)
    assert measured[0] == pytest.approx(0.01**2 * 1000, rel=0.25)
    assert noise.step == 1000


def test_any_function_of_the_step_has_a_walk() -> None:
    assert np.allclose(walk_by_steps(lambda step: 0.5, 0.1, 4), 0.0025 * np.arange(5))


@pytest.mark.parametrize(("eta", "gamma"), [(-1, 0.55), (0.3, -0.1), (math.nan, 0.55), (math.inf, 0.55)])
def test_refuses_what_is_no_variance(eta: float, gamma: float) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        NoiseSchedule(eta, gamma)


def test_refuses_a_step_before_the_first() -> None:
    with pytest.raises(ValueError, match="counted from 0"):
        NoiseSchedule().std(-1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"fan_in": 0}, "fan_in=0"), ({"lr": -1.0}, "lr=-1"), ({"momentum": 1.0}, "momentum=1")],
)
def test_refuses_what_no_weight_walks_by(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NoiseSchedule().takeoff(**({"lr": 0.1, "fan_in": 50} | wrong))  # type: ignore[arg-type]
