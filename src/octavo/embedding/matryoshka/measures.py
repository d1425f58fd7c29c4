"""What is measured of embeddings, as plain functions."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from octavo.embedding.matryoshka.dims import truncate
from octavo.embedding.matryoshka.retrieval import AdaptiveRetriever


def nearest_hits(
    vectors: Float[Tensor, "n d"],
    labels: Int[np.ndarray, " n"],
    queries: Float[Tensor, "q d"],
    wanted: Int[np.ndarray, " q"],
    dim: int,
) -> Bool[np.ndarray, " q"]:
    """Whether the nearest vector, at one size, is of the query's class."""
    found = AdaptiveRetriever(vectors, [dim]).search(queries, k=1, low=dim, high=dim)
    return np.asarray(labels[found.ids[:, 0]] == wanted)


def mean_hits(
    vectors: Float[Tensor, "n d"],
    labels: Int[np.ndarray, " n"],
    queries: Float[Tensor, "q d"],
    wanted: Int[np.ndarray, " q"],
    dim: int,
) -> Bool[np.ndarray, " q"]:
    """Whether the nearest mean of a class, at one size, is that of the query's class."""
    cut = truncate(vectors, dim)
    classes = torch.from_numpy(labels)
    sums = torch.zeros(int(labels.max()) + 1, dim).index_add_(0, classes, cut)
    means = truncate(sums, dim)
    # A class without examples has no mean to be near to.
    scores = truncate(queries, dim) @ means.mT
    scores[:, sums.square().sum(1) == 0] = -torch.inf
    return np.asarray(scores.argmax(1).numpy() == wanted)


def largest_drop(accuracies: Mapping[int, float], sizes: Sequence[int]) -> float:
    """The most that accuracy falls from one size to the next; negative where it rises everywhere.

    Example:
        >>> round(largest_drop({4: 0.5, 8: 0.8, 16: 0.79}, [4, 8, 16]), 6)
        0.01
    """
    return max(accuracies[low] - accuracies[high] for low, high in pairwise(sizes))


def outside(accuracies: Mapping[int, float], sizes: Sequence[int], between: Sequence[int]) -> float:
    """The most by which a size between leaves the range of its neighbours; negative where none does.

    Example:
        >>> round(outside({4: 0.5, 6: 0.7, 8: 0.8}, [4, 8], [6]), 6)
        -0.1
    """
    worst = -math.inf
    for size in between:
        low = accuracies[max(each for each in sizes if each < size)]
        high = accuracies[min(each for each in sizes if each > size)]
        value = accuracies[size]
        worst = max(worst, min(low, high) - value, value - max(low, high))
    return worst


def size_of_equal_accuracy(accuracies: Mapping[int, float], wanted: float) -> float:
    """The size at which a curve reaches an accuracy, between its points along the logarithm of the size.

    What the first size passes takes the first size; what no size reaches takes the largest.

    Example:
        >>> size_of_equal_accuracy({4: 0.5, 16: 0.7}, 0.6)
        8.0
    """
    sizes = sorted(accuracies)
    if accuracies[sizes[0]] >= wanted:
        return float(sizes[0])
    for low, high in pairwise(sizes):
        if accuracies[high] >= wanted:
            share = (wanted - accuracies[low]) / (accuracies[high] - accuracies[low])
            return float(2 ** (math.log2(low) + share * math.log2(high / low)))
    return float(sizes[-1])


def auroc(inside: Float[np.ndarray, " n"], outside: Float[np.ndarray, " m"]) -> float:
    """How often a value inside is above one outside; ties count half.

    Example:
        >>> auroc(np.array([0.9, 0.8]), np.array([0.1, 0.85]))
        0.75
    """
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([inside, outside]))[: len(inside)]
    above = ranks.sum() - len(inside) * (len(inside) + 1) / 2
    return float(above / (len(inside) * len(outside)))


def spearman(
    first: Float[Tensor, "n d"], second: Float[Tensor, "n d"], scores: Float[np.ndarray, " n"], dim: int
) -> float:
    """Rank correlation of the cosines of prefixes with what people think."""
    from scipy.stats import spearmanr

    cosines = (truncate(first, dim) * truncate(second, dim)).sum(1)
    return float(spearmanr(cosines.numpy(), scores).statistic)


def principal_axes(vectors: Float[Tensor, "n d"]) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
    """The mean, and the axes of the centred vectors in falling order of variance."""
    mean = vectors.mean(0)
    centred = (vectors - mean).double()
    # The smallest variance comes first.
    _, axes = torch.linalg.eigh(centred.mT @ centred)
    return mean, axes.flip(1).to(vectors.dtype)
