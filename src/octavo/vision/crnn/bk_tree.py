"""A Burkhard-Keller tree: words near a word, without a look at most of the others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from octavo.errors import Missing


def distances(query: str, words: Sequence[str], cutoff: int | None = None) -> UInt8[np.ndarray, " words"]:
    """Edit distances from a word to others; those above the cutoff are given as one more than it.

    Args:
        query: the word.
        words: the others.
        cutoff: distances that are of no interest need not be finished.

    Raises:
        Missing: rapidfuzz is not installed.

    Example:
        >>> distances("reads", ["reads", "read", "roads", "written"], cutoff=2).tolist()
        [0, 1, 1, 3]
    """
    cdist, distance = _rapidfuzz()
    return cdist([query], words, scorer=distance, score_cutoff=cutoff, dtype=np.uint8)[0]


def symbol_distances(
    first: Sequence[Sequence[str]], second: Sequence[Sequence[str]]
) -> Int64[np.ndarray, " pairs"]:
    """Edit distances of pairs of texts, each a string or a list of symbols.

    Args:
        first, second: texts, pair by pair.

    Raises:
        Missing: rapidfuzz is not installed.

    Example:
        >>> symbol_distances(["abc", ["C4", "D4"]], ["ac", ["C4", "E4"]]).tolist()
        [1, 1]
    """
    _, distance = _rapidfuzz()
    return np.array([distance(a, b) for a, b in zip(first, second, strict=True)], np.int64)


def _rapidfuzz() -> tuple[Any, Any]:
    try:
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import cdist
    except ImportError as error:
        raise Missing("rapidfuzz", "Install it: `pip install 'octavo[vision]'`.") from error
    return cdist, Levenshtein.distance


class BKTree:
    """Words by their edit distances from one another.

    The children of a word are subtrees, one for each distance from it. Words within delta of a query lie, by
    the triangle inequality, in subtrees whose distance is within delta of the query's own.

    Args:
        words: each once, lower- and upper-case letters apart.

    Raises:
        ValueError: no word, or one twice.

    Example:
        >>> tree = BKTree(["book", "books", "cake", "boo", "cape", "boon", "cook"])
        >>> sorted(tree.within("bo", 2))
        ['boo', 'book', 'boon']
        >>> tree.visited < 7
        True

    Source: arXiv 1507.05717, section 2.3.3 (Burkhard and Keller, 1973).
    """

    def __init__(self, words: Sequence[str]) -> None:
        if not words or len(set(words)) != len(words):
            raise ValueError(f"a tree needs words that differ, got {len(words)}, {len(set(words))} different")
        self.words = tuple(words)
        self.visited = 0
        """Words whose distance the last search looked at."""
        # A node is the place of its word. Its children lie behind one another, sorted by their distance.
        self._first = np.zeros(len(words), np.int64)
        self._last = np.zeros(len(words), np.int64)
        children: list[int] = []
        edges: list[int] = []
        waiting: list[tuple[int, Int64[np.ndarray, " below"]]] = [(0, np.arange(1, len(words)))]
        while waiting:
            node, below = waiting.pop()
            self._first[node] = len(children)
            if len(below):
                apart = distances(words[node], [words[index] for index in below])
                order = np.argsort(apart, kind="stable")
                edge, starts = np.unique(apart[order], return_index=True)
                groups = np.split(below[order], starts[1:])
                children += [int(group[0]) for group in groups]
                edges += edge.tolist()
                waiting += [(int(group[0]), group[1:]) for group in groups]
            self._last[node] = len(children)
        self._children, self._edges = np.array(children, np.int64), np.array(edges, np.int64)

    def __len__(self) -> int:
        return len(self.words)

    def within(self, query: str, delta: int) -> list[str]:
        """All words whose edit distance from a query is at most delta.

        Args:
            query: any text.
            delta: the distance.

        Raises:
            ValueError: delta is negative.
        """
        if delta < 0:
            raise ValueError(f"delta={delta} must not be negative; 0 asks for the word itself")
        found: list[str] = []
        self.visited = 0
        frontier = np.zeros(1, np.int64)
        while len(frontier):
            self.visited += len(frontier)
            apart = distances(query, [self.words[node] for node in frontier]).astype(np.int64)
            found += [self.words[node] for node in frontier[apart <= delta]]
            counts = self._last[frontier] - self._first[frontier]
            places = np.repeat(self._first[frontier], counts) + _counted(counts)
            reach = np.abs(self._edges[places] - np.repeat(apart, counts)) <= delta
            frontier = self._children[places[reach]]
        return found


def _counted(counts: Int64[np.ndarray, " nodes"]) -> Int64[np.ndarray, " children"]:
    """0, 1, ... for each of the counts in turn."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
