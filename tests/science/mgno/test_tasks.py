"""Tasks, errors at the edge and at equal training error, and the identities' own sanity."""

import pytest
import torch
from torch import nn

from octavo.science.mgno.identities import Jacobi, contraction, error_by_frequency
from octavo.science.mgno.tasks import Scaled, at_equal_error, band_error, make_task, one_cycle, poisson_task


def test_a_scaled_model_sees_units() -> None:
    a = 3 + 2 * torch.randn(50, 2, 8, 8)
    a[:, 1] *= 100
    seen = []

    class Watch(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return x[:, :1]

    u = 7 + 5 * torch.randn(50, 1, 8, 8)
    found = Scaled(Watch(), a, u)(a)
    torch.testing.assert_close(seen[0].mean((0, 2, 3)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[0].std((0, 2, 3)), torch.ones(2), atol=1e-3, rtol=0)
    torch.testing.assert_close(found.mean(), u.mean(), atol=1e-3, rtol=0)


def test_what_is_not_a_number_is_refused_before_training() -> None:
    a = torch.ones(3, 1, 4)
    a[1, 0, 2] = torch.nan
    with pytest.raises(ValueError, match=r"inputs \[1\] of the training set are not finite"):
        Scaled(nn.Identity(), a, torch.ones(3, 1, 4))


@pytest.mark.parametrize("equation", ["darcy", "darcy_rough", "helmholtz", "navier_stokes"])
def test_every_equation_makes_a_task(equation: str) -> None:
    task = make_task(equation, 17 if equation == "helmholtz" else 16, 3, 2, seed=0, omega=100.0)
    assert [len(field) for field in (*task.train, *task.test)] == [3, 3, 2, 2]
    assert task.channels == (3 if equation == "helmholtz" else 1, 1)


def test_the_sources_tell_nothing_of_the_boundary() -> None:
    tasks = [poisson_task(b, 16, 2, 1, seed=3) for b in ("dirichlet", "neumann", "periodic")]
    centred = [task.train[0] - task.train[0].mean((2, 3), keepdim=True) for task in tasks]
    torch.testing.assert_close(centred[0], centred[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(centred[0], centred[2], atol=1e-5, rtol=0)


def test_the_band_is_two_cells_wide() -> None:
    target, predicted = torch.ones(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    predicted[0, 0, 1, 4] = 2.0
    assert band_error(predicted, target).item() == pytest.approx((1 / 48) ** 0.5)
    predicted[0, 0, 2, 4] = 9.0
    assert band_error(predicted, target).item() == pytest.approx((1 / 48) ** 0.5)


def test_curves_are_compared_where_the_training_errors_meet() -> None:
    assert at_equal_error([0.4, 0.2, 0.1], [0.5, 0.3, 0.25], 0.2) == pytest.approx(1.5)
    assert at_equal_error([0.4, 0.2], [0.5, 0.3], 0.3) == pytest.approx(0.4 / 0.3)
    assert at_equal_error([0.4], [0.6], 0.5) == pytest.approx(1.5)
    with pytest.raises(ValueError, match="train for longer"):
        at_equal_error([0.4, 0.2], [0.5, 0.3], 0.1)


def test_the_rate_rises_and_falls() -> None:
    factors = [one_cycle(p / 100) for p in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == factors[20] == pytest.approx(1)
    assert factors[-1] < 0.001


def test_sweeps_alone_hardly_contract() -> None:
    worst, left = contraction(Jacobi().double(), 31, torch.Generator().manual_seed(0), cycles=5)
    assert 0.5 < worst < 1
    assert left > 0.01


def test_spectra_keep_the_energy_of_a_wave() -> None:
    x = torch.arange(1, 16) / 16 * torch.pi
    wave = (3 * x).sin()[:, None] * (3 * x).sin()
    k, target, error = error_by_frequency(torch.zeros(1, 1, 15, 15), wave[None, None])
    assert target == error
    assert k[max(range(len(k)), key=lambda i: target[i])] == 3
