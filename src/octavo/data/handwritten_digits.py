"""Handwritten digits, 28 x 28 pixels each."""

import gzip
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64, UInt8

from octavo.data.registry import Entry
from octavo.errors import OctavoError

SIDE = 28


@dataclass(frozen=True)
class Digits:
    """Digits, white on black.

    Args:
        pictures: grey levels.
        labels: 0 to 9.
    """

    pictures: UInt8[np.ndarray, "digits 28 28"] = field(repr=False)
    labels: Int64[np.ndarray, " digits"] = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def hold_out(self, share: float, *, seed: int = 0) -> tuple["Digits", "Digits"]:
        """Two parts without a digit in common; the second has about this share.

        Args:
            share: of the second part.
            seed: of the draw.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        cut = len(self) - round(share * len(self))
        first, second = order[:cut], order[cut:]
        return (
            Digits(self.pictures[first], self.labels[first]),
            Digits(self.pictures[second], self.labels[second]),
        )


def load_digits(entry: Entry) -> Digits:
    """Reads a table of 784 grey levels and a label a line.

    Raises:
        OctavoError: a line has another number of fields, or one that is no whole number.
    """
    (place,) = entry.files.values()
    opener = gzip.open if place.suffix == ".gz" else open
    try:
        with opener(place, "rb") as file:
            text = file.read().decode("ascii")
        rows = text.count("\n") + (not text.endswith("\n"))
        table = np.fromstring(text.replace("\n", ","), sep=",", dtype=np.float32).reshape(rows, -1)
        pictures = table[:, :-1].astype(np.uint8).reshape(-1, SIDE, SIDE)
    except (ValueError, OSError, UnicodeDecodeError) as error:
        raise OctavoError(
            f"{place} is not a table of {SIDE * SIDE} grey levels and a label: {error}"
        ) from error
    return Digits(pictures, table[:, -1].astype(np.int64))
