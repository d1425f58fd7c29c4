"""The tokens of a vocabulary as a reader sees them: their text, their stem, whether they carry content."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

ENDINGS = ("'s", "ing", "edly", "ed", "ers", "er", "est", "ies", "es", "ly", "s", "y", "e")
"""Cut off from the end of a word, the first that fits, while three letters are left."""
_FUNCTION_WORDS = """
a about above after again against all almost also although always am among an and another any are as at
away back be because been before being below between both but by came can cannot come could did do does
doing done down during each either else even ever every few first for from further get gets go goes going
got had has have having he hence her here hers herself him himself his how however i if in indeed into is
it its itself just last least less let like made make makes many may me might mine more most much must my
myself near neither never new next no nor not nothing now of off often old on once one only onto or other
others our ours ourselves out over own per perhaps put rather same say says see seem she should since so
some such take than that the their theirs them themselves then there therefore these they this those
though three through thus to together too toward towards two under until up upon us use used very via was
way we well went were what whatever when where whether which while who whole whom whose why will with
within without would yes yet you your yours yourself yourselves
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


def stem(word: str) -> str:
    """The word without spaces around it, capitals and its ending: forms of one word share it.

    Example:
        >>> stem(" Dogs"), stem("dog"), stem("painting"), stem("painted")
        ('dog', 'dog', 'paint', 'paint')
    """
    bare = word.strip().lower()
    if not bare.isalpha() and not bare.endswith("'s"):
        return bare
    for ending in ENDINGS:
        if bare.endswith(ending) and len(bare) - len(ending) >= 3:
            return bare[: -len(ending)]
    return bare


def is_content(word: str) -> bool:
    """Whether a token is a word that means something by itself: letters, at least three, no function word.

    Example:
        >>> is_content(" dog"), is_content(" the"), is_content("##")
        (True, False, False)
    """
    bare = word.strip().lower()
    return len(bare) >= 3 and bare.isalpha() and bare not in FUNCTION_WORDS


class Vocabulary:
    """All tokens as text.

    Args:
        words: the text of each token, by its id, with the space that it begins with.

    Example:
        >>> Vocabulary([" dog", "dog", " cat"]).id(" dog")
        0
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    @classmethod
    def of(cls, tokenizer: Any) -> "Vocabulary":
        """Of a Hugging Face tokenizer."""
        numbers = range(len(tokenizer))
        pieces = tokenizer.convert_ids_to_tokens(list(numbers))
        texts = tokenizer.batch_decode([[number] for number in numbers])
        # Some tokenizers drop the space at the beginning of what they decode.
        return cls(
            " " + text if isinstance(piece, str) and piece[0] == "▁" and text[:1] != " " else text
            for piece, text in zip(pieces, texts, strict=True)
        )

    def __len__(self) -> int:
        return len(self.words)

    def id(self, word: str) -> int:
        """The id of a token by its text.

        Raises:
            ValueError: no token has this text; the message names near ones.
        """
        if (number := self._ids.get(word)) is not None:
            return number
        bare = word.strip()
        near = [
            form for form in (f" {bare}", bare, f" {bare.capitalize()}", bare.lower()) if form in self._ids
        ]
        advice = (
            f"; a single token is {' or '.join(map(repr, near))}"
            if near
            else "; give the ids of its tokens as several=tokenizer(...).input_ids, and scores are added up"
        )
        raise ValueError(f"{word!r} is not a single token of this vocabulary{advice}")

    @cached_property
    def _ids(self) -> dict[str, int]:
        # Of two tokens with one text the first counts.
        return {word: number for number, word in reversed(list(enumerate(self.words)))}

    @cached_property
    def stems(self) -> Int[Tensor, " vocabulary"]:
        """A number for the stem of each token, the same for forms of one word."""
        numbers: dict[str, int] = {}
        return torch.tensor([numbers.setdefault(stem(word), len(numbers)) for word in self.words])

    @cached_property
    def content(self) -> Bool[Tensor, " vocabulary"]:
        """Which tokens are content words."""
        return torch.tensor([is_content(word) for word in self.words])
