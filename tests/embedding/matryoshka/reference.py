"""The formulas of arXiv 2205.13147, naive, in float64, item by item: the specification."""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor


def logits(z: Tensor, weights: list[Tensor], biases: list[Tensor], dims: list[int]) -> list[Tensor]:
    """W^m z_{1:m} + b^m for each m, one item and one class at a time."""
    found = []
    for m, W, b in zip(dims, weights, biases, strict=True):
        rows = [
            [sum(W[c, j] * z[i, j] for j in range(m)) + b[c] for c in range(len(W))] for i in range(len(z))
        ]
        found.append(torch.stack([torch.stack(row) for row in rows]))
    return found


def nested_cross_entropy(scores: list[Tensor], y: Tensor, c: list[float]) -> Tensor:
    """sum_m c_m (1/N) sum_i -log softmax(scores_m[i])[y_i]."""
    total = torch.zeros((), dtype=torch.float64)
    for weight, each in zip(c, scores, strict=True):
        for row, target in zip(each, y.tolist(), strict=True):
            total = total + weight * -(row[target] - torch.log(row.exp().sum())) / len(y)
    return total


def cosine(a: Tensor, b: Tensor, m: int) -> Tensor:
    """The cosine of two prefixes."""
    a, b = a[:m], b[:m]
    return (a * b).sum() / ((a * a).sum().sqrt() * (b * b).sum().sqrt())


def nested_ranking(anchors: Tensor, others: Tensor, dims: list[int], c: list[float], scale: float) -> Tensor:
    """sum_m c_m (1/N) sum_i -log softmax_j(scale cos(a_i, b_j))[i], each prefix normalised again."""
    scores = [
        torch.stack([torch.stack([scale * cosine(a, b, m) for b in others]) for a in anchors]) for m in dims
    ]
    return nested_cross_entropy(scores, torch.arange(len(anchors)), c)


def greedy_thresholds(softmax: np.ndarray, y: np.ndarray) -> list[float]:
    """For two sizes in turn, the lowest of the most accurate thresholds; softmax (sizes, n, classes)."""
    chosen = []
    for small, large in pairwise(softmax):
        accuracies = []
        for t in np.linspace(0.1, 1, 100):
            right = 0
            for i, target in enumerate(y):
                decides = small if small[i].max() > t else large
                right += int(decides[i].argmax() == target)
            accuracies.append(right / len(y))
        best = max(accuracies)
        chosen.append(min(t for t, a in zip(np.linspace(0.1, 1, 100), accuracies, strict=True) if a == best))
    return chosen


def climb(softmax: np.ndarray, thresholds: list[float], dims: list[int]) -> tuple[list[int], list[int]]:
    """Classes and sizes of items that climb until they are confident."""
    labels, used = [], []
    for i in range(softmax.shape[1]):
        place = 0
        while place < len(dims) - 1 and not softmax[place, i].max() > thresholds[place]:
            place += 1
        labels.append(int(softmax[place, i].argmax()))
        used.append(dims[place])
    return labels, used


def normalised(x: np.ndarray, m: int) -> np.ndarray:
    """Prefixes of length one."""
    return np.stack([row[:m] / math.sqrt(sum(v * v for v in row[:m])) for row in x.astype(np.float64)])


def search(
    queries: np.ndarray, vectors: np.ndarray, sizes: list[int], lists: list[int]
) -> tuple[list[list[int]], float]:
    """Nearest by Euclidean distance: the first size searches all, each further one its list.

    `lists[s]` is how many are kept after size s. Multiply-adds are counted as they are made, for one query.
    """
    found, multiplications = [], 0
    for q in range(len(queries)):
        candidates = list(range(len(vectors)))
        for m, kept in zip(sizes, lists, strict=True):
            database, query = normalised(vectors, m), normalised(queries[q : q + 1], m)[0]
            distances = {}
            for candidate in candidates:
                distances[candidate] = ((database[candidate] - query) ** 2).sum()
                multiplications += m
            candidates = sorted(candidates, key=lambda each: distances[each])[:kept]
        found.append(candidates)
    return found, multiplications / len(queries)


def average_precision(hits: list[int]) -> float:
    """The mean over ranks of precision where there is a hit."""
    return sum(sum(hits[: rank + 1]) / (rank + 1) for rank, hit in enumerate(hits) if hit) / len(hits)
