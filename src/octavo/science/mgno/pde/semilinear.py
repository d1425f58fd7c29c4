"""A nonlinear equation on the unit interval: -u'' + u^3 = f, with u = 0 at both ends."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from octavo.science.mgno.checks import check_sizes
from octavo.science.mgno.pde.fields import rough_field


def semilinear(
    n: int, size: int, *, strength: float = 150.0, seed: int = 0
) -> tuple[Float[Tensor, "n 1 size"], Float[Tensor, "n 1 size"]]:
    """Random sources f, of size one, with the solutions u of -u'' + u^3 = strength f.

    Args:
        n: how many.
        size: interior points.
        strength: at 150 the solution is about three, and the cubic term outweighs the other.
        seed: of the sources.

    Example:
        >>> f, u = semilinear(2, 31)
        >>> u.shape
        torch.Size([2, 1, 31])
    """
    check_sizes(n=n, size=size)
    f = rough_field(n, size, alpha=2.0, tau=3.0, seed=seed, dim=1)
    u = solve_semilinear(strength * f)
    return torch.from_numpy(f[:, None].astype(np.float32)), torch.from_numpy(u[:, None].astype(np.float32))


def solve_semilinear(f: Float[np.ndarray, "n size"], steps: int = 50) -> Float[np.ndarray, "n size"]:
    """Newton's iteration on the three-point scheme, of second order.

    Args:
        f: sources at the interior points.
        steps: most iterations.

    Raises:
        ValueError: the iteration does not end; the sources are too large or not finite.

    Example:
        >>> x = np.arange(1, 64) / 64
        >>> u = np.sin(np.pi * x)
        >>> bool(abs(solve_semilinear((np.pi**2 * u + u**3)[None])[0] - u).max() < 1e-3)
        True
    """
    size = f.shape[-1]
    squared = float(size + 1) ** 2
    laplace = squared * (2 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1))
    u = np.zeros_like(f)
    for _ in range(steps):
        residual = f - u @ laplace - u**3
        if np.abs(residual).max() <= 1e-9 * (1 + np.abs(f).max()):
            return u
        jacobian = laplace + 3 * u[:, :, None] ** 2 * np.eye(size)
        step = np.linalg.solve(jacobian, residual[:, :, None])[..., 0]
        u = u + step
    raise ValueError(
        f"Newton's iteration did not end in {steps} steps for sources of up to {np.abs(f).max():.3g}"
    )
