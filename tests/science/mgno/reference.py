"""The V-cycle, recursive and tap by tap in float64: no padding and no convolution of torch is trusted."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from octavo.science import MultigridConv


def v_cycle(W: MultigridConv, f: Tensor, restrict: str = "data") -> Tensor:
    """What `W` must give for the data `f`, with its weights."""
    return _cycle(W, 0, None, f.double(), restrict)


def _cycle(W: MultigridConv, index: int, u: Tensor | None, f: Tensor, restrict: str) -> Tensor:
    level, boundary = W.levels[index], W.boundary
    across = boundary if W.coarsening == "nodes" else None
    A = iter([stencil.weight for stencil in level.A])
    for S in level.S:
        if u is None:
            u = convolve(f, S.weight, boundary)
        else:
            u = u + convolve(f - convolve(u, next(A), boundary), S.weight, boundary)
    if index + 1 < len(W.levels):
        transfer = W.transfers[index]
        handed_down = f - convolve(u, transfer.A.weight, boundary) if restrict == "residual" else f
        coarse = _cycle(
            W,
            index + 1,
            convolve(u, transfer.Pi.weight, across, stride=2),
            convolve(handed_down, transfer.R.weight, across, stride=2),
            restrict,
        )
        u = u + prolong(coarse, transfer.P.weight, across, u.shape[2:])
    for S, A_ in zip(level.post_S, level.post_A, strict=True):
        u = u + convolve(f - convolve(u, A_.weight, boundary), S.weight, boundary)
    return u


def convolve(field: Tensor, weight: Tensor, boundary: str | None, stride: int = 1) -> Tensor:
    """sum over taps of weight[tap] field[stride i + tap - 1], or + tap where only inner points are kept."""
    sizes = field.shape[2:]
    if boundary is None:
        points = [range(0, size - 2, stride) for size in sizes]
    else:
        points = [range(-1, size - 1, stride) for size in sizes]
    out = torch.zeros(field.shape[0], weight.shape[0], *[len(p) for p in points], dtype=torch.float64)
    for taps in itertools.product(range(3), repeat=len(sizes)):
        shifted = field
        for axis, (tap, line) in enumerate(zip(taps, points, strict=True)):
            shifted = pick(shifted, axis + 2, [i + tap for i in line], boundary)
        out += torch.einsum("oi,bi...->bo...", weight[(..., *taps)].double(), shifted)
    return out


def prolong(field: Tensor, weight: Tensor, boundary: str | None, fine: Sequence[int]) -> Tensor:
    """Each coarse point i, those beyond the grid included, gives weight[tap] to fine point 2 i + tap - 1."""
    out = torch.zeros(field.shape[0], weight.shape[1], *fine, dtype=torch.float64)
    offset = 0 if boundary is None else -1
    beyond = [range(-1, size + 1) for size in field.shape[2:]]
    for place in itertools.product(*beyond):
        value = field
        for axis, i in enumerate(place):
            value = pick(value, axis + 2, [i], boundary)
        value = value.flatten(1)
        for taps in itertools.product(*[range(3 if size % 2 else 4) for size in fine]):
            at = [2 * i + tap + offset for i, tap in zip(place, taps, strict=True)]
            if all(0 <= j < size for j, size in zip(at, fine, strict=True)):
                out[(..., *at)] += torch.einsum("io,bi->bo", weight[(..., *taps)].double(), value)
    return out


def pick(field: Tensor, axis: int, indices: Sequence[int], boundary: str | None) -> Tensor:
    """Rows of an axis, where indices beyond the grid mean what the boundary condition says."""
    size = field.shape[axis]
    inside, keep = [], []
    for i in indices:
        keep.append(boundary not in (None, "dirichlet") or 0 <= i < size)
        if boundary == "periodic":
            i %= size
        elif boundary == "neumann":
            i = -i if i < 0 else 2 * (size - 1) - i if i >= size else i
        inside.append(min(max(i, 0), size - 1))
    rows = field.double().index_select(axis, torch.tensor(inside))
    shape = [1] * field.ndim
    shape[axis] = len(indices)
    return rows * torch.tensor(keep, dtype=torch.float64).reshape(shape)
