"""The formulas of the survey's models, naive, in float64: the specification that the systems must equal."""

import math

import torch
from torch import Tensor


def cosine(one: Tensor, other: Tensor, same: bool) -> float:
    """Of two vectors; 1 for the same word, 0 where a vector is zero."""
    if same:
        return 1.0
    norms = float(one.norm() * other.norm())
    return float(one @ other) / norms if norms > 0 else 0.0


def kernel(similarity: float, mean: float, width: float) -> float:
    """exp(-(s - mu)^2 / (2 sigma^2))."""
    return math.exp(-((similarity - mean) ** 2) / (2 * width**2))


def soft_counts(rows: list[list[float]], means: list[float], widths: list[float]) -> list[float]:
    """phi_k = 0.01 sum_i log max(sum_j K_k(S_ij), 1e-10)."""
    return [
        sum(0.01 * math.log(max(sum(kernel(s, mean, width) for s in row), 1e-10)) for row in rows)
        for mean, width in zip(means, widths, strict=True)
    ]


KNRM_MEANS = [1.0, 0.9, 0.7, 0.5, 0.3, 0.1, -0.1, -0.3, -0.5, -0.7, -0.9]
KNRM_WIDTHS = [1e-3] + [0.1] * 10


def knrm(query: list[int], doc: list[int], vectors: Tensor, weight: Tensor, bias: float) -> float:
    """tanh(w phi + b) of one pair, without padding."""
    rows = [[cosine(vectors[q], vectors[d], q == d) for d in doc] for q in query]
    phi = soft_counts(rows, KNRM_MEANS, KNRM_WIDTHS)
    return math.tanh(sum(w * p for w, p in zip(weight.tolist(), phi, strict=True)) + bias)


def phrases(words: list[int], vectors: Tensor, weight: Tensor, bias: Tensor, width: int) -> list[Tensor]:
    """Of every n-gram, which may reach over the end: relu(sum_k W_k sqrt(d) e_(i+k) + b), of length one."""
    found = []
    for start in range(len(words)):
        total = bias.clone()
        for place in range(width):
            if start + place < len(words):
                vector = vectors[words[start + place]]
                total += weight[place] @ (vector / vector.norm() * len(vector) ** 0.5)
        total = total.relu()
        found.append(total / max(float(total.norm()), 1e-12))
    return found


def conv_knrm(
    query: list[int],
    doc: list[int],
    vectors: Tensor,
    layers: list[tuple[Tensor, Tensor]],
    weight: Tensor,
    bias: float,
) -> float:
    """Kernel features of every pair of phrase lengths, then one line and tanh."""
    asked = [phrases(query, vectors, w, b, n) for n, (w, b) in enumerate(layers, start=1)]
    told = [phrases(doc, vectors, w, b, n) for n, (w, b) in enumerate(layers, start=1)]
    phi: list[float] = []
    for short in asked:
        for long in told:
            phi += soft_counts([[float(s @ t) for t in long] for s in short], KNRM_MEANS, KNRM_WIDTHS)
    return math.tanh(sum(w * p for w, p in zip(weight.tolist(), phi, strict=True)) + bias)


def drmm(
    query: list[int],
    doc: list[int],
    vectors: Tensor,
    layers: list[tuple[Tensor, Tensor]],
    idf: list[float],
    weight: float,
) -> float:
    """sum_i softmax_i(w idf_i) tanh(W2 tanh(W1 log(1 + h_i))): 29 bins on [-1, 1), one for the same word."""
    z = []
    for q in query:
        histogram = torch.zeros(30, dtype=torch.float64)
        for d in doc:
            s = cosine(vectors[q], vectors[d], q == d)
            histogram[29 if q == d else min(28, max(0, math.floor((s + 1) / 2 * 29)))] += 1
        hidden = (layers[0][0] @ histogram.log1p() + layers[0][1]).tanh()
        z.append(float((layers[1][0] @ hidden + layers[1][1]).tanh()))
    gates = [math.exp(weight * each) for each in idf]
    return sum(g * value for g, value in zip(gates, z, strict=True)) / sum(gates)


def listnet(scores: list[float], gains: list[float]) -> float:
    """KL of the softmax of the scores from the gains as shares."""
    total = sum(math.exp(s) for s in scores)
    shares = [gain / sum(gains) for gain in gains]
    return sum(
        p * (math.log(p) - math.log(math.exp(s) / total))
        for p, s in zip(shares, scores, strict=True)
        if p > 0
    )
