"""Boundary conditions: how a field goes on beyond its grid."""

from typing import Literal, get_args

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from octavo.science.mgno.checks import check_choice, check_sizes

Boundary = Literal["dirichlet", "neumann", "neumann_cells", "periodic"]

BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)
_MODES = {"dirichlet": "constant", "neumann": "reflect", "neumann_cells": "replicate", "periodic": "circular"}


def boundary_padding(
    field: Float[Tensor, "batch channels *grid"], boundary: Boundary, width: int = 1
) -> Float[Tensor, "batch channels *padded"]:
    """Continues a field beyond its grid as the boundary condition says.

    Args:
        field: one, two or three axes of space.
        boundary: ``dirichlet`` (zeros, for a grid of interior points), ``neumann`` (mirrored at the outermost
            points, which lie on the boundary), ``neumann_cells`` (the outermost value again, where the
            boundary lies half a cell outside) or ``periodic``.
        width: how many points on each side.

    Raises:
        ValueError: the boundary is not known, or the grid is too small to be mirrored or wrapped.

    Example:
        >>> import torch
        >>> field = torch.tensor([[[1.0, 2.0, 3.0]]])
        >>> [boundary_padding(field, kind).tolist()[0][0] for kind in ("dirichlet", "neumann", "periodic")]
        [[0.0, 1.0, 2.0, 3.0, 0.0], [2.0, 1.0, 2.0, 3.0, 2.0], [3.0, 1.0, 2.0, 3.0, 1.0]]
    """
    check_choice("boundary", boundary, BOUNDARIES)
    check_sizes(0, width=width)
    if field.ndim < 3:
        raise ValueError(f"expected (batch, channels, *grid), got shape {tuple(field.shape)}")
    smallest = min(field.shape[2:])
    if boundary == "neumann" and smallest <= width:
        raise ValueError(
            f"a grid of {tuple(field.shape[2:])} cannot be mirrored by {width}; it needs {width + 1} points "
            "a side: use fewer levels, or boundary='neumann_cells'"
        )
    if boundary == "periodic" and smallest < width:
        raise ValueError(f"a grid of {tuple(field.shape[2:])} cannot be wrapped by {width}; use a finer one")
    return F.pad(field, [width, width] * (field.ndim - 2), mode=_MODES[boundary])
