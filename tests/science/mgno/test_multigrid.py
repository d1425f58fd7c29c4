"""The learnt operator equals the recursive definition, is linear, and becomes a solver."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.science import MultigridConv, boundary_padding
from octavo.science.mgno.multigrid import n_parameters, poisson_stencil

from .reference import v_cycle

BOUNDARIES = ("dirichlet", "neumann", "neumann_cells", "periodic")


def double(seed: int, *args: int, **options: object) -> MultigridConv:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MultigridConv(*args, **options).double()


def field(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("boundary", "restrict", "grid"),
    [
        *itertools.product(
            ("dirichlet", "neumann", "periodic"), ("data", "residual"), [(12, 12), (13, 12), (13, 17)]
        ),
        ("neumann_cells", "data", (12, 13)),
    ],
)
def test_equals_the_recursive_definition(boundary: str, restrict: str, grid: tuple[int, int]) -> None:
    W = double(0, 2, 3, levels=3, smoothing=(2, 1, 2), post_smoothing=1, boundary=boundary, restrict=restrict)
    f = field(2, 2, *grid)
    torch.testing.assert_close(W(f), v_cycle(W, f, restrict), atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("grid", "boundary"), [((15, 13), "dirichlet"), ((14, 12), "dirichlet"), ((13, 14), "neumann")]
)
def test_interior_coarsening_equals_the_definition(grid: tuple[int, int], boundary: str) -> None:
    W = double(1, 1, 2, levels=3, coarsening="interior", boundary=boundary, growth=True)
    f = field(1, 1, *grid)
    torch.testing.assert_close(W(f), v_cycle(W, f), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("dim", "grid"), [(1, (13,)), (3, (6, 7, 6))])
def test_lines_and_volumes(dim: int, grid: tuple[int, ...]) -> None:
    W = double(2, 2, 2, levels=2, boundary="neumann", dim=dim)
    f = field(1, 2, *grid)
    torch.testing.assert_close(W(f), v_cycle(W, f), atol=1e-12, rtol=0)


def test_gradients_equal_those_of_the_definition() -> None:
    W = double(3, 1, 2, levels=2, boundary="periodic", restrict="residual")
    f = field(1, 1, 8, 7)
    weights = list(W.parameters())
    mine = torch.autograd.grad(W(f).square().sum(), weights)
    theirs = torch.autograd.grad(v_cycle(W, f, "residual").square().sum(), weights)
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-12)


def test_gradcheck() -> None:
    W = double(4, 1, 1, levels=2, post_smoothing=1)
    assert torch.autograd.gradcheck(W, field(1, 1, 9, 9).requires_grad_(True))


@settings(max_examples=20, deadline=None)
@given(
    boundary=st.sampled_from(BOUNDARIES),
    grid=st.tuples(st.integers(12, 20), st.integers(12, 20)),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    a=st.floats(-3, 3),
)
def test_is_linear(boundary: str, grid: tuple[int, int], channels: tuple[int, int], a: float) -> None:
    W = double(5, *channels, levels=3, boundary=boundary)
    one, other = field(2, channels[0], *grid), field(2, channels[0], *grid, seed=1)
    together = W(one + a * other)
    apart = W(one) + a * W(other)
    assert (together - apart).norm() <= 1e-12 * (1e-300 + apart.norm())


def test_a_norm_makes_it_parity_only() -> None:
    W = double(6, 1, 2, levels=2, norm=(12, 12))
    f = field(1, 1, 12, 12)
    assert (W(2 * f) - 2 * W(f)).norm() > 1e-3 * W(f).norm()


@pytest.mark.parametrize("shift", [(4, 0), (0, 8), (-4, 12)])
def test_shifts_commute_where_it_is_periodic(shift: tuple[int, int]) -> None:
    W = double(7, 1, 2, levels=3, boundary="periodic", post_smoothing=1)
    f = field(1, 1, 16, 24)
    torch.testing.assert_close(W(f.roll(shift, (2, 3))), W(f).roll(shift, (2, 3)), atol=1e-12, rtol=0)
    assert (W(f.roll(1, 2)) - W(f).roll(1, 2)).abs().max() > 1e-3


@pytest.mark.parametrize("size", [31, 63, 127, 255])
def test_textbook_weights_make_a_solver(size: int) -> None:
    levels = (size + 1).bit_length() - 2
    W, A = MultigridConv.classical(levels=levels).double(), poisson_stencil(2).double()
    f = field(1, 1, size, size)
    u, norms = torch.zeros_like(f), [f.norm()]
    with torch.no_grad():
        for _ in range(25):
            u = u + W(f - F.conv2d(u, A, padding=1))
            norms.append((f - F.conv2d(u, A, padding=1)).norm())
    rates = [float(after / before) for before, after in itertools.pairwise(norms[1:])]
    assert max(rates) <= 0.40
    assert norms[-1] / norms[0] < 1e-10


def test_the_data_are_handed_down_by_default_and_the_residual_by_the_textbook() -> None:
    """What is easily got wrong; the two are different operators."""
    assert MultigridConv(1, 1, levels=2).transfers[0].A is None
    W, f = MultigridConv.classical(levels=3).double(), field(1, 1, 15, 15)
    textbook = W(f)
    torch.testing.assert_close(textbook, v_cycle(W, f, "residual"), atol=1e-12, rtol=0)
    for transfer in W.transfers:
        transfer.A = None
    assert (W(f) - textbook).norm() > 0.05 * textbook.norm()


def test_no_two_arrows_share_weights() -> None:
    W = MultigridConv(2, 2, levels=3, smoothing=(2, 2, 2), post_smoothing=1, restrict="residual")
    places = [parameter.data_ptr() for parameter in W.parameters()]
    arrows = 2 * 3 * 2 - 1 + 2 * 2 + 2 * 4
    assert len(set(places)) == len(places) == arrows


def test_few_sweeps_on_the_coarsest_grid_contract_less() -> None:
    rates = []
    for coarse_smoothing in (2, 10):
        W = MultigridConv.classical(levels=4, coarse_smoothing=coarse_smoothing).double()
        u, A = field(1, 1, 31, 31), poisson_stencil(2).double()
        with torch.no_grad():
            for _ in range(12):
                before = u.norm()
                u = u - W(F.conv2d(u, A, padding=1))
        rates.append(float(u.norm() / before))
    assert rates[1] < 0.37 < rates[0]


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_parameter_formula(dim: int, residual: bool) -> None:
    restrict = "residual" if residual else "data"
    W = MultigridConv(3, 5, levels=3, smoothing=(1, 2, 3), post_smoothing=2, restrict=restrict, dim=dim)
    counted = sum(p.numel() for p in W.parameters())
    assert n_parameters(3, 5, 3, (1, 2, 3), post_smoothing=2, residual=residual, dim=dim) == counted


def test_low_precision_is_as_good_as_naive_low_precision() -> None:
    W = MultigridConv(1, 2, levels=2)
    f = field(1, 1, 12, 12)
    exact = v_cycle(W, f)
    rounded = (v_cycle(W.double(), f.bfloat16()) - exact).norm()
    found = (W.bfloat16()(f.bfloat16()).double() - exact).norm()
    # Besides the input, weights and each of some ten intermediate fields are rounded.
    assert found <= 12 * rounded


def test_padding_values() -> None:
    f = torch.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    assert boundary_padding(f, "dirichlet")[0, 0, 0].tolist() == [0, 0, 0, 0]
    assert boundary_padding(f, "neumann")[0, 0, 0].tolist() == [4, 3, 4, 3]
    assert boundary_padding(f, "neumann_cells")[0, 0, 0].tolist() == [1, 1, 2, 2]
    assert boundary_padding(f, "periodic")[0, 0, 0].tolist() == [4, 3, 4, 3]


@pytest.mark.parametrize(
    ("shape", "dtype", "error", "message"),
    [
        ((1, 2, 11, 40), torch.float32, ValueError, "at least 12 a side, got 11 x 40; use levels <= 2"),
        ((1, 3, 16, 16), torch.float32, ValueError, "expected 2 channels, got 3"),
        ((2, 16, 16), torch.float32, ValueError, "batch, channels, height, width"),
        ((1, 2, 16, 16), torch.int64, TypeError, r"int64; cast it: x.float\(\)"),
        ((1, 2, 16, 16), torch.bool, TypeError, r"bool; cast it: x.float\(\)"),
        ((1, 2, 16, 16), torch.complex64, TypeError, "real and imaginary part as two channels"),
        (
            (1, 2, 16, 16),
            torch.float64,
            TypeError,
            r"weights of torch.float32; cast one: x.to\(torch.float32\)",
        ),
    ],
)
def test_refuses_fields(
    shape: tuple[int, ...], dtype: torch.dtype, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        # Unwrapped: the tests' own checks of shapes would speak first.
        MultigridConv.forward.__wrapped__(MultigridConv(2, 1, levels=3), torch.ones(shape, dtype=dtype))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": 0}, "levels=0 must be a whole number of at least 1"),
        ({"levels": 2, "boundary": "robin"}, "'dirichlet', 'neumann', 'neumann_cells', 'periodic'"),
        ({"levels": 2, "restrict": "both"}, "'data', 'residual'"),
        ({"levels": 2, "dim": 4}, "dim=4"),
        ({"levels": 2, "smoothing": (1, 1, 1)}, "names 3 levels; give a number for each of the 2"),
        ({"levels": 2, "smoothing": (1, 0)}, "smoothing=0"),
        ({"levels": 2, "boundary": "periodic", "coarsening": "interior"}, "no interior"),
        ({"levels": 2, "norm": True}, "the grid's size"),
        ({"levels": 2, "norm": (12.5, 12)}, "the grid's size"),
        ({"levels": 2, "norm": (12,)}, r"such as norm=\(64, 64\)"),
        ({"levels": 2, "smoothing": 1.0}, "a whole number, or one for each level"),
        ({"levels": 2, "smoothing": "12"}, "a whole number, or one for each level"),
        ({"levels": 2, "post_smoothing": -1}, "post_smoothing=-1 must be a whole number of at least 0"),
        ({"levels": True}, "levels=True"),
    ],
)
def test_refuses_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultigridConv.__init__.__wrapped__(MultigridConv.__new__(MultigridConv), 1, 1, **options)


def test_refuses_what_is_no_tensor() -> None:
    with pytest.raises(TypeError, match=r"got ndarray; torch.as_tensor\(x\) makes one"):
        MultigridConv.forward.__wrapped__(MultigridConv(1, 1, levels=1), field(1, 1, 3, 3).numpy())


def test_layer_norms_are_for_one_grid() -> None:
    with pytest.raises(ValueError, match=r"for a grid of \(12, 12\), got \(16, 16\); leave norm out"):
        MultigridConv(1, 1, levels=2, norm=(12, 12))(torch.ones(1, 1, 16, 16))


@pytest.mark.parametrize("omega", [0.0, -0.8, float("nan"), 2.5])
def test_refuses_a_damping_that_cannot_smooth(omega: float) -> None:
    with pytest.raises(ValueError, match="omega="):
        MultigridConv.classical(levels=2, omega=omega)


def test_refuses_paddings() -> None:
    with pytest.raises(ValueError, match="width=-1"):
        boundary_padding(torch.ones(1, 1, 4), "periodic", -1)
    with pytest.raises(ValueError, match="cannot be wrapped by 5"):
        boundary_padding(torch.ones(1, 1, 4), "periodic", 5)


def test_a_grid_of_one_point_cannot_be_mirrored() -> None:
    with pytest.raises(ValueError, match="cannot be mirrored"):
        MultigridConv(1, 1, levels=1, boundary="neumann")(torch.ones(1, 1, 1, 4))
    assert MultigridConv(1, 1, levels=1)(torch.ones(1, 1, 1, 4)).shape == (1, 1, 1, 4)


def test_a_nan_is_not_hidden() -> None:
    f = torch.ones(1, 1, 12, 12)
    f[0, 0, 0, 0] = torch.nan
    assert MultigridConv(1, 1, levels=3)(f).isnan().any()
