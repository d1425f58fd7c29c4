"""A bounded linear operator between fields, parameterised as one multigrid V-cycle."""

from collections.abc import Sequence
from typing import Literal, Self, cast, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from octavo.science.mgno.boundary import BOUNDARIES, Boundary
from octavo.science.mgno.checks import (
    check_choice,
    check_field,
    check_positive,
    check_precision,
    check_sizes,
)
from octavo.science.mgno.stencils import Prolongation, Stencil, layout

Coarsening = Literal["nodes", "interior"]
Restriction = Literal["data", "residual"]

RESTRICTIONS: tuple[Restriction, ...] = get_args(Restriction)


class _Level(nn.Module):
    """What happens on one grid: smoothing before going down, smoothing after coming up."""

    def __init__(
        self, f: int, u: int, before: int, after: int, boundary: Boundary, dim: int, finest: bool
    ) -> None:
        super().__init__()
        self.finest = finest
        # The finest level starts from u = 0, where A u is 0 and needs no weights.
        self.S = nn.ModuleList(Stencil(f, u, boundary, dim=dim) for _ in range(before))
        self.A = nn.ModuleList(Stencil(u, f, boundary, dim=dim) for _ in range(before - finest))
        self.post_S = nn.ModuleList(Stencil(f, u, boundary, dim=dim) for _ in range(after))
        self.post_A = nn.ModuleList(Stencil(u, f, boundary, dim=dim) for _ in range(after))

    def smooth(self, u: Tensor | None, f: Tensor) -> Tensor:
        smoothers = list(self.S)
        if u is None:
            u, smoothers = smoothers[0](f), smoothers[1:]
        for S, A in zip(smoothers, self.A, strict=True):
            u = u + S(f - A(u))
        return u

    def smooth_again(self, u: Tensor, f: Tensor) -> Tensor:
        for S, A in zip(self.post_S, self.post_A, strict=True):
            u = u + S(f - A(u))
        return u


