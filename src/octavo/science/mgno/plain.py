"""The V-cycle as one would first write it: what the speed of the real one is measured against."""

from typing import cast

from jaxtyping import Float
from torch import Tensor, nn


class PlainCycle(nn.Module):
    """The operator of `MultigridConv` with zeros beyond the grid, in the usual layout of memory.

    Args:
        in_channels: of the data.
        out_channels: of the result.
        levels: grids; each side must be divisible by 2 as often.

    Shape:
        ``(batch, in_channels, height, width)`` -> ``(batch, out_channels, height, width)``.

    Example:
        >>> import torch
        >>> PlainCycle(1, 2, 3)(torch.ones(1, 1, 16, 16)).shape
        torch.Size([1, 2, 16, 16])
    """

    def __init__(self, in_channels: int, out_channels: int, levels: int) -> None:
        super().__init__()
        f, u = in_channels, out_channels
        steps = [1] * (levels - 1) + [2]
        self.S = nn.ModuleList(nn.ModuleList(_same(f, u) for _ in range(n)) for n in steps)
        self.A = nn.ModuleList(
            nn.ModuleList(_same(u, f) for _ in range(n - (level == 0))) for level, n in enumerate(steps)
        )
        self.R = nn.ModuleList(nn.Conv2d(f, f, 3, 2, 1, bias=False) for _ in range(levels - 1))
        self.Pi = nn.ModuleList(nn.Conv2d(u, u, 3, 2, 1, bias=False) for _ in range(levels - 1))
        self.P = nn.ModuleList(nn.ConvTranspose2d(u, u, 4, 2, 1, bias=False) for _ in range(levels - 1))

    def forward(
        self, f: Float[Tensor, "batch c_in height width"]
    ) -> Float[Tensor, "batch c_out height width"]:
        """One V-cycle."""
        return self._cycle(0, None, f)

    def _cycle(self, level: int, u: Tensor | None, f: Tensor) -> Tensor:
        smoothers = list(cast(nn.ModuleList, self.S[level]))
        if u is None:
            u = smoothers.pop(0)(f)
        for S, A in zip(smoothers, cast(nn.ModuleList, self.A[level]), strict=True):
            u = u + S(f - A(u))
        if level < len(self.P):
            u = u + self.P[level](self._cycle(level + 1, self.Pi[level](u), self.R[level](f)))
        return u


def _same(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1, bias=False)
