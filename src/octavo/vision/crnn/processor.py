"""From pictures of any size and mode to batches: grey, one height, widths that keep the proportions."""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from PIL import Image
from torch import Tensor

NARROWEST = 8
"""Pixels of width that a picture needs after resizing."""
WIDEST = 32_768
"""Pixels that no line of text is wide; a crop of another shape would take all memory."""


class Batch(TypedDict):
    """What the model takes.

    Args:
        images: padded behind their ends with zeros.
        widths: true widths.
    """

    images: Float[Tensor, "batch 1 height width"]
    widths: Int64[Tensor, " batch"]


class CRNNProcessor:
    """Makes a batch of pictures: PIL, numpy or torch, grey or colour, 8 or 16 bits, with or without alpha.

    Args:
        height: of the result.
        min_width: narrower ones are stretched to it, as the paper does in its tests (100 at height 32).
        max_width: wider ones are squeezed to it; None leaves them.
        keep_ratio: False squashes every picture to `min_width`, as the paper trains.
        multiple: widths are rounded to a multiple, so that batches of equal widths can be formed.
        contrast: pictures with less contrast than this, from 0 to 1, are spread over the range; 0 leaves all.
        centre, scale: of the grey levels: ``(level - centre) / scale``.

    Raises:
        ValueError: a number is out of range.

    Example:
        >>> batch = CRNNProcessor()([Image.new("RGB", (200, 40)), np.zeros((64, 500), np.uint8)])
        >>> batch["images"].shape, batch["widths"].tolist()
        (torch.Size([2, 1, 32, 248]), [160, 248])

    Source: arXiv 1507.05717, section 3.2.
    """

    def __init__(
        self,
        height: int = 32,
        min_width: int = 100,
        max_width: int | None = None,
        keep_ratio: bool = True,
        *,
        multiple: int = 4,
        contrast: float = 0.0,
        centre: float = 128.0,
        scale: float = 128.0,
    ) -> None:
        if min_width < NARROWEST or height < 1 or multiple < 1 or scale <= 0 or not 0 <= contrast <= 1:
            raise ValueError(
                f"got height={height}, min_width={min_width}, multiple={multiple}, scale={scale}, "
                f"contrast={contrast}; min_width is at least {NARROWEST}, contrast 0 to 1, others positive"
            )
        if max_width is not None and max_width < min_width:
            raise ValueError(
                f"max_width={max_width} is below min_width={min_width}; raise it, or leave it out"
            )
        self.height, self.min_width, self.max_width = height, min_width, max_width
        self.keep_ratio, self.multiple = keep_ratio, multiple
        self.contrast, self.centre, self.scale = contrast, centre, scale

    def __call__(self, pictures: Sequence[Any] | Any) -> Batch:
        """One batch of all pictures.

        Args:
            pictures: one, or a list.

        Raises:
            ValueError: no picture, a picture without pixels, one far too wide, or pixels that are no numbers.
        """
        given = pictures if isinstance(pictures, list | tuple) else [pictures]
        if not given:
            raise ValueError("got no picture; give at least one")
        rows = [self.resized(grey(picture, index), index) for index, picture in enumerate(given)]
        widths = torch.tensor([row.shape[1] for row in rows])
        images = torch.zeros(len(rows), 1, self.height, int(widths.max()))
        for image, row in zip(images, rows, strict=True):
            image[0, :, : row.shape[1]] = (torch.from_numpy(row).float() - self.centre) / self.scale
        return {"images": images, "widths": widths}

    def resized(
        self, levels: UInt8[np.ndarray, "rows columns"], index: int = 0
    ) -> UInt8[np.ndarray, "height width"]:
        """One picture at its size in the batch.

        Args:
            levels: the picture.
            index: of the picture, for errors.

        Raises:
            ValueError: it would be far too wide.
        """
        rows, columns = levels.shape
        width = self.min_width
        if self.keep_ratio:
            width = max(width, self.multiple * round(columns * self.height / rows / self.multiple))
        if self.max_width is not None:
            width = min(width, self.max_width)
        if width > WIDEST:
            raise ValueError(
                f"picture {index} of {rows} x {columns} would be {width} wide at height {self.height}, "
                f"the most is {WIDEST}; cut out one line, or give max_width"
            )
        levels = spread(levels, self.contrast)
        if (rows, columns) == (self.height, width):
            return levels
        resized = Image.fromarray(levels).resize((width, self.height), Image.Resampling.BILINEAR)
        return np.array(resized)


