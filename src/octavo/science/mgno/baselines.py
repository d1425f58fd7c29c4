"""What MgNO is compared with: convolutional networks of its size, and other ways to write a linear
operator."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor, nn


def real_parameters(model: nn.Module) -> int:
    """Numbers that a model learns; a complex one counts as two.

    Args:
        model: any module.

    Example:
        >>> real_parameters(SpectralConv(1, 2, modes=3))
        74
    """
    return sum(p.numel() * (2 if p.is_complex() else 1) for p in model.parameters() if p.requires_grad)


def channels_last_(module: nn.Module) -> None:
    """Lays the weights of convolutions as MgNO's lie, with which a step on a processor takes less time.

    Args:
        module: of convolutions on a plane.

    Example:
        >>> convolution = nn.Conv2d(2, 3, 3)
        >>> channels_last_(convolution)
        >>> convolution.weight.stride()
        (18, 1, 6, 2)
    """
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


class UNet(nn.Module):
    """An encoder and a decoder of convolutions that are joined by concatenation, with pooling between levels.

    Args:
        in_channels: of the input field.
        out_channels: of the output field.
        width: channels on the finest grid; they double with each level.
        levels: grids.

    Shape:
        ``(batch, in_channels, height, width)`` -> ``(batch, out_channels, height, width)``.

    Example:
        >>> UNet(1, 1, width=4, levels=3)(torch.zeros(2, 1, 17, 16)).shape
        torch.Size([2, 1, 17, 16])

    Source: Ronneberger et al. 2015, arXiv 1505.04597, with group norms and bilinear upsampling.
    """

    def __init__(self, in_channels: int, out_channels: int, *, width: int = 16, levels: int = 3) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        self.down = nn.ModuleList(
            _block(before, after) for before, after in zip([in_channels, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(_block(finer + coarser, finer) for finer, coarser in pairwise(widths))
        self.readout = nn.Conv2d(width, out_channels, 1)
        channels_last_(self)

    def forward(
        self, a: Float[Tensor, "batch c_in height width"]
    ) -> Float[Tensor, "batch c_out height width"]:
        """The output field."""
        h, passed = a, []
        for level, block in enumerate(self.down):
            h = block(h if level == 0 else F.max_pool2d(h, 2, ceil_mode=True))
            passed.append(h)
        for level in range(len(self.up) - 1, -1, -1):
            wide = F.interpolate(h, size=passed[level].shape[2:], mode="bilinear", align_corners=False)
            h = self.up[level](torch.cat([passed[level], wide], dim=1))
        result: Tensor = self.readout(h)
        return result


def _block(before: int, after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for c_in in (before, after):
        layers += [nn.Conv2d(c_in, after, 3, padding=1), nn.GroupNorm(min(4, after), after), nn.GELU()]
    return nn.Sequential(*layers)


class DilatedResNet(nn.Module):
    """Residual blocks of seven convolutions whose dilations grow to eight and shrink again, on one grid.

    Args:
        in_channels: of the input field.
        out_channels: of the output field.
        width: channels.
        blocks: residual blocks.

    Shape:
        ``(batch, in_channels, height, width)`` -> ``(batch, out_channels, height, width)``.

    Example:
        >>> DilatedResNet(1, 1, width=4, blocks=1)(torch.zeros(2, 1, 16, 16)).shape
        torch.Size([2, 1, 16, 16])

    Source: Stachenfeld et al. 2022, arXiv 2112.15275.
    """

    def __init__(self, in_channels: int, out_channels: int, *, width: int = 16, blocks: int = 4) -> None:
        super().__init__()
        self.encode = nn.Conv2d(in_channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(_dilated(width) for _ in range(blocks))
        self.decode = nn.Conv2d(width, out_channels, 3, padding=1)
        channels_last_(self)

    def forward(
        self, a: Float[Tensor, "batch c_in height width"]
    ) -> Float[Tensor, "batch c_out height width"]:
        """The output field."""
        h = self.encode(a)
        for block in self.blocks:
            h = F.relu(h + block(h))
        result: Tensor = self.decode(h)
        return result


def _dilated(width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for dilation in (1, 2, 4, 8, 4, 2, 1):
        layers += [nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class LiftedOperator(nn.Module):
    """A neural operator between a pointwise network that lifts its input and one that projects its output.

    Args:
        operator: from ``width`` channels to ``width`` channels.
        in_channels: of the input field.
        out_channels: of the output field.
        width: channels in between.

    Shape:
        ``(batch, in_channels, height, width)`` -> ``(batch, out_channels, height, width)``.

    Example:
        >>> LiftedOperator(nn.Identity(), 1, 1, width=8)(torch.zeros(2, 1, 9, 9)).shape
        torch.Size([2, 1, 9, 9])
    """

    def __init__(self, operator: nn.Module, in_channels: int, out_channels: int, *, width: int) -> None:
        super().__init__()
        self.lift = nn.Sequential(
            nn.Conv2d(in_channels, 2 * width, 1), nn.GELU(), nn.Conv2d(2 * width, width, 1)
        )
        self.operator = operator
        self.project = nn.Sequential(
            nn.Conv2d(width, 2 * width, 1), nn.GELU(), nn.Conv2d(2 * width, out_channels, 1)
        )

    def forward(
        self, a: Float[Tensor, "batch c_in height width"]
    ) -> Float[Tensor, "batch c_out height width"]:
        """The output field."""
        result: Tensor = self.project(self.operator(self.lift(a)))
        return result


class SpectralConv(nn.Module):
    """The linear layer of a Fourier neural operator: each low frequency has a matrix, all points one more.

    Args:
        in_channels: of the input field.
        out_channels: of the output field.
        modes: frequencies kept, in each direction of each axis.
        padding: share of the grid by which the field is continued with zeros, so that it need not be
            periodic.

    Shape:
        ``(batch, in_channels, height, width)`` -> ``(batch, out_channels, height, width)``.

    Example:
        >>> SpectralConv(1, 1, modes=4, padding=0.5)(torch.zeros(2, 1, 16, 16)).shape
        torch.Size([2, 1, 16, 16])

    Source: Li et al. 2021, arXiv 2010.08895.
    """

    def __init__(self, in_channels: int, out_channels: int, *, modes: int, padding: float = 0.0) -> None:
        super().__init__()
        self.modes, self.padding = modes, padding
        shape = (2, in_channels, out_channels, modes, modes)
        scale = 1 / (in_channels * out_channels)
        self.weight = nn.Parameter(scale * torch.rand(*shape, dtype=torch.cfloat))
        self.local = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(
        self, f: Float[Tensor, "batch c_in height width"]
    ) -> Float[Tensor, "batch c_out height width"]:
        """The output field."""
        height, width = f.shape[2:]
        size = tuple(n + round(self.padding * n) for n in (height, width))
        spectrum = torch.fft.rfft2(f, s=size)
        m = self.modes
        kept = torch.stack([spectrum[:, :, :m, :m], spectrum[:, :, -m:, :m]])
        mixed = einsum(kept, self.weight, "side b i y x, side i o y x -> side b o y x")
        out = spectrum.new_zeros(f.shape[0], mixed.shape[2], *spectrum.shape[2:])
        out[:, :, :m, :m], out[:, :, -m:, :m] = mixed[0], mixed[1]
        return torch.fft.irfft2(out, s=size)[:, :, :height, :width] + self.local(f)


class ConvStack(nn.Sequential):
    """Convolutions of three points a side, one after the other, with nothing between them.

    Args:
        width: channels between the first and the last.
        depth: convolutions.

    Shape:
        ``(batch, 1, height, width)`` -> ``(batch, 1, height, width)``.

    Example:
        >>> ConvStack(width=4, depth=3)(torch.zeros(2, 1, 9, 9)).shape
        torch.Size([2, 1, 9, 9])
    """

    def __init__(self, *, width: int, depth: int) -> None:
        widths = [1, *[width] * (depth - 1), 1]
        super().__init__(*(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairwise(widths)))


class DenseMatrix(nn.Module):
    """The matrix of a linear operator on one grid, whole or as a product of two thin ones.

    Args:
        points: of the grid.
        rank: columns of the thin ones; None for a whole matrix.

    Shape:
        ``(batch, 1, height, width)`` -> ``(batch, 1, height, width)``, of `points` points.

    Example:
        >>> DenseMatrix(81, rank=3)(torch.zeros(2, 1, 9, 9)).shape
        torch.Size([2, 1, 9, 9])
    """

    def __init__(self, points: int, rank: int | None = None) -> None:
        super().__init__()
        sizes = [points, points] if rank is None else [points, rank, points]
        self.maps = nn.Sequential(*(nn.Linear(a, b, bias=False) for a, b in pairwise(sizes)))

    def forward(self, f: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
        """The output field."""
        out: Tensor = self.maps(rearrange(f, "batch 1 height width -> batch (height width)"))
        return rearrange(out, "batch (height width) -> batch 1 height width", height=f.shape[2])
