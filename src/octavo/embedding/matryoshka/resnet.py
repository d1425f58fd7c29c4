"""Residual networks for images, with Matryoshka heads: the paper's own system."""

from collections.abc import Sequence
from typing import Literal, cast

import torch
import torch.nn.functional as F
from einops import reduce
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn

from octavo.embedding.matryoshka.dims import nested_dims
from octavo.embedding.matryoshka.heads import MatryoshkaLinear

BlockName = Literal["basic", "bottleneck"]


class BlurPool(nn.Module):
    """Halves an image after a blur, so that a shift by one pixel changes little.

    Args:
        channels: of the image.

    Shape:
        ``(batch, channels, height, width)`` -> ``(batch, channels, ceil(height/2), ceil(width/2))``.

    Example:
        >>> BlurPool(3)(torch.ones(1, 3, 8, 8)).shape
        torch.Size([1, 3, 4, 4])

    Source: Zhang, arXiv 1904.11486; part of the recipe that the paper trains with.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", (line[:, None] * line)[None, None].repeat(channels, 1, 1, 1))

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels h w"]:
        """The smaller image."""
        padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
        return F.conv2d(padded, cast(Tensor, self.kernel), stride=2, groups=self.channels)


def _convolution(inputs: int, outputs: int, size: int, stride: int, blur: bool) -> nn.Module:
    """A convolution with batch norm; with a blur, the stride comes after it."""
    own = nn.Conv2d(inputs, outputs, size, 1 if blur else stride, size // 2, bias=False)
    layers: list[nn.Module] = [own]
    if blur and stride == 2:
        layers.append(BlurPool(outputs))
    return nn.Sequential(*layers, nn.BatchNorm2d(outputs))


class ResidualBlock(nn.Module):
    """Two convolutions of 3x3, or the three of a bottleneck, beside a shortcut.

    Args:
        inputs: channels that come in.
        width: channels inside; a bottleneck gives four times as many.
        stride: 2 halves the image.
        block: ``basic`` or ``bottleneck``.
        blur: blur before an image is halved.

    Shape:
        ``(batch, inputs, height, width)`` -> ``(batch, outputs, height/stride, width/stride)``.

    Example:
        >>> ResidualBlock(8, 16, stride=2, block="basic")(torch.randn(2, 8, 6, 6)).shape
        torch.Size([2, 16, 3, 3])
    """

    def __init__(
        self, inputs: int, width: int, *, stride: int = 1, block: BlockName = "basic", blur: bool = False
    ) -> None:
        super().__init__()
        self.outputs = width if block == "basic" else 4 * width
        if block == "basic":
            shape = [(inputs, width, 3, stride), (width, width, 3, 1)]
        else:
            shape = [(inputs, width, 1, 1), (width, width, 3, stride), (width, 4 * width, 1, 1)]
        self.convolutions = nn.ModuleList(_convolution(*each, blur) for each in shape)
        same = stride == 1 and inputs == self.outputs
        self.shortcut = nn.Identity() if same else _convolution(inputs, self.outputs, 1, stride, blur)

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch outputs h w"]:
        """The block's output."""
        hidden = x
        for place, convolution in enumerate(self.convolutions):
            hidden = convolution(hidden if place == 0 else F.relu(hidden))
        return F.relu(hidden + self.shortcut(x))


class MatryoshkaResNet(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    """A residual network whose pooled features are nested: images in, class scores of every size out.

    The defaults are the paper's network: ResNet50 with blurred downsampling, features of 2048 numbers, nine
    sizes from 8. Small images want ``stem="small"``, which keeps their size.

    Args:
        num_classes: classes.
        depths: blocks of each stage.
        width: channels of the first stage; each stage doubles them.
        block: ``bottleneck`` as ResNet50, ``basic`` as ResNet18.
        dims: the nesting list; that of the features' size unless given. One size alone gives the paper's
            fixed-feature baseline: a linear head on the first numbers of the features.
        efficient: MRL-E.
        stem: ``large`` for photographs, ``small`` for images of 32 pixels.
        blur: blur before an image is halved, as the paper's recipe.
        channels: of the images.

    Shape:
        images ``(batch, channels, height, width)``  ->  a list of ``(batch, num_classes)``, one a size.

    Example:
        >>> model = MatryoshkaResNet(10, depths=[1, 1], width=8, block="basic", dims=[4, 8, 16], stem="small")
        >>> [tuple(scores.shape) for scores in model(torch.randn(2, 3, 16, 16))]
        [(2, 10), (2, 10), (2, 10)]

    Source: arXiv 2205.13147, section 4 and appendix C (training).
    """

    def __init__(
        self,
        num_classes: int = 1000,
        *,
        depths: Sequence[int] = (3, 4, 6, 3),
        width: int = 64,
        block: BlockName = "bottleneck",
        dims: Sequence[int] | None = None,
        efficient: bool = False,
        stem: Literal["large", "small"] = "large",
        blur: bool = True,
        channels: int = 3,
    ) -> None:
        super().__init__()
        if stem == "large":
            self.stem: nn.Module = nn.Sequential(
                _convolution(channels, width, 7, 2, blur),
                nn.ReLU(),
                nn.MaxPool2d(3, 1 if blur else 2, padding=1),
                BlurPool(width) if blur else nn.Identity(),
            )
        else:
            self.stem = nn.Sequential(_convolution(channels, width, 3, 1, blur), nn.ReLU())
        blocks: list[ResidualBlock] = []
        inputs = width
        for stage, depth in enumerate(depths):
            for place in range(depth):
                stride = 2 if stage and place == 0 else 1
                blocks.append(ResidualBlock(inputs, width << stage, stride=stride, block=block, blur=blur))
                inputs = blocks[-1].outputs
        self.blocks = nn.Sequential(*blocks)
        self.width = inputs
        wanted = nested_dims(inputs, min(8, inputs)) if dims is None else dims
        self.head = MatryoshkaLinear(wanted, num_classes, efficient=efficient)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def embed(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch d"]:
        """The pooled features: the nested embedding."""
        features = self.blocks(self.stem(images))
        return cast(Tensor, reduce(features, "batch d height width -> batch d", "mean"))

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch classes"]]:
        """Class scores of every size, in rising order."""
        return cast(list[Tensor], self.head(self.embed(images)))
