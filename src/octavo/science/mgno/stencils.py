"""The arrows of a V-cycle: trainable 3-point stencils that stay on a level, go down, or come up."""

import math
from collections.abc import Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from octavo.science.mgno.boundary import Boundary, boundary_padding

_CONVOLVE = (F.conv1d, F.conv2d, F.conv3d)
_TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


def layout(dim: int, channels: int, like: Tensor) -> torch.memory_format:
    """How the numbers of fields and weights lie, so that convolutions are quick.

    Args:
        dim: axes of space.
        channels: of the operator's result.
        like: says the device and the precision.

    Example:
        >>> layout(2, 24, torch.zeros(1)), layout(1, 24, torch.zeros(1))
        (torch.channels_last, torch.contiguous_format)
    """
    # A CPU convolves few channels up to twice as fast with these innermost; a GPU's matrix units want eights
    # of half precision, and single precision is quicker there with the channels outside.
    halves = like.dtype in (torch.bfloat16, torch.float16) and channels % 8 == 0
    return (
        torch.channels_last if dim == 2 and (like.device.type == "cpu" or halves) else torch.contiguous_format
    )


class Weighted(nn.Module):
    """Holds the weights of an arrow in the layout that its device convolves fastest.

    Args:
        shape: of the weights.
        channels: of the operator's result.
    """

    def __init__(self, shape: Sequence[int], channels: int) -> None:
        super().__init__()
        self._channels = channels
        self.weight = nn.Parameter(torch.empty(*shape))
        self._lay_out()
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def _apply(self, *args: Any, **kwargs: Any) -> Self:
        super()._apply(*args, **kwargs)
        self._lay_out()
        return self

    def _lay_out(self) -> None:
        form = layout(self.weight.ndim - 2, self._channels, self.weight)
        self.weight.data = self.weight.data.contiguous(memory_format=form)


class Stencil(Weighted):
    """A convolution of three points a side without bias, whose padding is the boundary condition.

    Args:
        in_channels: of the field it is applied to.
        out_channels: of the result.
        boundary: how the field goes on beyond its grid; None if it does not (only inner points are kept).
        stride: 2 to go to the next coarser grid.
        dim: axes of space.

    Shape:
        ``(batch, in_channels, *grid)`` -> ``(batch, out_channels, *grid)``, with stride 2 on
        ``ceil(n / 2)`` points a side, or ``(n - 1) // 2`` inner ones.

    Example:
        >>> Stencil(1, 4, "periodic", stride=2)(torch.zeros(2, 1, 8, 7)).shape
        torch.Size([2, 4, 4, 4])
    """

    def __init__(
        self, in_channels: int, out_channels: int, boundary: Boundary | None, stride: int = 1, dim: int = 2
    ) -> None:
        super().__init__((out_channels, in_channels, *[3] * dim), max(in_channels, out_channels))
        self.boundary, self.stride, self.dim = boundary, stride, dim

    def forward(self, field: Float[Tensor, "batch c_in *grid"]) -> Float[Tensor, "batch c_out *coarse"]:
        """Applies the stencil at each point, or at every other one."""
        convolve = _CONVOLVE[self.dim - 1]
        if self.boundary == "dirichlet":
            # The convolution pads with zeros by itself, without a copy.
            return convolve(field, self.weight, padding=1, stride=self.stride)
        if self.boundary is not None:
            field = boundary_padding(field, self.boundary)
        return convolve(field, self.weight, stride=self.stride)


class Prolongation(Weighted):
    """A transposed convolution without bias that brings a field back to the next finer grid.

    It has four taps a side. Where the finer size is odd only the first three are used, so that the coarse
    point i stands at the same fine point as on the way down; one set of weights serves grids of any size.

    Args:
        in_channels: of the coarse field.
        out_channels: of the fine one.
        boundary: how the coarse field goes on beyond its grid; None if coarse grids hold inner points only.
        dim: axes of space.

    Shape:
        ``(batch, in_channels, *coarse)`` -> ``(batch, out_channels, *fine)``.

    Example:
        >>> Prolongation(1, 1, "dirichlet", dim=1)(torch.zeros(2, 1, 4), fine=(7,)).shape
        torch.Size([2, 1, 7])
    """

    def __init__(self, in_channels: int, out_channels: int, boundary: Boundary | None, dim: int = 2) -> None:
        super().__init__((in_channels, out_channels, *[4] * dim), out_channels)
        self.boundary, self.dim = boundary, dim

    def forward(
        self, field: Float[Tensor, "batch c_in *coarse"], fine: Sequence[int]
    ) -> Float[Tensor, "batch c_out *fine"]:
        """The field on the finer grid of that size."""
        taps = (slice(None), slice(None), *(slice(4 - size % 2) for size in fine))
        weight = self.weight[taps] if any(size % 2 for size in fine) else self.weight
        transposed = _TRANSPOSED[self.dim - 1]
        if self.boundary is None:
            return transposed(field, weight, stride=2)
        if self.boundary == "dirichlet":
            return transposed(field, weight, stride=2, padding=1)
        # One coarse point beyond each side reaches the outermost fine points; what lies outside is cut away.
        return transposed(boundary_padding(field, self.boundary), weight, stride=2, padding=3)