def spread(levels: UInt8[np.ndarray, "rows columns"], least: float) -> UInt8[np.ndarray, "rows columns"]:
    """A picture of low contrast with its levels pulled apart, as EasyOCR does; others as they are.

    Contrast is the difference of the ninth and the first decile over their sum.

    Args:
        levels: of the picture.
        least: contrast from which on it stays as it is.

    Example:
        >>> spread(np.array([[100, 100, 120, 120]], np.uint8), 0.5).tolist()
        [[250, 250, 255, 255]]
    """
    if least <= 0:
        return levels
    low, high = np.percentile(levels, (10, 90))
    if high - low >= least * max(10.0, high + low):
        return levels
    gain = 200 / max(10.0, high - low)
    return np.clip((levels - low + 25) * gain, 0, 255).astype(np.uint8)


def grey(picture: Any, index: int = 0) -> UInt8[np.ndarray, "rows columns"]:
    """The grey levels of a picture, 0 black and 255 white.

    Numbers that are no bytes are taken as 0 to 1 where they are fractions or truths, and as 0 to 65535 where
    they are 16 bits wide. Transparent parts are white.

    Args:
        picture: of PIL, numpy (rows, columns[, channels]) or torch ([channels,] rows, columns).
        index: of the picture, for errors.

    Raises:
        ValueError: the picture has no pixel, or one that is not finite.
        TypeError: it is no picture, or not of numbers.
    """
    if isinstance(picture, Image.Image):
        return _of_pil(picture, index)
    if isinstance(picture, Tensor):
        channels_first = picture.ndim == 3
        picture = (
            picture.detach().cpu().float().numpy()
            if picture.dtype == torch.bfloat16
            else (picture.detach().cpu().numpy())
        )
        picture = np.moveaxis(picture, 0, -1) if channels_first else picture
    if not isinstance(picture, np.ndarray):
        raise TypeError(
            f"picture {index} is a {type(picture).__name__}; give a PIL image, an array or a tensor"
        )
    if picture.ndim not in (2, 3) or 0 in picture.shape:
        raise ValueError(
            f"picture {index} has shape {picture.shape}; give (rows, columns) or (rows, columns, channels)"
        )
    levels = _to_bytes(picture, index)
    if levels.ndim == 3:
        if levels.shape[2] not in (1, 2, 3, 4):
            raise ValueError(
                f"picture {index} has {levels.shape[2]} channels; give 1 (grey), 3 (RGB) or 4 (RGBA)"
            )
        if levels.shape[2] == 1:
            return levels[..., 0]
        return _of_pil(Image.fromarray(levels), index)
    return levels


def _to_bytes(numbers: np.ndarray, index: int) -> UInt8[np.ndarray, "..."]:
    if numbers.dtype == np.uint8:
        return numbers
    if numbers.dtype == np.bool_:
        return numbers.astype(np.uint8) * 255
    if numbers.dtype == np.uint16:
        return (numbers >> 8).astype(np.uint8)
    if not np.issubdtype(numbers.dtype, np.integer) and not np.issubdtype(numbers.dtype, np.floating):
        raise TypeError(f"picture {index} is of {numbers.dtype}; give whole numbers, fractions or truths")
    if not np.issubdtype(numbers.dtype, np.floating):
        if numbers.min() < 0 or numbers.max() > 255:
            raise ValueError(
                f"picture {index} has levels from {numbers.min()} to {numbers.max()}; give 0 to 255"
            )
        return numbers.astype(np.uint8)
    if not np.isfinite(numbers).all():
        place = tuple(np.argwhere(~np.isfinite(numbers))[0].tolist())
        raise ValueError(f"picture {index} has {numbers[place]} at {place}; mend pixels that are not finite")
    low, high = float(numbers.min()), float(numbers.max())
    if low < 0 or high > 1:
        raise ValueError(
            f"picture {index} has fractions from {low:g} to {high:g}; give 0 to 1, or whole numbers to 255"
        )
    return np.asarray((numbers * 255).round(), dtype=np.uint8)


def _of_pil(picture: Image.Image, index: int) -> UInt8[np.ndarray, "rows columns"]:
    if 0 in picture.size:
        raise ValueError(f"picture {index} has size {picture.size}; give one with pixels")
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        numbers = np.asarray(picture)
        if picture.mode == "I":
            if numbers.min() < 0 or numbers.max() > 65_535:
                raise ValueError(
                    f"picture {index} has levels from {numbers.min()} to {numbers.max()}; give 0 to 65535"
                )
            numbers = numbers.astype(np.uint16)
        return _to_bytes(numbers, index)
    if "A" in picture.getbands() or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    return np.array(picture.convert("L"))
