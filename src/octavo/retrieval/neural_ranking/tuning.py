"""BM25 tuned without the query that it is tested on: the baseline that neural rankers are to beat."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from jaxtyping import Float
from torch import Tensor

from octavo.retrieval.neural_ranking.heuristics import Counts
from octavo.retrieval.neural_ranking.metrics import Judgements
from octavo.retrieval.neural_ranking.ranking_set import ideal_dcg

GRID = tuple(product((0.8, 1.2, 1.8, 2.5), (0.35, 0.55, 0.75, 0.9)))
"""k1 and b that are tried."""


def ndcg_of_settings(
    texts: Mapping[str, str],
    queries: Mapping[str, str],
    qrels: Judgements,
    grid: Sequence[tuple[float, float]] = GRID,
) -> Float[np.ndarray, "settings queries"]:
    """nDCG@10 of BM25 with every setting, query by query, from one pass over the postings.

    Args:
        texts: the documents.
        queries: by name.
        qrels: gains by query and document name.
        grid: pairs of k1 and b.
    """
    names, counts = list(texts), Counts(list(texts.values()))
    k1, b = (np.array(column, dtype=np.float32)[:, None] for column in zip(*grid, strict=True))
    lengths = counts.lengths / counts.lengths.mean()
    found = np.zeros((len(grid), len(queries)))
    discount = 1 / np.log2(np.arange(2, 12))
    for column, (name, query) in enumerate(queries.items()):
        words = counts.words(query)
        scores = np.zeros((len(grid), len(names)), dtype=np.float32)
        for word, idf in zip(words, counts.idf(words) if words else (), strict=True):
            start, end = counts.matrix.indptr[word : word + 2]
            docs, tf = counts.matrix.indices[start:end], counts.matrix.data[start:end]
            scores[:, docs] += idf * tf / (tf + k1 * (1 - b + b * lengths[docs]))
        judged = qrels.get(name, {})
        gains = np.array([2.0 ** max(0, judged.get(each, 0)) - 1 for each in names])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        best = ideal_dcg(list(judged.values()))
        found[:, column] = (gains[order] * discount[: order.shape[1]]).sum(1) / max(best, 1e-9)
    return found


def settings_of_folds(
    ndcg: Float[np.ndarray, "settings queries"],
    fold_of: Tensor,
    grid: Sequence[tuple[float, float]] = GRID,
) -> list[tuple[float, float]]:
    """For each fold the setting that is best on the queries of the others.

    Args:
        ndcg: as `ndcg_of_settings` gives it.
        fold_of: the fold of each query.
        grid: the settings.
    """
    folds = int(fold_of.max()) + 1 if len(fold_of) else 0
    others = [(fold_of != fold).numpy() for fold in range(folds)]
    return [grid[int(ndcg[:, kept].mean(1).argmax())] if kept.any() else (1.2, 0.75) for kept in others]
