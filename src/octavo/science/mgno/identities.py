"""What holds of a V-cycle exactly: linearity, blocks, and how fast a textbook cycle contracts."""

from collections.abc import Iterator
from itertools import pairwise, product

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from octavo.science.mgno.boundary import BOUNDARIES
from octavo.science.mgno.multigrid import RESTRICTIONS, MultigridConv, poisson_stencil


def instances(generator: torch.Generator) -> Iterator[tuple[MultigridConv, Tensor, Tensor]]:
    """An operator of each kind with two random fields, in float64.

    Args:
        generator: of channels, grids and fields.
    """
    for boundary, restrict, post in product(BOUNDARIES, RESTRICTIONS, (0, 1)):
        c_f, c_u = (int(torch.randint(1, 5, (), generator=generator)) for _ in range(2))
        grid = [int(torch.randint(12, 25, (), generator=generator)) for _ in range(2)]
        W = MultigridConv(
            c_f, c_u, levels=3, boundary=boundary, restrict=restrict, post_smoothing=post
        ).double()
        one, other = torch.randn(2, 2, c_f, *grid, generator=generator, dtype=torch.float64)
        yield W, one, other


@torch.no_grad()
def departure_from_linearity(W: nn.Module, one: Tensor, other: Tensor) -> float:
    """The relative distance of W(2 u - 3 v) from 2 W u - 3 W v.

    Args:
        W: any module.
        one: u.
        other: v.

    Example:
        >>> departure_from_linearity(nn.ReLU(), torch.ones(1), torch.ones(1))
        1.0
    """
    apart = 2 * W(one) - 3 * W(other)
    return float((W(2 * one - 3 * other) - apart).norm() / apart.norm())


@torch.no_grad()
def departure_from_blocks(W: nn.Module, f: Float[Tensor, "batch channels *grid"]) -> float:
    """The relative distance of (W f)_i from the sum over j of W_ij f_j, each block fed its channel alone.

    Args:
        W: any module.
        f: the field.

    Example:
        >>> departure_from_blocks(nn.Conv1d(3, 2, 1, bias=False), torch.ones(1, 3, 4)) < 1e-6
        True
    """
    total = torch.zeros_like(W(f))
    for j in range(f.shape[1]):
        alone = torch.zeros_like(f)
        alone[:, j] = f[:, j]
        total += W(alone)
    errors = (total - W(f)).flatten(2).norm(dim=2) / W(f).flatten(2).norm(dim=2)
    return float(errors.max())


@torch.no_grad()
def contraction(W: nn.Module, size: int, generator: torch.Generator, cycles: int = 25) -> tuple[float, float]:
    """How a V-cycle reduces the residual of Poisson's equation, and what is left of it.

    Args:
        W: from `MultigridConv.classical`, or what stands beside it.
        size: points a side.
        generator: of the source.
        cycles: how many; the first is left out of the rate.

    Returns:
        The worst factor of cycles 2 to the last, and the residual after the last relative to the first
        source.
    """
    A = poisson_stencil(2).double()
    f = torch.randn(1, 1, size, size, generator=generator, dtype=torch.float64)
    W, u, norms = W.double(), torch.zeros_like(f), [f.norm()]
    for _ in range(cycles):
        u = u + W(f - F.conv2d(u, A, padding=1))
        norms.append((f - F.conv2d(u, A, padding=1)).norm())
    rates = [float(after / before) for before, after in pairwise(norms[1:])]
    return max(rates), float(norms[-1] / norms[0])


class Jacobi(nn.Module):
    """The control of a V-cycle: as many damped sweeps on the finest grid alone, without a coarser one.

    Args:
        sweeps: how many.
        omega: damping.

    Shape:
        ``(batch, 1, height, width)`` -> the same.

    Example:
        >>> Jacobi(2)(torch.ones(1, 1, 7, 7)).shape
        torch.Size([1, 1, 7, 7])
    """

    def __init__(self, sweeps: int = 2, omega: float = 0.8) -> None:
        super().__init__()
        self.sweeps, self.omega = sweeps, omega
        self.A: Tensor
        self.register_buffer("A", poisson_stencil(2))

    def forward(self, f: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
        """From zero, so many sweeps."""
        u = torch.zeros_like(f)
        for _ in range(self.sweeps):
            u = u + self.omega / 4 * (f - F.conv2d(u, self.A, padding=1))
        return u


def error_by_frequency(
    predicted: Float[Tensor, "batch 1 size size"], target: Float[Tensor, "batch 1 size size"]
) -> tuple[list[int], list[float], list[float]]:
    """The size of the target and of the error in each band of frequencies of the sine transform.

    Args:
        predicted: what a model gave.
        target: the true field, with zeros around it.

    Returns:
        Frequencies in half periods a side, the target's root mean square at each, the error's.

    Example:
        >>> k, target, error = error_by_frequency(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
        >>> target == error, len(k)
        (True, 4)
    """
    from scipy.fft import dstn

    size = target.shape[-1]
    frequency = torch.arange(1, size + 1, dtype=torch.float64)
    radius = (frequency[:, None] ** 2 + frequency**2).sqrt() / 2**0.5
    bands = radius.round().long().clamp(max=size)
    spectra = []
    for fields in (target, predicted - target):
        power = torch.from_numpy(dstn(fields[:, 0].double().numpy(), 1, axes=(1, 2), norm="ortho") ** 2).mean(
            0
        )
        spectra.append([float(power[bands == k].mean().sqrt()) for k in range(1, size + 1)])
    return list(range(1, size + 1)), spectra[0], spectra[1]
