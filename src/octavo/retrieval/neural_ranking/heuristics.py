"""The two heuristics that every neural ranker is measured against: BM25 and query likelihood."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from octavo.errors import Missing
from octavo.retrieval.neural_ranking.text import as_texts, tokenise


class FirstStage(ABC):
    """Scores all documents of a collection for a query.

    Args:
        docs: texts, or a mapping from their names.

    Raises:
        ValueError: there is no document.
    """

    def __init__(self, docs: Mapping[str, str] | Iterable[str]) -> None:
        self.names, self.texts = as_texts(docs)
        if not self.texts:
            raise ValueError("a search needs at least one document")

    def __len__(self) -> int:
        return len(self.texts)

    @abstractmethod
    def scores(self, query: str) -> Float[np.ndarray, " docs"]:
        """The score of every document."""

    def search(self, query: str, k: int = 10) -> list[tuple[int, float]]:
        """The k best documents by their place, with their scores; equal ones in their own order.

        Args:
            query: what is asked.
            k: how many.

        Raises:
            ValueError: there are not so many documents.
        """
        places, scores = self.top([query], k)
        return list(zip(places[0].tolist(), scores[0].tolist(), strict=True))

    def top(
        self, queries: Sequence[str], depth: int
    ) -> tuple[Int[np.ndarray, "queries depth"], Float[np.ndarray, "queries depth"]]:
        """The best documents of each query and their scores.

        Args:
            queries: what is asked.
            depth: documents a query.

        Raises:
            ValueError: there are not so many documents.
        """
        if not 0 < depth <= len(self):
            raise ValueError(f"the {depth} best of {len(self)} documents cannot be listed")
        places = np.empty((len(queries), depth), dtype=np.int64)
        found = np.empty((len(queries), depth), dtype=np.float32)
        for row, query in enumerate(queries):
            scores = self.scores(query)
            places[row] = best(scores, depth)
            found[row] = scores[places[row]]
        return places, found


def best(scores: Float[np.ndarray, " docs"], depth: int) -> Int[np.ndarray, " depth"]:
    """The places of the largest scores, equal ones in their own order.

    Example:
        >>> best(np.array([1.0, 3.0, 1.0, 2.0]), 3)
        array([1, 3, 0])
    """
    if depth < len(scores):
        # Only what reaches the smallest score that can be listed has to be sorted.
        least = np.partition(scores, len(scores) - depth)[len(scores) - depth]
        candidates = np.flatnonzero(scores >= least)
    else:
        candidates = np.arange(len(scores))
    return np.asarray(candidates[np.argsort(-scores[candidates], kind="stable")[:depth]])


class BM25(FirstStage):
    """Okapi BM25 with the inverse document frequency log(1 + (N - n + 0.5) / (n + 0.5)), by bm25s.

    Args:
        docs: texts, or a mapping from their names.
        k1: how soon more of a word counts no more.
        b: how much long documents are held back.

    Raises:
        ValueError: there is no document, or none has a word.
        Missing: bm25s is not installed.

    Example:
        >>> BM25(["a slender wing", "heat in a slab"]).search("heat of a slab", k=1)[0][0]
        1
    """

    def __init__(self, docs: Mapping[str, str] | Iterable[str], k1: float = 1.2, b: float = 0.75) -> None:
        super().__init__(docs)
        self.k1, self.b = k1, b
        self._index = _bm25s([tokenise(text) for text in self.texts], k1, b)

    def scores(self, query: str) -> Float[np.ndarray, " docs"]:
        """The score of every document; a word that is asked twice counts twice."""
        known = [word for word in tokenise(query) if word in self._index.vocab_dict]
        if not known:
            return np.zeros(len(self), dtype=np.float32)
        return np.asarray(self._index.get_scores(known), dtype=np.float32)


def _bm25s(tokens: list[list[str]], k1: float, b: float) -> Any:
    try:
        import bm25s
    except ImportError as error:
        raise Missing("bm25s", "Install it: `pip install 'octavo[retrieval]'`.") from error
    if not any(tokens):
        raise ValueError("no document has a word that is no stop word")
    index = bm25s.BM25(method="lucene", k1=k1, b=b)
    index.index(tokens, show_progress=False)
    return index


class Counts:
    """How often each word is in each document: what heuristics and hand-crafted features are made of.

    Args:
        texts: the documents.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.ids: dict[str, int] = {}
        rows, columns = [], []
        for row, text in enumerate(texts):
            for word in tokenise(text):
                rows.append(row)
                columns.append(self.ids.setdefault(word, len(self.ids)))
        ones = np.ones(len(rows), dtype=np.float32)
        shape = (len(texts), max(1, len(self.ids)))
        self.matrix = sparse.csc_matrix((ones, (rows, columns)), shape=shape)
        self.lengths = np.asarray(self.matrix.sum(1)).ravel()
        self.document_frequency = np.diff(self.matrix.indptr)
        self.collection_frequency = np.asarray(self.matrix.sum(0)).ravel()

    def words(self, query: str) -> list[int]:
        """The known words of a query."""
        return [self.ids[word] for word in tokenise(query) if word in self.ids]

    def idf(self, words: Sequence[int]) -> Float[np.ndarray, " words"]:
        """log(1 + (N - n + 0.5) / (n + 0.5)) of words."""
        n = self.document_frequency[list(words)]
        return np.asarray(np.log1p((len(self.lengths) - n + 0.5) / (n + 0.5)))


class QueryLikelihood(FirstStage):
    """The likelihood of the query under each document's language model, smoothed with a Dirichlet prior.

    Args:
        docs: texts, or a mapping from their names.
        mu: words of the collection that every document is thought to hold besides.

    Raises:
        ValueError: there is no document, or `mu` is not positive.

    Example:
        >>> QueryLikelihood(["a slender wing", "heat in a slab"]).search("heat", k=1)[0][0]
        1
    """

    def __init__(self, docs: Mapping[str, str] | Iterable[str], mu: float = 1000.0) -> None:
        super().__init__(docs)
        if mu <= 0:
            raise ValueError(f"mu={mu} must be positive: without smoothing an absent word has no likelihood")
        self.mu, self.counts = mu, Counts(self.texts)

    def scores(self, query: str) -> Float[np.ndarray, " docs"]:
        """Log likelihoods, up to what is the same for all documents."""
        counts = self.counts
        words = counts.words(query)
        share = counts.collection_frequency / max(1.0, counts.collection_frequency.sum())
        total = np.zeros(len(self))
        for word in words:
            start, end = counts.matrix.indptr[word : word + 2]
            seen = counts.matrix.data[start:end]
            total[counts.matrix.indices[start:end]] += np.log1p(seen / (self.mu * share[word]))
        total += len(words) * np.log(self.mu / (counts.lengths + self.mu))
        return total.astype(np.float32)
