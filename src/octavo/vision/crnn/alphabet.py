"""The symbols that a recogniser writes, and the map B from frames to text."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import torch
from jaxtyping import Int64
from torch import Tensor

BLANK = 0
"""Class 0 of every recogniser says "no symbol here"; symbol k of the alphabet is class k + 1."""

ENGLISH = "0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ €ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The 96 characters of the pretrained English weights, in their order."""


def expand(pattern: str) -> tuple[str, ...]:
    """The characters of a pattern in which ``a-z``, ``A-Z`` and ``0-9`` may stand for ranges.

    A minus between two letters or two digits of one kind is a range, anywhere else it is itself.

    Args:
        pattern: characters and ranges.

    Example:
        >>> "".join(expand("0-4x-z-"))
        '01234xyz-'
    """
    found: list[str] = []
    at = 0
    while at < len(pattern):
        first, last = pattern[at], pattern[at + 2 : at + 3]
        if pattern[at + 1 : at + 2] == "-" and _kind(first) == _kind(last) != "":
            found += [chr(code) for code in range(ord(first), ord(last) + 1)]
            at += 3
        else:
            found.append(first)
            at += 1
    return tuple(found)


def _kind(character: str) -> str:
    for kind, low, high in (("digit", "0", "9"), ("lower", "a", "z"), ("upper", "A", "Z")):
        if character and low <= character <= high:
            return kind
    return ""


class Alphabet:
    """The symbols of a recogniser: between text, class numbers and frames.

    Args:
        symbols: a pattern such as ``0-9a-z``, or a list of symbols of any length (notes, say).
        separator: stands between symbols in a text; needed if they are longer than one character.

    Raises:
        ValueError: a symbol is empty or comes twice, or long symbols have no separator.

    Example:
        >>> letters = Alphabet("a-z")
        >>> letters.encode("cab")
        [3, 1, 2]
        >>> letters.collapse([0, 8, 8, 0, 5, 12, 0, 12, 15, 0])
        'hello'

    Source: arXiv 1507.05717, section 2.3.
    """

    def __init__(self, symbols: str | Sequence[str], separator: str = "") -> None:
        self.symbols = expand(symbols) if isinstance(symbols, str) else tuple(symbols)
        self.separator = separator
        twice = sorted({symbol for symbol in self.symbols if self.symbols.count(symbol) > 1})
        if twice:
            raise ValueError(f"the alphabet has {twice} more than once; each symbol needs one class")
        if not self.symbols or "" in self.symbols:
            raise ValueError(f"an alphabet needs symbols that are not empty, got {self.symbols!r:.80}")
        if not separator and any(len(symbol) > 1 for symbol in self.symbols):
            raise ValueError("symbols longer than one character need a separator, such as separator=' '")
        self._classes = {symbol: index + 1 for index, symbol in enumerate(self.symbols)}

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._classes

    def __repr__(self) -> str:
        return f"Alphabet({self.separator.join(self.symbols)!r})"

    @property
    def classes(self) -> int:
        """Symbols and the blank."""
        return len(self.symbols) + 1

    def split(self, text: str) -> list[str]:
        """The symbols that a text is made of."""
        if not self.separator:
            return list(text)
        return text.split(self.separator) if text else []

    def encode(self, text: str) -> list[int]:
        """The classes of a text.

        Raises:
            ValueError: a symbol is not in the alphabet.
        """
        try:
            return [self._classes[symbol] for symbol in self.split(text)]
        except KeyError as error:
            raise ValueError(
                f"{text!r} has {error.args[0]!r}, which is not in the alphabet {self!r}; "
                "leave it out, fold the case, or use a larger alphabet"
            ) from None

    def decode(self, classes: Iterable[int]) -> str:
        """The text of classes that are no frames: nothing is collapsed, blanks are left out."""
        return self.separator.join(self.symbols[index - 1] for index in classes if index != BLANK)

    def collapse(self, path: Iterable[int]) -> str:
        """B of a path: repeats become one, then blanks go."""
        return self.decode(index for index, _ in groupby(path))

    def raw(self, path: Iterable[int], blank: str = "-") -> str:
        """A path as the paper writes it, such as ``--hh-e-l-ll-oo--``."""
        return self.separator.join(blank if index == BLANK else self.symbols[index - 1] for index in path)

    def targets(self, texts: Sequence[str]) -> tuple[Int64[Tensor, " symbols"], Int64[Tensor, " batch"]]:
        """The classes of several texts behind one another, and how many each has, for `ctc_loss`."""
        encoded = []
        for row, text in enumerate(texts):
            try:
                encoded.append(self.encode(text))
            except ValueError as error:
                raise ValueError(f"label {row}: {error}") from None
        flat = [index for text in encoded for index in text]
        return torch.tensor(flat, dtype=torch.long), torch.tensor([len(t) for t in encoded], dtype=torch.long)
