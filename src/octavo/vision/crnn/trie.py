"""The exact most probable word of a lexicon: CTC's forward sums carried along a tree of prefixes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64


class Level(NamedTuple):
    """The prefixes of one length.

    Args:
        parent: of each prefix, its place among the prefixes one shorter.
        symbol: its last symbol's class.
        repeats: whether the symbol before is the same.
        word: the word that it is, -1 if it is none.
    """

    parent: Int64[np.ndarray, " prefixes"]
    symbol: Int64[np.ndarray, " prefixes"]
    repeats: np.ndarray
    word: Int64[np.ndarray, " prefixes"]


class Sums(NamedTuple):
    """Of each prefix and number of frames: the probability that the frames are read as the prefix.

    Args:
        blank: and the last frame is a blank.
        symbol: and the last frame is its last symbol.
    """

    blank: Float[np.ndarray, "time prefixes"]
    symbol: Float[np.ndarray, "time prefixes"]


class LetterTrie:
    """Words as a tree of their prefixes, so that a prefix that words share is summed up once.

    Args:
        words: each as classes; all different.

    Example:
        >>> trie = LetterTrie([[1, 2], [1, 3], [2]])
        >>> [len(level.symbol) for level in trie.levels]
        [2, 2]
    """

    def __init__(self, words: Sequence[Sequence[int]]) -> None:
        self.empty = next((place for place, word in enumerate(words) if not word), -1)
        self.size = len(words)
        self.levels: list[Level] = []
        longest = max((len(word) for word in words), default=0)
        padded = np.zeros((len(words), longest), np.int64)
        for row, classes in zip(padded, words, strict=True):
            row[: len(classes)] = classes
        lengths = np.array([len(word) for word in words])
        rows = np.lexsort(padded.T[::-1]) if longest else np.zeros(0, np.int64)
        rows = rows[lengths[rows] > 0]
        node = np.zeros(len(words), np.int64)  # of each word, the place of its prefix one shorter
        for depth in range(longest):
            rows = rows[lengths[rows] > depth]
            key = np.stack([node[rows], padded[rows, depth]])
            fresh = np.ones(len(rows), bool)
            fresh[1:] = (key[:, 1:] != key[:, :-1]).any(0)
            places = np.cumsum(fresh) - 1
            parent, symbol = key[:, fresh]
            word = np.full(len(symbol), -1)
            ends = lengths[rows] == depth + 1
            word[places[ends]] = rows[ends]
            before = self.levels[-1].symbol[parent] if self.levels else np.zeros(len(parent), np.int64)
            self.levels.append(Level(parent, symbol, before == symbol, word))
            node[rows] = places
        self._children = [
            np.searchsorted(level.parent, np.arange(count + 1))
            for level, count in zip(
                self.levels, [1, *(len(level.symbol) for level in self.levels)], strict=False
            )
        ]
        self.visited = 0
        """Prefixes that the last search summed up."""

    def best(
        self, log_probs: Float[np.ndarray, "time classes"], top_k: int = 1, beam: int = 48
    ) -> list[tuple[int, float]]:
        """The most probable words with their log-probabilities, best first, exactly.

        The probability that a text begins with a prefix is no less than that of any word that does. A narrow
        search finds good words first; then every prefix less probable than the k-th of them is left out.

        Args:
            log_probs: of one picture.
            top_k: how many words.
            beam: prefixes of a length that the first search keeps.
        """
        best = log_probs.max(1).astype(np.float64)
        scale = float(best.sum())
        # Relative to the best path, so that sums stay far from the smallest number.
        frames = np.exp(log_probs.astype(np.float64) - best[:, None])
        # What all continuations together have after each frame.
        rest = np.append(np.cumprod(frames.sum(1)[:0:-1])[::-1], 1.0)
        self.visited = 0
        bound = 0.0
        if self.size > 4 * beam:
            good = self._search(frames, rest, 0.0, beam)
            bound = sorted(good.values())[-top_k] if len(good) >= top_k else 0.0
        found = self._search(frames, rest, bound, None)
        order = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:top_k]
        return [(word, scale + float(np.log(mass)) if mass > 0 else -np.inf) for word, mass in order]

    def score_all(self, log_probs: Float[np.ndarray, "time classes"]) -> Float[np.ndarray, " words"]:
        """The log-probability of every word, -inf where the picture has too few frames for it.

        Args:
            log_probs: of one picture.
        """
        best = log_probs.max(1).astype(np.float64)
        frames = np.exp(log_probs.astype(np.float64) - best[:, None])
        rest = np.append(np.cumprod(frames.sum(1)[:0:-1])[::-1], 1.0)
        self.visited = 0
        found = self._search(frames, rest, 0.0, None)
        mass = np.zeros(self.size)
        mass[list(found)] = list(found.values())
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(mass) + best.sum())

    def _search(
        self, frames: np.ndarray, rest: np.ndarray, bound: float, beam: int | None
    ) -> dict[int, float]:
        """The words whose probability is at least the bound, or those that a beam of prefixes reaches."""
        silence = np.cumprod(frames[:, 0])[:, None]
        sums = Sums(silence, np.zeros_like(silence))
        found = {self.empty: float(silence[-1, 0])} if self.empty >= 0 else {}
        kept = np.zeros(1, np.int64)
        for level, children in zip(self.levels, self._children, strict=True):
            first, last = children[kept], children[kept + 1]
            counts = last - first
            if not counts.sum():
                break
            ends = np.cumsum(counts)
            nodes = np.arange(ends[-1]) - np.repeat(ends - counts - first, counts)
            parents = np.repeat(np.arange(len(kept)), counts)
            symbols = frames[:, level.symbol[nodes]]
            arrivals = _arrivals(sums, parents, level.repeats[nodes]) * symbols
            if level is self.levels[0]:
                arrivals[0] = symbols[0]  # before the first frame only the empty text has been read
            begins = rest @ arrivals
            # The bound may be a hair above a sum that it equals.
            stay = begins >= bound * (1 - 1e-9)
            if beam is not None and stay.sum() > beam:
                stay &= begins >= np.partition(begins, -beam)[-beam]
            nodes = nodes[stay]
            self.visited += len(nodes)
            sums = _carried(arrivals[:, stay], symbols[:, stay], frames[:, 0])
            mass = sums.blank[-1] + sums.symbol[-1]
            words = level.word[nodes]
            for word, value in zip(words[words >= 0].tolist(), mass[words >= 0].tolist(), strict=True):
                found[word] = value
            kept = nodes
        return found


def _arrivals(sums: Sums, parents: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    """Probability that the parent of a prefix has just been read and its last symbol may come."""
    # The same symbol twice needs a blank in between.
    ready = sums.blank[:-1, parents] + np.where(repeats, 0.0, 1.0) * sums.symbol[:-1, parents]
    return np.concatenate([np.zeros((1, len(parents))), ready])


def _carried(arrivals: np.ndarray, symbols: np.ndarray, blanks: np.ndarray) -> Sums:
    """From arrivals to the probability of having been read, frame by frame."""
    blank, symbol = np.empty_like(arrivals), np.empty_like(arrivals)
    before_blank = np.zeros(arrivals.shape[1])
    before_symbol = np.zeros(arrivals.shape[1])
    for frame in range(len(arrivals)):
        before_blank = (before_blank + before_symbol) * blanks[frame]
        before_symbol = before_symbol * symbols[frame] + arrivals[frame]
        blank[frame], symbol[frame] = before_blank, before_symbol
    return Sums(blank, symbol)
