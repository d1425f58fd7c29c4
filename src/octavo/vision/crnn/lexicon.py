"""Words that a recogniser may choose from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from octavo.vision.crnn.alphabet import Alphabet
from octavo.vision.crnn.bk_tree import BKTree, distances
from octavo.vision.crnn.ctc import Hypothesis, check_frames, ctc_greedy, ctc_loss, frames_needed
from octavo.vision.crnn.trie import LetterTrie


class Lexicon:
    """A set of words, searched by edit distance or by probability.

    ``decode(mode="nearest")`` is the paper's way: among the words within delta of the lexicon-free text, the
    most probable. ``mode="exact"`` is the most probable of all words, found in a tree of prefixes without
    scoring most of them.

    Args:
        words: as the recogniser writes them; repeated ones count once.
        skip: pass over words that a recogniser's alphabet cannot write, which are an error otherwise.

    Raises:
        ValueError: there is no word, or one is empty.

    Example:
        >>> lexicon = Lexicon(["reads", "roads", "real"])
        >>> sorted(lexicon.nearest("reals", 1))
        ['reads', 'real']
        >>> frames = torch.full((9, 27), 1e-3)
        >>> for frame, letter in enumerate(" r e a l"):
        ...     frames[frame, ord(letter) - 96 if letter != " " else 0] = 1.0
        >>> lexicon.decode(frames.log_softmax(-1), Alphabet("a-z"), mode="exact")[0].text
        'real'

    Source: arXiv 1507.05717, section 2.3.3.
    """

    def __init__(self, words: Iterable[str], *, skip: bool = False) -> None:
        if isinstance(words, str):
            raise ValueError(f"got the text {words!r:.40} and no words; give a list")
        self.words = tuple(dict.fromkeys(words))
        if not self.words:
            raise ValueError("a lexicon needs at least one word, got none")
        if "" in self.words:
            raise ValueError(f"word {self.words.index('')} of the lexicon is empty; leave it out")
        self.skip = skip
        self._known = frozenset(self.words)
        self._tree: BKTree | None = None
        self._written: dict[tuple[str, ...], Lexicon] = {}
        self._tries: dict[tuple[str, ...], LetterTrie] = {}

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._known

    def __repr__(self) -> str:
        return f"Lexicon({len(self)} words)"

    @property
    def tree(self) -> BKTree:
        """The words' BK-tree, grown at the first use."""
        if self._tree is None:
            self._tree = BKTree(self.words)
        return self._tree

    def written_in(self, alphabet: Alphabet) -> "Lexicon":
        """The lexicon without the words that have symbols which the alphabet lacks.

        Args:
            alphabet: of a recogniser.
        """
        kept = [word for word in self.words if all(s in alphabet for s in alphabet.split(word))]
        return self if len(kept) == len(self) else Lexicon(kept)

    def nearest(self, text: str, delta: int, method: Literal["tree", "scan"] = "scan") -> list[str]:
        """All words whose edit distance from a text is at most delta.

        Args:
            text: any text.
            delta: the distance.
            method: look them up in the BK-tree, or compare all words; the answer is the same. Where comparing
                is quick, as here, the tree does not pay at a distance of three.
        """
        if method == "tree":
            return self.tree.within(text, delta)
        if delta < 0:
            raise ValueError(f"delta={delta} must not be negative; 0 asks for the word itself")
        apart = distances(text, self.words, cutoff=delta)
        return [self.words[index] for index in np.flatnonzero(apart <= delta)]

    def decode(
        self,
        log_probs: Float[Tensor, "time classes"],
        alphabet: Alphabet,
        mode: Literal["nearest", "exact"] = "nearest",
        delta: int = 3,
        top_k: int = 1,
    ) -> list[Hypothesis]:
        """The most probable words of one picture, best first.

        In mode `nearest` the answer is the lexicon-free text itself if no word is within delta.

        Args:
            log_probs: of the picture's frames.
            alphabet: of the classes.
            mode: search near the lexicon-free text, or everywhere.
            delta: edit distance of mode `nearest`.
            top_k: how many words.

        Raises:
            ValueError: a word has symbols that the alphabet lacks, and `skip` is not set; the frames do not
                fit the alphabet; or a number is out of range.
        """
        if mode not in ("nearest", "exact") or top_k < 1:
            raise ValueError(f"mode={mode!r} is 'nearest' or 'exact', top_k={top_k} at least 1")
        check_frames(log_probs, alphabet)
        own = self._for(alphabet)
        if mode == "exact":
            best = own._trie(alphabet).best(log_probs.double().numpy(force=True), top_k)
            return [Hypothesis(own.words[word], log_prob) for word, log_prob in best]
        text = ctc_greedy(log_probs[None], torch.tensor([len(log_probs)]), alphabet)[0]
        found = most_probable(log_probs, own.nearest(text, delta) or [text], alphabet, top_k)
        # Words for which the picture has too few frames are no answer.
        possible = [each for each in found if each.log_prob > -torch.inf]
        return possible or most_probable(log_probs, [text], alphabet)

    def _for(self, alphabet: Alphabet) -> "Lexicon":
        """The words that an alphabet can write, looked through once."""
        if alphabet.symbols not in self._written:
            for place, word in enumerate(() if self.skip else self.words):
                if any(symbol not in alphabet for symbol in alphabet.split(word)):
                    raise ValueError(
                        f"word {place} of the lexicon, {word!r}, has symbols that are not in {alphabet!r}; "
                        "Lexicon(words, skip=True) passes over such words"
                    )
            self._written[alphabet.symbols] = self.written_in(alphabet) if self.skip else self
        return self._written[alphabet.symbols]

    def _trie(self, alphabet: Alphabet) -> LetterTrie:
        if alphabet.symbols not in self._tries:
            self._tries[alphabet.symbols] = LetterTrie([alphabet.encode(word) for word in self.words])
        return self._tries[alphabet.symbols]

    def save(self, path: Path | str) -> None:
        """Writes the words, one a line.

        Args:
            path: of the file.

        Raises:
            ValueError: a word has a line break in it.
        """
        for place, word in enumerate(self.words):
            if "\n" in word or "\r" in word:
                raise ValueError(f"word {place} of the lexicon, {word!r}, has a line break; leave it out")
        Path(path).write_text("".join(f"{word}\n" for word in self.words), encoding="utf-8")

    @classmethod
    def load(cls, path: Path | str, *, skip: bool = False) -> "Lexicon":
        """Reads words, one a line; empty lines are passed over.

        Args:
            path: of the file.
            skip: pass over words that a recogniser's alphabet cannot write.
        """
        lines = Path(path).read_text(encoding="utf-8").split("\n")
        return cls((line for line in lines if line), skip=skip)


