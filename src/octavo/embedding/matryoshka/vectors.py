"""Vectors of texts without a model, and samples in which some classes are rare."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int

WIDTH = 384


def letter_groups(texts: Sequence[str]) -> Float32[np.ndarray, "texts 384"]:
    """Unit vectors of hashed letter groups: what stands in for a sentence encoder where seconds count.

    Example:
        >>> letter_groups(["a query", "a query"]).shape
        (2, 384)
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=WIDTH).transform(texts)
    return np.asarray(hashed.toarray(), dtype=np.float32)


def long_tail(
    labels: Int[np.ndarray, " n"],
    most: int,
    share: float,
    *,
    seed: int,
    order: Int[np.ndarray, " classes"] | None = None,
) -> Int[np.ndarray, " kept"]:
    """Rows of a sample whose classes become rarer along a geometric series.

    Args:
        labels: a class a row.
        most: rows of the most frequent class.
        share: rows of the rarest class, as a share of `most`; 1 keeps all classes alike.
        seed: of the rows that are kept.
        order: the classes from frequent to rare.

    Example:
        >>> long_tail(np.repeat([0, 1, 2], 8), 8, 0.25, seed=0).size  # 8, 4 and 2 rows
        14
    """
    random = np.random.default_rng(seed)
    classes = np.unique(labels) if order is None else order
    kept = []
    for rank, name in enumerate(classes):
        wanted = round(most * share ** (rank / max(1, len(classes) - 1)))
        rows = np.flatnonzero(labels == name)
        kept.append(random.permutation(rows)[: max(1, wanted)])
    return np.sort(np.concatenate(kept))
