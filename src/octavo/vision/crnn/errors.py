"""How far what was read is from what is written."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from octavo.vision.crnn.bk_tree import symbol_distances


def correct(read: Sequence[str], written: Sequence[str]) -> Float[np.ndarray, " texts"]:
    """1 where a text was read without an error, 0 elsewhere.

    Args:
        read: texts.
        written: what they should be.

    Example:
        >>> correct(["a", "b"], ["a", "c"]).tolist()
        [1.0, 0.0]
    """
    return np.array([float(a == b) for a, b in zip(read, written, strict=True)])


def plain(text: str) -> str:
    """A text as the word benchmarks compare it: letters and digits, without case.

    Args:
        text: any.

    Example:
        >>> plain("It's 5!")
        'its5'
    """
    return "".join(letter for letter in text.lower() if letter.isascii() and letter.isalnum())


def edits(read: Sequence[Sequence[str]], written: Sequence[Sequence[str]]) -> Float[np.ndarray, " texts"]:
    """Edit distance of each text, in symbols.

    Args:
        read: texts, as strings or lists of symbols.
        written: what they should be.
    """
    return symbol_distances(read, written).astype(np.float64)
