"""Sinusoidal positions without an upper end, for steps and for continuous times."""

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

    frequencies: Tensor

    def __init__(self, d_model: int, longest: float = 10_000.0) -> None:
        super().__init__()
        self.d_model = d_model
        pairs = (d_model + 1) // 2
        exponents = torch.arange(pairs, dtype=torch.float64) / max(pairs, 1)
        self.register_buffer("frequencies", (longest**-exponents).float(), persistent=False)

    def forward(self, positions: Real[Tensor, "*any"]) -> Float[Tensor, "*any d_model"]:
        """Encode positions."""
        dtype = torch.promote_types(self.frequencies.dtype, torch.float32)  # half types have no long streams
        angles = positions.to(dtype)[..., None] * self.frequencies.to(dtype)
        both = torch.stack([angles.sin(), angles.cos()], dim=-1)
        encoded = rearrange(both, "... pairs two -> ... (pairs two)")[..., : self.d_model]
        return encoded.to(self.frequencies.dtype)
