"""From text to numbers: tokens, a vocabulary with inverse document frequencies, letter trigrams."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

_STOP_WORDS = (
    "a an the of in and or to for on at by is are be with as from that this which what how have has been it "
    "its was were can do does any there who when where"
)
STOP_WORDS = frozenset(_STOP_WORDS.split(" "))
PAD = "[pad]"
_TOKEN = re.compile(r"[a-z0-9]+")


def tokenise(text: str) -> list[str]:
    """The words of a text: lower case, runs of letters and digits, without stop words and without stemming.

    Example:
        >>> tokenise("What is the flow of air, at Mach 2?")
        ['flow', 'air', 'mach', '2']
    """
    return [word for word in _TOKEN.findall(text.lower()) if word not in STOP_WORDS]


class Vocabulary:
    """The words that a ranker knows, with how rare each is.

    Word 0 is padding. A word that is not in the vocabulary is left out of a text: it has no vector, and no
    other unknown word is the same as it.

    Args:
        words: without the padding, each once.
        idf: of each word, log(1 + (N - n + 0.5) / (n + 0.5)) for n of N documents; ones if unknown.

    Raises:
        ValueError: a word comes twice, or the frequencies are not as many as the words.

    Example:
        >>> vocabulary = Vocabulary.build(["supersonic flow", "flow of heat"])
        >>> vocabulary.encode("Heat in a supersonic flow")
        [2, 3, 1]
    """

    def __init__(self, words: Sequence[str], idf: Sequence[float] | None = None) -> None:
        self.words = (PAD, *words)
        self._ids = {word: place for place, word in enumerate(self.words)}
        if len(self._ids) != len(self.words):
            raise ValueError("the words of a vocabulary are different; one comes twice")
        if idf is not None and len(idf) != len(words):
            raise ValueError(f"a vocabulary of {len(words)} words was given {len(idf)} frequencies")
        self.idf = torch.tensor([0.0, *(idf if idf is not None else [1.0] * len(words))])

    @classmethod
    def build(cls, texts: Iterable[str], size: int | None = None) -> "Vocabulary":
        """The words of some texts, those of most documents first.

        Args:
            texts: the documents.
            size: how many words are kept; all by default.

        Raises:
            ValueError: there is no word in them.
        """
        counts: Counter[str] = Counter()
        number = 0
        for text in texts:
            number += 1
            counts.update(set(tokenise(text)))
        if not counts:
            raise ValueError("a vocabulary needs texts with at least one word that is no stop word")
        # Ties by the word itself, so that the order of the documents does not matter.
        words = sorted(counts, key=lambda word: (-counts[word], word))[:size]
        idf = [math.log(1 + (number - counts[word] + 0.5) / (counts[word] + 0.5)) for word in words]
        return cls(words, idf)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def encode(self, text: str, length: int | None = None) -> list[int]:
        """The ids of a text's known words, at most `length` of them."""
        ids = self._ids
        return [ids[word] for word in tokenise(text) if word in ids][:length]

    def batch(
        self, texts: Sequence[str], length: int | None = None
    ) -> tuple[Int[Tensor, "texts longest"], Bool[Tensor, "texts longest"]]:
        """Texts side by side, padded to the longest of them, and where their words are.

        Args:
            texts: to encode.
            length: words of a text that are kept.
        """
        return padded([self.encode(text, length) for text in texts])

    def letter_trigrams(self, number: int, a_word: int = 16) -> Int[Tensor, "words trigrams"]:
        """The letter trigrams of every word: "flow" has #fl, flo, low, ow#.

        Args:
            number: of trigrams that are told apart, the most frequent ones; the others are left out.
            a_word: trigrams of a word that are kept.

        Returns:
            Ids from 1; 0 where a word has no more.
        """
        split = [
            [] if place == 0 else [f"#{word}#"[at : at + 3] for at in range(len(word))]
            for place, word in enumerate(self.words)
        ]
        counts = Counter(trigram for trigrams in split for trigram in trigrams)
        kept = sorted(counts, key=lambda trigram: (-counts[trigram], trigram))[:number]
        ids = {trigram: place for place, trigram in enumerate(kept, start=1)}
        found, _ = padded([[ids[each] for each in trigrams if each in ids][:a_word] for trigrams in split])
        return found

    def save(self, path: Path) -> None:
        """Write the words, a line each; frequencies are kept by the model."""
        path.write_text("".join(f"{word}\n" for word in self.words[1:]), encoding="utf-8")

    @classmethod
    def load(cls, path: Path, idf: Float[Tensor, " words"] | None = None) -> "Vocabulary":
        """Read the words of a file, one a line."""
        words = path.read_text(encoding="utf-8").split("\n")[:-1]
        return cls(words, None if idf is None else idf[1:].tolist())


def padded(
    rows: Sequence[Sequence[int]],
) -> tuple[Int[Tensor, "rows longest"], Bool[Tensor, "rows longest"]]:
    """Rows of different lengths as one tensor, zeros behind the shorter ones, and a mask of what is real."""
    longest = max(1, max(map(len, rows), default=1))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    for row, values in zip(ids, rows, strict=True):
        row[: len(values)] = torch.tensor(values, dtype=torch.long)
    lengths = torch.tensor([len(row) for row in rows])
    return ids, torch.arange(longest) < lengths[:, None]


def as_texts(texts: Mapping[str, str] | Iterable[str]) -> tuple[list[str], list[str]]:
    """Names and texts of what the user has: a mapping by name, or texts that are named by their place."""
    if isinstance(texts, Mapping):
        return [str(name) for name in texts], list(texts.values())
    listed = list(texts)
    return [str(place) for place in range(len(listed))], listed
