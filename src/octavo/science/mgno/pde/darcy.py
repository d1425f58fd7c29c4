"""Flow through a porous medium: -div(a grad u) = f, with u = 0 on the boundary of the unit square."""

from typing import Any, Literal

import numpy as np
import scipy.sparse as sparse
import torch
from jaxtyping import Float
from scipy.sparse.linalg import splu
from torch import Tensor

from octavo.science.mgno.checks import check_choice, check_sizes, check_square
from octavo.science.mgno.pde.fields import gaussian_field

DARCY_VERSION = 1
"""Counts the changes of media and solver that change the numbers, so that no cache gives old ones."""

Medium = Literal["two-phase", "rough", "smooth"]


def darcy(
    n: int, size: int, kind: Medium = "two-phase", seed: int = 0, *, modes: int | None = None
) -> tuple[Float[Tensor, "n 1 size size"], Float[Tensor, "n 1 size size"]]:
    """Random permeabilities a with their pressures u, for f = 1.

    Args:
        n: how many.
        size: cells a side; values are those at cell centres.
        kind: ``two-phase`` is 12 where a Gaussian field of covariance (-laplace + 9)^-2 is positive and 3
            elsewhere;
            ``rough`` 12 and 2 with (-laplace + 25)^-2; ``smooth`` log-normal: the
            exponential of the first field, scaled to a variance of about one.
        seed: of the fields.
        modes: cosines a side of the field; the same number gives the same media on every grid.

    Raises:
        ValueError: a size is below 1 or the kind is not known.

    Example:
        >>> a, u = darcy(2, 16)
        >>> a.unique().tolist(), u.shape, bool((u > 0).all())
        ([3.0, 12.0], torch.Size([2, 1, 16, 16]), True)
    """
    check_sizes(n=n, size=size)
    check_choice("kind", kind, ("two-phase", "rough", "smooth"))
    field = gaussian_field(n, size, alpha=2.0, tau=5.0 if kind == "rough" else 3.0, seed=seed, modes=modes)
    if kind == "smooth":
        a = np.exp(field / 0.3)
    else:
        a = np.where(field >= 0, 12.0, 2.0 if kind == "rough" else 3.0)
    u = np.stack([solve_darcy(medium) for medium in a])
    return _tensor(a), _tensor(u)


def solve_darcy(
    a: Float[np.ndarray, "size size"], f: Float[np.ndarray, "size size"] | float = 1.0
) -> Float[np.ndarray, "size size"]:
    """The pressure at the cell centres, by finite volumes and a direct sparse solve; of second order.

    Args:
        a: permeability at the cell centres, positive.
        f: sources there.

    Raises:
        ValueError: the array is not square, or a permeability is not positive, or not a number.

    Example:
        >>> float(solve_darcy(np.ones((63, 63))).max().round(3))
        0.074
    """
    check_square("a", a)
    if not bool((a > 0).all()) or not bool(np.isfinite(a).all()):
        raise ValueError(
            f"a permeability must be positive and finite everywhere, got values from {a.min()} to {a.max()}"
        )
    factors = splu(darcy_matrix(a), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    return np.asarray(factors.solve(np.broadcast_to(f, a.shape).ravel().astype(np.float64)).reshape(a.shape))


def darcy_matrix(a: Float[np.ndarray, "size size"]) -> Any:
    """The finite volume matrix, symmetric and positive definite, as a sparse array.

    Between cells flows what the harmonic mean of their permeabilities lets through; the boundary lies half a
    cell from the outermost centres.

    Args:
        a: permeability at the cell centres.

    Example:
        >>> darcy_matrix(np.ones((2, 2))).toarray()[0].tolist()
        [24.0, -4.0, -4.0, 0.0]
    """
    size = a.shape[0]
    squared = float(size) ** 2
    index = np.arange(size * size).reshape(size, size)
    diagonal = np.zeros_like(a, dtype=np.float64)
    rows, columns, values = [], [], []
    for one, other in ((np.s_[:-1, :], np.s_[1:, :]), (np.s_[:, :-1], np.s_[:, 1:])):
        through = squared * 2 * a[one] * a[other] / (a[one] + a[other])
        diagonal[one] += through
        diagonal[other] += through
        rows += [index[one].ravel(), index[other].ravel()]
        columns += [index[other].ravel(), index[one].ravel()]
        values += [-through.ravel()] * 2
    for side in (np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]):
        diagonal[side] += 2 * squared * a[side]
    rows.append(index.ravel())
    columns.append(index.ravel())
    values.append(diagonal.ravel())
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csc_array(sparse.coo_array(entries, shape=(size * size, size * size)))


def _tensor(fields: Float[np.ndarray, "n size size"]) -> Float[Tensor, "n 1 size size"]:
    return torch.from_numpy(fields[:, None].astype(np.float32))
