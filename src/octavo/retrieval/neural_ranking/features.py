"""LambdaMART over hand-crafted features: what learning from raw text is measured against."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from octavo.errors import Missing
from octavo.retrieval.neural_ranking.heuristics import Counts
from octavo.retrieval.neural_ranking.text import tokenise

FEATURES = (
    "tf",
    "normalised tf",
    "idf",
    "tf-idf",
    "bm25",
    "bm25 of the title",
    "query likelihood",
    "query likelihood, Jelinek-Mercer",
    "document length",
    "query length",
    "coverage",
    "coverage of the title",
    "largest idf matched",
    "pairs in order",
)


class HandCrafted:
    """Fourteen numbers of a query and a document, in the manner of LETOR.

    Args:
        titles: of the documents; empty texts where there is none.
        texts: of the documents, with their titles.

    Example:
        >>> HandCrafted(["", ""], ["a slender wing", "heat in a slab"]).of("heat", np.array([0, 1])).shape
        (2, 14)
    """

    def __init__(self, titles: Sequence[str], texts: Sequence[str]) -> None:
        self.body, self.title = Counts(texts), Counts(titles)
        self.rows = self.body.matrix.tocsr()
        self.title_rows = self.title.matrix.tocsr()
        self.bigrams = [set(pairwise(words)) for words in map(tokenise, texts)]

    def of(self, query: str, docs: Int[np.ndarray, " docs"]) -> Float[np.ndarray, "docs features"]:
        """The features of some documents for a query.

        Args:
            query: what is asked.
            docs: places of documents.
        """
        words, titled = self.body.words(query), self.title.words(query)
        tf = self.rows[docs][:, words].toarray() if words else np.zeros((len(docs), 1))
        in_title = self.title_rows[docs][:, titled].toarray() if titled else np.zeros((len(docs), 1))
        idf = self.body.idf(words) if words else np.zeros(1)
        title_idf = self.title.idf(titled) if titled else np.zeros(1)
        lengths = self.body.lengths[docs]
        share = self.body.collection_frequency / max(1.0, self.body.collection_frequency.sum())
        background = share[words] if words else np.ones(1)
        asked = tokenise(query)
        pairs = set(pairwise(asked))
        found = (
            tf.sum(1),
            (tf / np.maximum(1, lengths)[:, None]).sum(1),
            (idf * (tf > 0)).sum(1),
            (np.log1p(tf) * idf).sum(1),
            _bm25(tf, idf, lengths, float(self.body.lengths.mean())),
            _bm25(in_title, title_idf, self.title.lengths[docs], max(1.0, float(self.title.lengths.mean()))),
            (np.log1p(tf / (1000 * background)) + np.log(1000 / (lengths + 1000))[:, None]).sum(1),
            np.log(0.5 * tf / np.maximum(1, lengths)[:, None] + 0.5 * background).sum(1),
            lengths,
            np.full(len(docs), len(asked)),
            (tf > 0).mean(1),
            (in_title > 0).mean(1),
            (idf * (tf > 0)).max(1),
            np.array([len(pairs & self.bigrams[doc]) for doc in docs]),
        )
        return np.stack([np.asarray(each, dtype=np.float64) for each in found], axis=1)


def _bm25(tf: np.ndarray, idf: np.ndarray, lengths: np.ndarray, mean: float) -> np.ndarray:
    held = 1.2 * (0.25 + 0.75 * lengths / mean)[:, None]
    return np.asarray((idf * tf / (tf + held)).sum(1))


class LambdaMARTFeatures:
    """Boosted trees over hand-crafted features, trained with LambdaRank by LightGBM.

    Args:
        rounds: trees at most; fewer where a held-out set says so.
        leaves: of a tree.
        learning_rate: of boosting.
        seed: of LightGBM.

    Raises:
        Missing: LightGBM is not installed, when it is fitted.

    Example:
        >>> LambdaMARTFeatures(rounds=5).rounds
        5

    Source: Burges 2010; the baseline of claim R1.
    """

    def __init__(
        self, rounds: int = 200, leaves: int = 15, learning_rate: float = 0.05, seed: int = 0
    ) -> None:
        self.rounds, self.leaves, self.learning_rate, self.seed = rounds, leaves, learning_rate, seed
        self._trees: Any = None

    def fit(
        self,
        features: Sequence[Float[np.ndarray, "docs features"]],
        gains: Sequence[Shaped[np.ndarray, " docs"]],
        held_out: tuple[Sequence[np.ndarray], Sequence[np.ndarray]] | None = None,
    ) -> "LambdaMARTFeatures":
        """Train on lists of documents.

        Args:
            features: of each list's documents.
            gains: of the same documents, whole numbers.
            held_out: features and gains that tell when to stop.
        """
        try:
            import lightgbm
        except ImportError as error:
            raise Missing("lightgbm", "Install it: `pip install 'octavo[retrieval]'`.") from error

        def dataset(lists: Sequence[np.ndarray], labels: Sequence[np.ndarray], **more: Any) -> Any:
            groups = [len(each) for each in lists]
            return lightgbm.Dataset(
                np.concatenate(lists), np.concatenate(labels).astype(int), group=groups, **more
            )

        settings: dict[str, Any] = {
            "objective": "lambdarank",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "metric": "ndcg",
            "eval_at": [10],
            "seed": self.seed,
            "deterministic": True,
            "num_threads": 1,
            "verbose": -1,
        }
        train = dataset(features, gains)
        valid = [] if held_out is None else [dataset(*held_out, reference=train)]
        stop: list[Any] = [lightgbm.early_stopping(30, verbose=False)] if valid else []
        self._trees = lightgbm.train(settings, train, self.rounds, valid_sets=valid, callbacks=stop)
        return self

    def scores(self, features: Float[np.ndarray, "docs features"]) -> Float[np.ndarray, " docs"]:
        """The score of each document.

        Args:
            features: of documents.

        Raises:
            ValueError: it was not fitted.
        """
        if self._trees is None:
            raise ValueError("LambdaMARTFeatures has no trees yet: call fit first")
        return np.asarray(self._trees.predict(features))
