"""Queries as they are typed in a hurry."""

from collections.abc import Sequence

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def with_typos(texts: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """Texts in which a share of the letters is replaced, left out, doubled or swapped with the next.

    Args:
        texts: what is disturbed.
        share: of the letters.
        seed: of the draw.

    Example:
        >>> with_typos(["what is my balance"], 0.0, seed=0)
        ('what is my balance',)
    """
    random = np.random.default_rng(seed)
    return tuple(_typed(text, share, random) for text in texts)


def _typed(text: str, share: float, random: np.random.Generator) -> str:
    typed, place = "", 0
    while place < len(text):
        letter = text[place]
        if letter == " " or random.random() >= share:
            typed += letter
        else:
            kind = random.integers(4)
            if kind == 0:
                typed += LETTERS[random.integers(len(LETTERS))]
            elif kind == 1:
                typed += 2 * letter
            elif kind == 2 and place + 1 < len(text):
                typed += text[place + 1] + letter
                place += 1
        place += 1
    return typed


def with_words_dropped(texts: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """Texts without a share of their words; one word at least is left.

    Args:
        texts: what is disturbed.
        share: of the words.
        seed: of the draw.

    Example:
        >>> with_words_dropped(["a b"], 1.0, seed=0)
        ('a',)
    """
    random = np.random.default_rng(seed)
    kept = []
    for text in texts:
        words = text.split()
        left = [word for word in words if random.random() >= share]
        kept.append(" ".join(left or words[:1]))
    return tuple(kept)
