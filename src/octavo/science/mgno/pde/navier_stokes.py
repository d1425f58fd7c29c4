"""A viscous fluid on the torus, by its vorticity: w_t + v . grad w = viscosity laplace w + force."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from octavo.science.mgno.checks import check_positive, check_sizes


def navier_stokes(
    n: int,
    size: int,
    *,
    viscosity: float = 1e-3,
    steps: int = 10,
    interval: float = 1.0,
    dt: float = 1e-2,
    seed: int = 0,
) -> Float[Tensor, "n times size size"]:
    """Vorticities at times 0, interval, ..., steps * interval, from random ones on.

    The first is drawn from N(0, 7^1.5 (-laplace + 49)^-2.5), the force is
    0.1 (sin(2 pi (x + y)) + cos(2 pi (x + y))): the setting of Li et al. 2021, section 5.3.

    Args:
        n: how many.
        size: points a side, a power of two is quickest.
        viscosity: the literature has 1e-3, 1e-4 and 1e-5.
        steps: intervals.
        interval: time between two fields.
        dt: of the solver.
        seed: of the first fields.

    Example:
        >>> navier_stokes(2, 16, steps=1, interval=0.1).shape
        torch.Size([2, 2, 16, 16])
    """
    check_sizes(n=n, size=size, steps=steps)
    check_positive(interval=interval)
    k = 2 * np.pi * np.fft.fftfreq(size, 1 / size)
    spread = 7**1.5 * (k[:, None] ** 2 + k**2 + 49) ** -2.5
    spread[0, 0] = 0.0
    noise = np.random.default_rng(seed).standard_normal((n, size, size))
    first = np.fft.ifft2(np.fft.fft2(noise) * np.sqrt(spread)).real * size
    x = torch.arange(size, dtype=torch.float64) / size
    phase = 2 * math.pi * (x[:, None] + x)
    force = 0.1 * (phase.sin() + phase.cos())
    fields = [torch.from_numpy(first)]
    for _ in range(steps):
        fields.append(solve_navier_stokes(fields[-1], force, viscosity, interval, dt))
    return torch.stack(fields, dim=1).float()


def solve_navier_stokes(
    vorticity: Float[Tensor, "n size size"],
    force: Float[Tensor, "size size"] | float,
    viscosity: float,
    time: float,
    dt: float,
) -> Float[Tensor, "n size size"]:
    """The vorticity after some time: spectral in space, of second order in time.

    Viscosity is treated by Crank and Nicolson's rule, transport by Heun's, and products are kept free of
    aliasing by leaving out the highest third of the frequencies.

    Args:
        vorticity: to begin with, in float64.
        force: of the vorticity's equation, constant in time.
        viscosity: of the fluid.
        time: how long.
        dt: the longest step.

    Raises:
        ValueError: the solution is no longer finite; a smaller dt is needed.

    Example:
        >>> x = torch.arange(16, dtype=torch.float64) / 16 * 2 * math.pi
        >>> vortex = (x.cos()[:, None] + x.cos())[None]
        >>> later = solve_navier_stokes(vortex, 0.0, 1e-2, 1.0, 0.01)
        >>> torch.allclose(later, vortex * math.exp(-1e-2 * 4 * math.pi**2), atol=1e-6)
        True
    """
    check_positive(dt=dt)
    if not viscosity >= 0:
        raise ValueError(f"viscosity={viscosity!r} must not be negative")
    size = vorticity.shape[-1]
    steps = max(1, math.ceil(time / dt - 1e-9))
    dt = time / steps
    k = 2 * math.pi * torch.fft.fftfreq(size, 1 / size, dtype=torch.float64)
    half = 2 * math.pi * torch.fft.rfftfreq(size, 1 / size, dtype=torch.float64)
    kx, ky = k[:, None], half[None]
    squares = kx**2 + ky**2
    inverse = torch.where(squares > 0, 1 / squares.clamp_min(1e-30), 0.0)
    kept = (kx.abs() < 2 / 3 * math.pi * size) & (ky.abs() < 2 / 3 * math.pi * size)
    pushed = torch.fft.rfft2(force * torch.ones(size, size, dtype=torch.float64))
    damped = 0.5 * dt * viscosity * squares

    def transported(w: Tensor) -> Tensor:
        stream = w * inverse
        both = torch.fft.irfft2(
            torch.stack([1j * ky * stream, -1j * kx * stream, 1j * kx * w, 1j * ky * w]), s=(size, size)
        )
        return pushed - kept * torch.fft.rfft2(both[0] * both[2] + both[1] * both[3])

    w = torch.fft.rfft2(vorticity)
    for _ in range(steps):
        now = transported(w)
        guess = ((1 - damped) * w + dt * now) / (1 + damped)
        w = ((1 - damped) * w + 0.5 * dt * (now + transported(guess))) / (1 + damped)
    later = torch.fft.irfft2(w, s=(size, size))
    if not bool(later.isfinite().all()):
        raise ValueError(f"the solution grew beyond all numbers with dt={dt:.3g}; use a smaller dt")
    return later
