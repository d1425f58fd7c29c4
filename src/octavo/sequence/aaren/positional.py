"""Sinusoidal positions without an upper end, for steps and for continuous times."""

import math

import torch
from jaxtyping import Float, Real
from torch import Tensor, nn


class SinusoidalPositions(nn.Module):
    """Sines and cosines of a position at frequencies from 1 down to 1/longest.

    Args:
        d_model: size of the encoding.
        longest: the lowest frequency turns once in 2 pi times this.

    Shape:
        positions ``(*any)``, whole or not -> ``(*any, d_model)``.

    Example:
        >>> import torch
        >>> SinusoidalPositions(4)(torch.tensor([0, 1]))
        tensor([[0.0000, 1.0000, 0.0000, 1.0000],
                [0.8415, 0.5403, 0.0100, 0.9999]])

    Source: arXiv 1706.03762, section 3.5.
    """

    def __init__(self, d_model: int, longest: float = 10_000.0) -> None:
        super().__init__()
        self.d_model, self.longest = d_model, longest
        # Not a buffer: a model that is cast to a half type must still tell late positions apart.
        self.frequencies: Tensor | None = None

    def forward(self, positions: Real[Tensor, "*any"]) -> Float[Tensor, "*any d_model"]:
        """Encode positions."""
        if self.frequencies is None or self.frequencies.device != positions.device:
            self.frequencies = self._make_frequencies(positions.device)
        angles = positions.float()[..., None] * self.frequencies
        both = torch.stack([angles.sin(), angles.cos()], dim=-1)
        return both.flatten(-2)[..., : self.d_model]

    def _make_frequencies(self, device: torch.device) -> Tensor:
        pairs = (self.d_model + 1) // 2
        steps = torch.arange(pairs, device=device, dtype=torch.float32)
        return (steps * (-math.log(self.longest) / max(pairs, 1))).exp()
