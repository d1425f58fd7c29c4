"""Poisson's equation -laplace(u) = f on the unit square, under three boundary conditions."""

from typing import Literal, get_args

import numpy as np
import scipy.fft
import torch
from jaxtyping import Float
from torch import Tensor

from octavo.science.mgno.checks import check_choice, check_sizes
from octavo.science.mgno.pde.fields import rough_field

Condition = Literal["dirichlet", "neumann", "periodic"]


def poisson(
    n: int, size: int, *, boundary: Condition = "dirichlet", seed: int = 0
) -> tuple[Float[Tensor, "n 1 size size"], Float[Tensor, "n 1 size size"]]:
    """Random sources f with their potentials u; both are scaled to be of size one.

    The sources of one seed are the same for every boundary condition, up to the constant that must be taken
    out where the equation has no solution with it, so nothing in f tells what holds at the boundary.

    Args:
        n: how many.
        size: points a side; see `solve_poisson` for where they lie.
        boundary: ``dirichlet``, ``neumann`` or ``periodic``.
        seed: of the sources.

    Example:
        >>> f, u = poisson(2, 15, boundary="neumann")
        >>> f.shape, u.shape
        (torch.Size([2, 1, 15, 15]), torch.Size([2, 1, 15, 15]))
    """
    check_sizes(n=n)
    check_choice("boundary", boundary, get_args(Condition))
    check_sizes(2 if boundary == "neumann" else 1, size=size)
    f = rough_field(n, size, seed=seed)
    if boundary != "dirichlet":
        f = f - _mean(f, boundary)
    u = solve_poisson(f, boundary) * (40.0 if boundary == "dirichlet" else 20.0)
    return torch.from_numpy(f[:, None].astype(np.float32)), torch.from_numpy(u[:, None].astype(np.float32))


def solve_poisson(
    f: Float[np.ndarray, "n size size"], boundary: Condition = "dirichlet"
) -> Float[np.ndarray, "n size size"]:
    """Solves the five-point scheme exactly, by the fast transform that diagonalises it; of second order.

    ``dirichlet``: u = 0, on interior points, spaced 1 / (size + 1). ``neumann``: no flow through the
    boundary, on points that include it, spaced 1 / (size - 1). ``periodic``: spaced 1 / size. The last two
    have a solution only for sources without a mean, which is taken out, and the solution without a mean is
    returned.

    Args:
        f: sources at the points.
        boundary: the condition.

    Raises:
        ValueError: the boundary is not known.

    Example:
        >>> x = np.arange(1, 32) / 32
        >>> u = np.sin(np.pi * x)[:, None] * np.sin(np.pi * x)
        >>> bool(abs(solve_poisson(2 * np.pi**2 * u[None])[0] - u).max() < 1e-3)
        True
    """
    check_choice("boundary", boundary, get_args(Condition))
    size, axes = f.shape[-1], (1, 2)
    check_sizes(2 if boundary == "neumann" else 1, size=size)
    if boundary == "dirichlet":
        eigenvalues = _eigenvalues(np.arange(1, size + 1) * np.pi / (size + 1), size + 1)
        return np.asarray(scipy.fft.idstn(scipy.fft.dstn(f, 1, axes=axes) / eigenvalues, 1, axes=axes))
    f = f - _mean(f, boundary)
    if boundary == "neumann":
        eigenvalues = _eigenvalues(np.arange(size) * np.pi / (size - 1), size - 1)
        eigenvalues[0, 0] = np.inf
        return np.asarray(scipy.fft.idctn(scipy.fft.dctn(f, 1, axes=axes) / eigenvalues, 1, axes=axes))
    eigenvalues = _eigenvalues(2 * np.pi * np.fft.fftfreq(size), size)
    eigenvalues[0, 0] = np.inf
    return np.asarray(np.fft.ifftn(np.fft.fftn(f, axes=axes) / eigenvalues, axes=axes).real)


def _eigenvalues(angles: Float[np.ndarray, " size"], spacings: int) -> Float[np.ndarray, "size size"]:
    line = spacings**2 * (2 - 2 * np.cos(angles))
    return np.asarray(line[:, None] + line)


def _mean(f: Float[np.ndarray, "n size size"], boundary: Condition) -> Float[np.ndarray, "n 1 1"]:
    weights = np.ones(f.shape[-1])
    if boundary == "neumann":
        # A point on the boundary stands for half a cell.
        weights[[0, -1]] = 0.5
    weights /= weights.sum()
    return np.asarray(np.einsum("nxy,x,y->n", f, weights, weights)[:, None, None])
