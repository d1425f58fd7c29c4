"""Sinusoidal positions without an upper end, for steps and for continuous times."""

import math

import torch
from einops import rearrange
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

    def forward(self, positions: Real[Tensor, "*any"]) -> Float[Tensor, "*any d_model"]:
        """Encode positions."""
        pairs = (self.d_model + 1) // 2
        # Not a buffer: a model that is cast to a half type must still tell late positions apart.
        steps = torch.arange(pairs, device=positions.device, dtype=torch.float32)
        frequencies = (steps * (-math.log(self.longest) / max(pairs, 1))).exp()
        angles = positions.float()[..., None] * frequencies
        both = torch.stack([angles.sin(), angles.cos()], dim=-1)
        return rearrange(both, "... pairs two -> ... (pairs two)")[..., : self.d_model]
