"""Gaussian random fields on the unit square or interval."""

import numpy as np
import scipy.fft
from jaxtyping import Float

from octavo.science.mgno.checks import check_sizes


def gaussian_field(
    n: int,
    size: int,
    *,
    alpha: float = 2.0,
    tau: float = 3.0,
    seed: int = 0,
    dim: int = 2,
    modes: int | None = None,
) -> Float[np.ndarray, "n *grid"]:
    """Draws from N(0, (-laplace + tau^2)^-alpha) with Neumann conditions, at the centres of `size` cells a
    side.

    The constant is left out, so that positive and negative values have equal chances.

    Args:
        n: how many fields.
        size: cells a side.
        alpha: smoothness.
        tau: the inverse of the length over which values are alike.
        seed: of the draws.
        dim: axes of space.
        modes: cosines a side, all that the grid holds by default. With the same number, fields of one seed
            are the same functions on every grid.

    Example:
        >>> coarse, fine = (gaussian_field(1, size, modes=8)[0] for size in (16, 32))
        >>> bool(abs(coarse - fine.reshape(16, 2, 16, 2).mean((1, 3))).max() < 0.05 * abs(fine).max())
        True
    """
    if modes is not None:
        check_sizes(modes=modes)
    modes = min(modes or size, size)
    k = np.arange(modes) * np.pi
    squares = np.asarray(
        sum(k.reshape([-1 if a == axis else 1 for a in range(dim)]) ** 2 for axis in range(dim))
    )
    spread = tau ** (alpha - dim / 2) * (squares + tau**2) ** (-alpha / 2)
    spread.flat[0] = 0.0
    coefficients = np.random.default_rng(seed).standard_normal((n, *[modes] * dim)) * spread
    padded = np.zeros((n, *[size] * dim))
    padded[(slice(None), *[slice(modes)] * dim)] = coefficients
    axes = tuple(range(1, dim + 1))
    return np.asarray(scipy.fft.idctn(padded, axes=axes, norm="ortho") * size ** (dim / 2))


def rough_field(
    n: int, points: int, *, alpha: float = 1.5, tau: float = 5.0, seed: int = 0, dim: int = 2
) -> Float[np.ndarray, "n *grid"]:
    """Fields of unit variance that know nothing of a boundary: each is cut from a periodic one twice as wide.

    Args:
        n: how many fields.
        points: a side.
        alpha: smoothness.
        tau: the inverse of the length over which values are alike.
        seed: of the draws.
        dim: axes of space.

    Example:
        >>> rough_field(2, 8).shape
        (2, 8, 8)
    """
    width = 2 * points
    # A box of side 2: its frequencies are multiples of pi.
    k = np.fft.fftfreq(width, 1 / width) * np.pi
    squares = np.asarray(
        sum(k.reshape([-1 if a == axis else 1 for a in range(dim)]) ** 2 for axis in range(dim))
    )
    spread = (squares + tau**2) ** (-alpha / 2)
    axes = tuple(range(1, dim + 1))
    noise = np.random.default_rng(seed).standard_normal((n, *[width] * dim))
    field = np.fft.ifftn(np.fft.fftn(noise, axes=axes) * spread, axes=axes).real
    field /= np.sqrt((spread**2).mean())
    return np.asarray(field[(slice(None), *[slice(points)] * dim)])