FEW = 64
"""Up to so many words are quicker to score one by one than to put into a tree."""


def most_probable(
    log_probs: Float[Tensor, "time classes"], words: list[str], alphabet: Alphabet, top_k: int = 1
) -> list[Hypothesis]:
    """The most probable of some words, best first.

    Args:
        log_probs: of the picture's frames.
        words: the words, all different.
        alphabet: of the classes.
        top_k: how many.
    """
    if len(words) <= FEW:
        scores = score_words(log_probs, words, alphabet)
        order = scores.argsort(descending=True, stable=True)[:top_k].tolist()
        return [Hypothesis(words[index], float(scores[index])) for index in order]
    trie = LetterTrie([alphabet.encode(word) for word in words])
    found = trie.best(log_probs.double().numpy(force=True), top_k)
    return [Hypothesis(words[word], log_prob) for word, log_prob in found]


def score_words(
    log_probs: Float[Tensor, "time classes"], words: list[str], alphabet: Alphabet
) -> Float[Tensor, " words"]:
    """log p(word | picture) of each word; -inf where the picture has too few frames for it.

    Args:
        log_probs: of the picture's frames.
        words: the words.
        alphabet: of the classes.
    """
    targets, lengths = alphabet.targets(words)
    fits = torch.tensor([needed <= len(log_probs) for needed in frames_needed(targets, lengths)])
    scores = torch.full((len(words),), -torch.inf, dtype=log_probs.dtype)
    if fits.any():
        kept = [word for word, fit in zip(words, fits.tolist(), strict=True) if fit]
        targets, lengths = alphabet.targets(kept)
        frames = torch.full((len(kept),), len(log_probs))
        scores[fits] = -ctc_loss(log_probs.expand(len(kept), -1, -1), frames, targets, lengths).to(scores)
    return scores