class _Transfer(nn.Module):
    """The arrows between a grid and the next coarser one."""

    def __init__(
        self,
        f: tuple[int, int],
        u: tuple[int, int],
        boundary: Boundary,
        coarsening: Coarsening,
        residual: bool,
        dim: int,
    ) -> None:
        super().__init__()
        across = boundary if coarsening == "nodes" else None
        self.A = Stencil(u[0], f[0], boundary, dim=dim) if residual else None
        self.R = Stencil(f[0], f[1], across, stride=2, dim=dim)
        self.Pi = Stencil(u[0], u[1], across, stride=2, dim=dim)
        self.P = Prolongation(u[1], u[0], across, dim=dim)

    def down(self, u: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
        return self.Pi(u), self.R(f if self.A is None else f - self.A(u))


class MultigridConv(nn.Module):
    r"""A linear operator between fields on a grid, learnt as the stencils of one multigrid V-cycle.

    On each level l = 1 ... J, finest first, the field u is smoothed, and then handed down with the data f::

        u <- S f                       on the finest level, once, since u = 0 before
        u <- u + S (f - A u)           as often as `smoothing` says
        f <- R f  or  R (f - A u),     u <- Pi u

    and on the way back ``u_l <- u_l + P u_{l+1}``, followed by `post_smoothing` steps. Every arrow is a
    convolution of three points a side with weights of its own and no bias, so the cost grows as the number of
    points, the whole is linear, and every point sees every other.

    Args:
        in_channels: of the data f.
        out_channels: of the result u.
        levels: grids, each half as fine as the one before; the coarsest needs three points a side.
        smoothing: steps on each level, or the same number on all; by default one, and two on the coarsest.
        post_smoothing: steps on the way back, on all levels but the coarsest.
        boundary: what every convolution assumes beyond the grid: ``dirichlet`` (zero), ``neumann`` (mirrored
            at the outermost points), ``neumann_cells`` (mirrored half a cell outside) or ``periodic``.
        restrict: hand down the ``data`` f, as the authors' code does, or the ``residual`` f - A u, as the
            text says; the latter is the textbook's cycle, the former nearly an additive one.
        coarsening: ``nodes`` keeps every other point from the first on (n -> ceil(n / 2)); ``interior``
            every other from the second on (n -> (n - 1) // 2), for grids of 2^k - 1 interior points.
        dim: axes of space: 1, 2 or 3.
        growth: level l has l times the channels of the finest.
        norm: a grid size; adds the layer norms that the authors' Navier-Stokes model has after each
            prolongation. It is then not linear and serves this grid alone; only for parity.

    Shape:
        ``(batch, in_channels, *grid)`` -> ``(batch, out_channels, *grid)``.

    Raises:
        ValueError: an option is not known, a size is below 1, or the grid is too coarse for the levels.
        TypeError: the field is not of real floating point numbers.

    Example:
        >>> W = MultigridConv(1, 8, levels=3)
        >>> f = torch.randn(2, 1, 33, 48)
        >>> W(f).shape, torch.allclose(W(3 * f), 3 * W(f), atol=1e-5)
        (torch.Size([2, 8, 33, 48]), True)

    Paper: arXiv 2310.19809, section 3 and Algorithm 1. Measured claims: ``octavo run mgno``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        levels: int,
        smoothing: int | Sequence[int] | None = None,
        post_smoothing: int = 0,
        boundary: Boundary = "dirichlet",
        restrict: Restriction = "data",
        coarsening: Coarsening = "nodes",
        dim: int = 2,
        growth: bool = False,
        norm: Sequence[int] | Literal[False] = False,
    ) -> None:
        super().__init__()
        check_sizes(in_channels=in_channels, out_channels=out_channels, levels=levels)
        check_sizes(0, post_smoothing=post_smoothing)
        check_choice("boundary", boundary, BOUNDARIES)
        check_choice("restrict", restrict, RESTRICTIONS)
        check_choice("coarsening", coarsening, ("nodes", "interior"))
        check_choice("dim", dim, (1, 2, 3))
        if boundary == "periodic" and coarsening == "interior":
            raise ValueError("a periodic grid has no interior; use coarsening='nodes'")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.dim, self.boundary, self.coarsening = dim, boundary, coarsening
        before = _steps(smoothing, levels)
        f, u = (
            [channels * (level + 1 if growth else 1) for level in range(levels)]
            for channels in (in_channels, out_channels)
        )
        coarsest = levels - 1
        self.levels = nn.ModuleList(
            _Level(
                f[level],
                u[level],
                before[level],
                post_smoothing if level < coarsest else 0,
                boundary,
                dim,
                level == 0,
            )
            for level in range(levels)
        )
        self.transfers = nn.ModuleList(
            _Transfer(
                (f[level], f[level + 1]),
                (u[level], u[level + 1]),
                boundary,
                coarsening,
                restrict == "residual",
                dim,
            )
            for level in range(coarsest)
        )
        self.norms: nn.ModuleList | None = None
        if norm is not False:
            if not isinstance(norm, Sequence) or len(norm) != dim or not all(type(n) is int for n in norm):
                raise ValueError(f"norm={norm!r} must be the grid's size, such as norm={(64,) * dim}")
            grids = _grids(norm, levels, coarsening)
            self._only_grid = tuple(norm)
            self.norms = nn.ModuleList(nn.LayerNorm([u[level], *grids[level]]) for level in range(coarsest))

    def forward(self, f: Float[Tensor, "batch c_in *grid"]) -> Float[Tensor, "batch c_out *grid"]:
        """One V-cycle."""
        check_field(f, self.in_channels, self.dim, len(self.levels))
        levels, transfers = cast(list[_Level], self.levels), cast(list[_Transfer], self.transfers)
        check_precision(f, cast(Stencil, levels[0].S[0]).weight)
        if self.norms is not None and tuple(f.shape[2:]) != self._only_grid:
            raise ValueError(
                f"the layer norms are for a grid of {self._only_grid}, got {tuple(f.shape[2:])}; "
                "leave norm out to serve any grid"
            )
        f = f.contiguous(memory_format=layout(self.dim, self.out_channels, f))
        u = levels[0].smooth(None, f)
        left: list[tuple[Tensor, Tensor]] = []
        for transfer, level in zip(transfers, levels[1:], strict=True):
            left.append((u, f))
            u, f = transfer.down(u, f)
            u = level.smooth(u, f)
        for index in range(len(left) - 1, -1, -1):
            finer, f = left[index]
            u = finer + transfers[index].P(u, finer.shape[2:])
            if self.norms is not None:
                u = self.norms[index](u)
            u = levels[index].smooth_again(u, f)
        return u

    @classmethod
    def classical(
        cls,
        operator: Literal["poisson"] = "poisson",
        *,
        levels: int,
        omega: float = 0.8,
        coarse_smoothing: int = 10,
        dim: int = 2,
    ) -> Self:
        r"""A V-cycle with textbook weights: one call is one V(1,1)-cycle of a multigrid solver.

        It solves A u = f, where A is the stencil of -h^2 laplace (2 dim in the middle, -1 beside it) on a
        grid of 2^k - 1 interior points a side with zeros around it: damped Jacobi, full weighting,
        (bi)linear interpolation.

        Args:
            operator: only ``poisson``.
            levels: grids; the coarsest needs three points a side.
            omega: damping of Jacobi's iteration.
            coarse_smoothing: its steps on the coarsest grid.
            dim: axes of space.

        Example:
            >>> from torch.nn.functional import conv1d
            >>> W, A = MultigridConv.classical(levels=4, dim=1), torch.tensor([[[-1.0, 2.0, -1.0]]])
            >>> f, u = torch.randn(1, 1, 31), torch.zeros(1, 1, 31)
            >>> for _ in range(15):
            ...     u = u + W(f - conv1d(u, A, padding=1))
            >>> torch.allclose(conv1d(u, A, padding=1), f, atol=1e-4)
            True
        """
        check_choice("operator", operator, ("poisson",))
        check_sizes(levels=levels, coarse_smoothing=coarse_smoothing)
        check_positive(omega=omega)
        if omega >= 2:
            raise ValueError(f"omega={omega!r} must be below 2, or the sweeps grow; 0.8 is a good number")
        W = cls(
            1,
            1,
            levels=levels,
            smoothing=[1] * (levels - 1) + [coarse_smoothing],
            post_smoothing=1,
            restrict="residual",
            coarsening="interior",
            dim=dim,
        )
        laplace = poisson_stencil(dim)
        with torch.no_grad():
            for index, level in enumerate(cast(list[_Level], W.levels)):
                # Each coarser grid has twice the spacing, and h^2 of the finest stays in f.
                scale = 4.0**-index
                for A in cast(list[Stencil], [*level.A, *level.post_A]):
                    A.weight.copy_(scale * laplace)
                for S in cast(list[Stencil], [*level.S, *level.post_S]):
                    S.weight.zero_()
                    S.weight[(0, 0, *[1] * dim)] = omega / (2 * dim * scale)
            for index, transfer in enumerate(cast(list[_Transfer], W.transfers)):
                assert transfer.A is not None
                transfer.A.weight.copy_(4.0**-index * laplace)
                transfer.R.weight.copy_(_tensor_product([0.25, 0.5, 0.25], dim))
                transfer.Pi.weight.zero_()  # the coarse grid starts from zero
                transfer.P.weight.copy_(_tensor_product([0.5, 1.0, 0.5, 0.0], dim))
        return W


def poisson_stencil(dim: int) -> Float[Tensor, "1 1 *three"]:
    """The stencil of -h^2 laplace: 2 dim in the middle, -1 beside it.

    Args:
        dim: axes of space.

    Example:
        >>> poisson_stencil(1)
        tensor([[[-1.,  2., -1.]]])
    """
    stencil = torch.zeros(1, 1, *[3] * dim)
    for axis in range(dim):
        for side in (0, 2):
            stencil[(0, 0, *[side if a == axis else 1 for a in range(dim)])] = -1.0
    stencil[(0, 0, *[1] * dim)] = 2.0 * dim
    return stencil


def n_parameters(
    in_channels: int,
    out_channels: int,
    levels: int,
    smoothing: Sequence[int] | None = None,
    post_smoothing: int = 0,
    residual: bool = False,
    dim: int = 2,
) -> int:
    """How many parameters a `MultigridConv` has, by formula.

    Args:
        in_channels: c_f.
        out_channels: c_u.
        levels: J.
        smoothing: steps a level.
        post_smoothing: steps on the way back.
        residual: whether the residual is handed down.
        dim: axes of space.

    Example:
        >>> W = MultigridConv(3, 5, levels=4, restrict="residual", post_smoothing=2)
        >>> n_parameters(3, 5, 4, post_smoothing=2, residual=True) == sum(p.numel() for p in W.parameters())
        True
    """
    c_f, c_u, points = in_channels, out_channels, 3**dim
    steps = sum(_steps(smoothing, levels)) + post_smoothing * (levels - 1)
    smoothers = (2 * steps - 1) * points * c_f * c_u
    transfer = points * (c_u**2 + c_f**2 + residual * c_f * c_u) + 4**dim * c_u**2
    return smoothers + (levels - 1) * transfer


def _steps(smoothing: object, levels: int) -> list[int]:
    if smoothing is None:
        return [1] * (levels - 1) + [2]
    if not isinstance(smoothing, int | Sequence) or isinstance(smoothing, str):
        raise ValueError(f"smoothing={smoothing!r} must be a whole number, or one for each level")
    steps = [smoothing] * levels if isinstance(smoothing, int) else list(smoothing)
    if len(steps) != levels:
        raise ValueError(
            f"smoothing={smoothing} names {len(steps)} levels; give a number for each of the {levels}"
        )
    for step in steps:
        check_sizes(smoothing=step)
    return steps


def _grids(finest: Sequence[int], levels: int, coarsening: Coarsening) -> list[tuple[int, ...]]:
    grids = [tuple(finest)]
    for _ in range(levels - 1):
        grids.append(tuple((n + 1) // 2 if coarsening == "nodes" else (n - 1) // 2 for n in grids[-1]))
    return grids


def _tensor_product(taps: Sequence[float], dim: int) -> Float[Tensor, "1 1 *taps"]:
    line = torch.tensor(taps)
    product = line
    for _ in range(dim - 1):
        product = product[..., None] * line
    return product[None, None]
