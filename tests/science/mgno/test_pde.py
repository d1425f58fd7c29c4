"""The solvers, against exact solutions and their order; the errors; the fields."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from octavo.science import pde


def order(error: Callable[[int], float], sizes: tuple[int, int], finer: float = 2.0) -> float:
    return math.log(error(sizes[0]) / error(sizes[1])) / math.log(finer)


def darcy_error(size: int) -> float:
    x = (np.arange(size) + 0.5) / size
    X, Y = np.meshgrid(x, x, indexing="ij")
    a = 1 + 0.5 * np.sin(np.pi * X) * Y
    u = np.sin(np.pi * X) * np.sin(2 * np.pi * Y)
    a_x, a_y = 0.5 * np.pi * np.cos(np.pi * X) * Y, 0.5 * np.sin(np.pi * X)
    u_x, u_y = (
        np.pi * np.cos(np.pi * X) * np.sin(2 * np.pi * Y),
        2 * np.pi * np.sin(np.pi * X) * np.cos(2 * np.pi * Y),
    )
    f = 5 * np.pi**2 * a * u - a_x * u_x - a_y * u_y
    return float(np.abs(pde.solve_darcy(a, f) - u).max())


def helmholtz_error(size: int) -> float:
    x, k = np.linspace(0, 1, size), 5.0
    s = math.sqrt(k**2 - np.pi**2)
    u = np.cos(s * x)[:, None] * np.cos(np.pi * x)
    found = pde.solve_helmholtz(np.full((size, size), k), -s * math.sin(s) * np.cos(np.pi * x))
    return float(np.abs(found - u).max())


def poisson_error(size: int, boundary: str) -> float:
    if boundary == "dirichlet":
        x = np.arange(1, size + 1) / (size + 1)
        wave, factor = np.sin(2 * np.pi * x), 8 * np.pi**2
    elif boundary == "neumann":
        x = np.linspace(0, 1, size)
        wave, factor = np.cos(2 * np.pi * x), 8 * np.pi**2
    else:
        x = np.arange(size) / size
        wave, factor = np.cos(2 * np.pi * x + 0.3), 8 * np.pi**2
    u = wave[:, None] * wave
    return float(np.abs(pde.solve_poisson(factor * u[None], boundary)[0] - u).max())


def flow_error(steps: int) -> float:
    x = torch.arange(16, dtype=torch.float64) / 16 * 2 * math.pi
    first = (x.sin()[:, None] * (2 * x).cos() + (x[:, None] + x).cos())[None] * 3

    def solve(n: int) -> torch.Tensor:
        return pde.solve_navier_stokes(first, 0.1, 1e-2, 1.0, 1 / n)

    return float((solve(steps) - solve(16 * steps)).abs().max())


def test_orders_of_convergence() -> None:
    assert order(darcy_error, (16, 32)) == pytest.approx(2, abs=0.15)
    assert order(helmholtz_error, (17, 33)) == pytest.approx(2, abs=0.15)
    assert order(flow_error, (20, 40)) == pytest.approx(2, abs=0.2)
    for boundary, sizes in (("dirichlet", (15, 31)), ("neumann", (17, 33)), ("periodic", (16, 32))):
        assert order(lambda size, b=boundary: poisson_error(size, b), sizes) == pytest.approx(2, abs=0.15)


def test_the_darcy_matrix_is_symmetric_and_positive_definite() -> None:
    a, _ = pde.darcy(1, 12, "rough", seed=1)
    matrix = pde.darcy_matrix(a[0, 0].numpy().astype(float)).toarray()
    assert np.array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_where_nothing_lets_through_nothing_flows() -> None:
    """The equation is -div(a grad u) = 1 and not -a laplace(u) = 1: between layers the flux is continuous."""
    a = np.ones((64, 64))
    a[:, 32:] = 100.0
    u = pde.solve_darcy(a)
    flux = a[32] * np.gradient(u[32]) * 64
    assert abs(flux[30] - flux[33]) < 0.15 * abs(flux[30])
    assert pde.solve_darcy(3 * a) == pytest.approx(u / 3)


@pytest.mark.parametrize("boundary", ["dirichlet", "neumann", "periodic"])
def test_poisson_solves_its_five_points(boundary: str) -> None:
    f = np.random.default_rng(0).standard_normal((1, 9, 9))
    u = pde.solve_poisson(f, boundary)[0]
    mode, spacings = {"dirichlet": ("constant", 10), "neumann": ("reflect", 8), "periodic": ("wrap", 9)}[
        boundary
    ]
    around = np.pad(u, 1, mode=mode)
    beside = around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]
    left = spacings**2 * (4 * u - beside)
    difference = left - f[0]
    assert np.abs(difference - difference[0, 0]).max() < 1e-10
    assert boundary != "dirichlet" or np.abs(difference).max() < 1e-10


def test_a_vortex_decays_as_it_must() -> None:
    x = torch.arange(32, dtype=torch.float64) / 32 * 2 * math.pi
    vortex = (x.cos()[:, None] + x.cos())[None]
    later = pde.solve_navier_stokes(vortex, 0.0, 0.01, 0.5, 0.01)
    # Crank and Nicolson err by (rate dt)^2 rate t / 12, which is 2.6e-7 of a vortex of up to 2.
    torch.testing.assert_close(later, vortex * math.exp(-0.01 * 4 * math.pi**2 * 0.5), atol=1e-6, rtol=0)


def test_the_semilinear_equation_is_solved() -> None:
    f, u = pde.semilinear(3, 31, seed=2)
    x = u[:, 0].double().numpy()
    around = np.pad(x, ((0, 0), (1, 1)))
    left = 32**2 * (2 * x - around[:, :-2] - around[:, 2:]) + x**3
    assert np.abs(left - 150 * f[:, 0].double().numpy()).max() < 0.01
    assert np.abs(x).mean() > 1.5


def test_a_seed_gives_one_medium_whatever_the_grid() -> None:
    first, again, other = (pde.darcy(2, 16, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    coarse, fine = (pde.darcy(4, size, modes=6)[1] for size in (16, 64))
    pooled = torch.nn.functional.avg_pool2d(fine, 4)
    assert pde.relative_l2(coarse, pooled).max() < 0.1


def test_flows_and_waves_have_their_shapes_and_means() -> None:
    flow = pde.navier_stokes(2, 16, steps=2, interval=0.1)
    assert flow.shape == (2, 3, 16, 16)
    assert flow.mean((2, 3)).abs().max() < 1e-6
    c, u = pde.helmholtz(2, 17, omega=200.0)
    assert c.shape == u.shape == (2, 1, 17, 17)
    assert bool(u.isfinite().all())


def test_relative_errors() -> None:
    target = torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(pde.relative_l2(1.5 * target, target), torch.full((3,), 0.5))
    torch.testing.assert_close(pde.relative_h1(1.5 * target, target), torch.full((3,), 0.5))
    x = torch.arange(64) / 64 * 2 * math.pi
    low, high = x.sin()[None, None], (8 * x).sin()[None, None]
    torch.testing.assert_close(pde.relative_l2(low + high, low), torch.ones(1), atol=1e-5, rtol=0)
    expected = torch.tensor([math.sqrt(65 / 2)])
    torch.testing.assert_close(pde.relative_h1(low + high, low), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        pde.relative_h1(low + high, low, modes=8), torch.tensor([0.5**0.5]), atol=1e-4, rtol=0
    )


def test_a_target_of_zero() -> None:
    zero = torch.zeros(2, 1, 4, 4)
    assert pde.relative_l2(zero, zero).tolist() == pde.relative_h1(zero, zero).tolist() == [0, 0]
    for error in (pde.relative_l2, pde.relative_h1):
        with pytest.raises(ValueError, match=r"items \[0, 1\] is not defined"):
            error(zero + 1, zero)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pde.solve_darcy(np.full((4, 4), np.inf)), "positive and finite"),
        (lambda: pde.solve_darcy(np.full((4, 4), np.nan)), "positive and finite"),
        (
            lambda: pde.solve_darcy.__wrapped__(np.ones((4, 6))),
            r"one size on both axes, got a ndarray of shape \(4, 6\)",
        ),
        (lambda: pde.darcy(1, 8, modes=-3), "modes=-3"),
        (lambda: pde.darcy.__wrapped__(1, 8, kind="thick"), "'two-phase', 'rough', 'smooth'"),
        (lambda: pde.poisson(1, 1, boundary="neumann"), "size=1 must be a whole number of at least 2"),
        (lambda: pde.poisson.__wrapped__(1, 8, boundary="robin"), "boundary='robin' is not known"),
        (lambda: pde.helmholtz(1, 1), "size=1"),
        (lambda: pde.helmholtz(1, 9, omega=math.nan), "omega=nan must be a positive number"),
        (lambda: pde.navier_stokes(1, 8, dt=0.0), "dt=0.0 must be a positive number"),
        (lambda: pde.navier_stokes(1, 8, interval=-1.0), "interval=-1.0"),
        (lambda: pde.navier_stokes(1, 8, viscosity=-1.0), "must not be negative"),
        (lambda: pde.relative_h1(torch.ones(1, 1, 4), torch.ones(1, 1, 4), modes=0), "modes=0"),
    ],
)
def test_refuses_numbers(call: Callable[[], object], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_errors_keep_the_precision_and_want_numbers_with_a_point() -> None:
    target = torch.randn(1, 1, 8, 8, dtype=torch.float64)
    assert pde.relative_h1(target * (1 + 1e-12), target).item() == pytest.approx(1e-12, rel=1e-3)
    for error in (pde.relative_l2, pde.relative_h1):
        with pytest.raises(TypeError, match="floating point"):
            getattr(error, "__wrapped__", error)(torch.ones(1, 1, 4).long(), torch.ones(1, 1, 4).long())


def test_refusals() -> None:
    with pytest.raises(ValueError, match="must be positive and finite"):
        pde.solve_darcy(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="did not end"):
        pde.solve_semilinear(np.full((1, 7), np.nan))
    with pytest.raises(ValueError, match="smaller dt"):
        pde.solve_navier_stokes(1e8 * torch.randn(1, 8, 8, dtype=torch.float64), 0.0, 0.0, 50.0, 1.0)
    with pytest.raises(ValueError, match="size=0"):
        pde.darcy(1, 0)
