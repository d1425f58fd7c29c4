"""The convolutional layers: a picture becomes a sequence of columns, each with one feature vector."""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

Variant = Literal["official", "paper", "easyocr", "music"]
Pool = Literal["square", "tall", ""]


class Stage(NamedTuple):
    """One convolution with what follows it.

    Args:
        channels: maps at full width.
        norm: batch normalisation behind it.
        pool: `square` halves both sides, `tall` the height alone.
        last: of kernel 2 and without padding, others have kernel 3.
    """

    channels: int
    norm: bool = False
    pool: Pool = ""
    last: bool = False


STAGES: dict[Variant, tuple[Stage, ...]] = {
    # The authors' Torch code.
    "official": (
        Stage(64, pool="square"),
        Stage(128, pool="square"),
        Stage(256, norm=True),
        Stage(256, pool="tall"),
        Stage(512, norm=True),
        Stage(512, pool="tall"),
        Stage(512, norm=True, last=True),
    ),
    # Table 1.
    "paper": (
        Stage(64, pool="square"),
        Stage(128, pool="square"),
        Stage(256),
        Stage(256, pool="tall"),
        Stage(512, norm=True),
        Stage(512, norm=True, pool="tall"),
        Stage(512, last=True),
    ),
    # Table 1 at half the width, as EasyOCR trains it.
    "easyocr": (
        Stage(32, pool="square"),
        Stage(64, pool="square"),
        Stage(128),
        Stage(128, pool="tall"),
        Stage(256, norm=True),
        Stage(256, norm=True, pool="tall"),
        Stage(256, last=True),
    ),
    # Section 3.4: without the fourth and the sixth convolution.
    "music": (
        Stage(64, pool="square"),
        Stage(128, pool="square"),
        Stage(256, norm=True, pool="tall"),
        Stage(512, norm=True, pool="tall"),
        Stage(512, norm=True, last=True),
    ),
}
# A pool that takes the column before along makes the maps one wider, as in the authors' code.
GROWS: dict[Variant, bool] = {"official": True, "paper": False, "easyocr": False, "music": True}


class ConvolutionalFeatures(nn.Module):
    """Seven convolutions that halve the height five times and the width twice.

    Columns behind the end of a picture are kept at zero through all layers, which is what a convolution sees
    behind the end of a picture that stands alone. So a batch of pictures of any widths gives each of them
    what it gives alone.

    Args:
        variant: which layers; see `STAGES`.
        height: of the pictures, 32 times a power of two; taller ones are halved once more on the way.
        width_mult: factor of the number of maps.
        in_channels: of the pictures, 1 for grey.

    Shape:
        images ``(batch, in_channels, height, width)`` -> features ``(batch, width // 4 + 1, size)`` (variant
        `official`; `paper` has two columns less).

    Example:
        >>> layers = ConvolutionalFeatures(width_mult=0.125)
        >>> features, _ = layers(torch.zeros(2, 1, 32, 100))
        >>> features.shape
        torch.Size([2, 26, 64])

    Source: arXiv 1507.05717, section 2.1 and Table 1; github.com/bgshih/crnn for `official`.
    """

    def __init__(
        self,
        variant: Variant = "official",
        *,
        height: int = 32,
        width_mult: float = 1.0,
        in_channels: int = 1,
    ) -> None:
        super().__init__()
        if variant not in STAGES or width_mult <= 0 or in_channels < 1:
            raise ValueError(
                f"got variant={variant!r}, width_mult={width_mult}, in_channels={in_channels}; "
                f"variant is one of {', '.join(STAGES)}, the numbers are positive"
            )
        # EasyOCR averages over the rows that are left, others have one.
        halvings = 0 if variant == "easyocr" else height.bit_length() - 6
        if height < 32 or height & (height - 1) or halvings > 2:
            raise ValueError(f"height={height} must be 32, 64 or 128; resize the pictures to one of these")
        self.variant, self.height = variant, height
        self.stages = STAGES[variant]
        self.convolutions, self.norms, self.pools = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        # Where a taller picture is halved once more: on maps that are no longer wide.
        extra = {2, 3} if halvings == 2 else {2} if halvings else set()
        channels = in_channels
        for index, stage in enumerate(self.stages):
            size = max(1, round(stage.channels * width_mult))
            kernel = (2, 0) if stage.last else (3, 1)
            bias = not (stage.norm and variant == "easyocr")
            self.convolutions.append(nn.Conv2d(channels, size, kernel[0], 1, kernel[1], bias=bias))
            self.norms.append(nn.BatchNorm2d(size) if stage.norm else nn.Identity())
            pools: list[nn.Module] = []
            if stage.pool == "square":
                pools.append(nn.MaxPool2d(2, 2))
            elif stage.pool == "tall":
                grows = GROWS[variant]
                pools.append(nn.MaxPool2d((2, 2), (2, 1), (0, 1)) if grows else nn.MaxPool2d((2, 1), (2, 1)))
            if index in extra:
                pools.append(nn.MaxPool2d((2, 1), (2, 1)))
            self.pools.append(nn.Sequential(*pools))
            channels = size
        self.size = channels

    def frames(self, widths: Int64[Tensor, " batch"]) -> Int64[Tensor, " batch"]:
        """Columns of features that pictures of these widths have."""
        for stage in self.stages:
            widths = self._after(stage, widths)
        return widths

    def _after(self, stage: Stage, widths: Tensor) -> Tensor:
        widths = widths - 1 if stage.last else widths
        if stage.pool == "square":
            return widths // 2
        return widths + 1 if stage.pool == "tall" and GROWS[self.variant] else widths

    def forward(
        self,
        images: Float[Tensor, "batch channels height width"],
        widths: Int64[Tensor, " batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time size"], Int64[Tensor, " batch"]]:
        """Features of each column, and how many columns of each picture count.

        Args:
            images: grey levels around zero.
            widths: the true width of each picture; None if all are as wide as the batch.
        """
        batch, width = images.shape[0], images.shape[-1]
        valid = widths if widths is not None else torch.full((batch,), width, device=images.device)
        hidden = images if widths is None else images.masked_fill(self._beyond(images, valid), 0.0)
        for stage, convolve, norm, pool in zip(
            self.stages, self.convolutions, self.norms, self.pools, strict=True
        ):
            hidden = norm(convolve(hidden))
            if widths is not None:
                behind = valid - 1 if stage.last else valid
                hidden = hidden.masked_fill(self._beyond(hidden, behind), 0.0)
            # The same as the other way round, and a quarter of the work.
            hidden = F.relu(pool(hidden))
            valid = self._after(stage, valid)
        if self.variant == "easyocr":
            return reduce(hidden, "batch size rows time -> batch time size", "mean"), valid
        return rearrange(hidden, "batch size 1 time -> batch time size"), valid

    @staticmethod
    def _beyond(maps: Tensor, valid: Tensor) -> Bool[Tensor, "batch 1 1 width"]:
        return (torch.arange(maps.shape[-1], device=maps.device) >= valid[:, None])[:, None, None]
