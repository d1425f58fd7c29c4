"""A medium that someone drew, as a field: 1 where it is hardly permeable, 0 where it is permeable."""

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from octavo.errors import OctavoError


def from_characters(drawing: str, size: int) -> Float[Tensor, "size size"]:
    """Rows of # and . with / between them, brought to a grid.

    Args:
        drawing: rows of one length; # is 1.
        size: cells a side.

    Raises:
        OctavoError: there are other characters, or rows of several lengths.

    Example:
        >>> from_characters("#./..", 4)[0].tolist()
        [1.0, 1.0, 0.0, 0.0]
    """
    rows = [row.strip() for row in drawing.strip().replace("\n", "/").strip("/").split("/")]
    lengths = sorted({len(row) for row in rows})
    strange = sorted(set("".join(rows)) - {"#", "."})
    if strange or len(lengths) != 1 or lengths[0] == 0:
        what = f"the characters {''.join(strange)!r}" if strange else f"rows of {lengths} characters"
        raise OctavoError(f'A drawing is rows of # and . of one length, such as "#./..", and not {what}.')
    field = torch.tensor([[float(cell == "#") for cell in row] for row in rows])
    return F.interpolate(field[None, None], size=(size, size))[0, 0]


def from_picture(picture: Path, size: int) -> Float[Tensor, "size size"]:
    """A picture brought to a grid: 1 where it is darker than halfway between its darkest and lightest.

    Args:
        picture: a file that Pillow reads.
        size: cells a side.

    Raises:
        OctavoError: there is no such file, it is no picture, or it has one level only.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(picture) as opened:
            grey = np.asarray(
                opened.convert("L").resize((size, size), Image.Resampling.BOX), dtype=np.float32
            )
    except FileNotFoundError:
        raise OctavoError(f"There is no file {picture}.") from None
    except (UnidentifiedImageError, OSError) as error:
        raise OctavoError(f"{picture} cannot be read as a picture: {error}.") from error
    low, high = float(grey.min()), float(grey.max())
    if low == high:
        raise OctavoError(f"{picture} has one level of grey only; draw dark walls on a light ground.")
    return torch.from_numpy((grey < (low + high) / 2).astype(np.float32))
