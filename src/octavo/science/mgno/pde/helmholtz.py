"""Waves in a medium: -laplace(u) - (omega / c)^2 u = 0 on the unit square, driven through one side."""

import numpy as np
import scipy.sparse as sparse
import torch
from jaxtyping import Float
from scipy.sparse.linalg import splu
from torch import Tensor

from octavo.science.mgno.checks import check_positive, check_sizes, check_square
from octavo.science.mgno.pde.fields import gaussian_field


def helmholtz(
    n: int, size: int, *, omega: float = 1000.0, seed: int = 0
) -> tuple[Float[Tensor, "n 1 size size"], Float[Tensor, "n 1 size size"]]:
    """Random wave speeds c with the waves u; a wave comes in through the middle of the last row's side.

    c = 20 + tanh(g), where g is Gaussian of covariance (-laplace + 9)^-2 and unit variance. No flow leaves
    through the boundary, but for du/dn = 1 where 0.35 <= x <= 0.65 on one side.

    Args:
        n: how many.
        size: points a side, those on the boundary included. A wave is 126 / omega long.
        omega: frequency.
        seed: of the media.

    Example:
        >>> c, u = helmholtz(1, 33, omega=300.0)
        >>> bool(((c > 19) & (c < 21)).all()), u.shape
        (True, torch.Size([1, 1, 33, 33]))
    """
    check_sizes(n=n)
    check_sizes(2, size=size)
    check_positive(omega=omega)
    field = gaussian_field(n, size, alpha=2.0, tau=3.0, seed=seed)
    c = 20 + np.tanh(field / field.std())
    x = np.linspace(0, 1, size)
    flux = ((x >= 0.35) & (x <= 0.65)).astype(np.float64)
    u = np.stack([solve_helmholtz(omega / speed, flux) for speed in c])
    return torch.from_numpy(c[:, None].astype(np.float32)), torch.from_numpy(u[:, None].astype(np.float32))


def solve_helmholtz(
    k: Float[np.ndarray, "size size"], flux: Float[np.ndarray, " size"]
) -> Float[np.ndarray, "size size"]:
    """The wave at the grid's points, by the five-point scheme mirrored at the boundary; of second order.

    Args:
        k: wave number at the points, ``[y, x]``.
        flux: du/dy at y = 1; it is 0 on the other sides.

    Example:
        >>> y = np.linspace(0, 1, 65)
        >>> wave = solve_helmholtz(np.full((65, 65), 5.0), np.full(65, -5 * np.sin(5)))
        >>> bool(abs(wave - np.cos(5 * y)[:, None]).max() < 0.01)
        True
    """
    check_square("k", k)
    size = k.shape[0]
    squared = float(size - 1) ** 2
    line = sparse.diags_array(
        [np.full(size, 2.0), np.r_[-2.0, -np.ones(size - 2)], np.r_[-np.ones(size - 2), -2.0]],
        offsets=[0, 1, -1],
    )
    identity = sparse.eye_array(size)
    laplace = squared * (sparse.kron(line, identity) + sparse.kron(identity, line))
    matrix = sparse.csc_array(laplace - sparse.diags_array((k**2).ravel()))
    right = np.zeros((size, size))
    # The mirrored point beyond the side holds 2 h flux more.
    right[-1] = 2 * (size - 1) * flux
    return np.asarray(splu(matrix).solve(right.ravel()).reshape(size, size))
