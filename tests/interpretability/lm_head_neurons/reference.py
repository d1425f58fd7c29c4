"""The readings of arXiv 2501.02688, neuron by neuron and token by token, in float64: the specification."""

import math

from torch import Tensor


def score(vector: list[float], head: list[list[float]], kind: str) -> list[float]:
    """What each token scores for one vector."""
    if kind == "centred":
        mean = [sum(row[d] for row in head) / len(head) for d in range(len(vector))]
        head = [[value - mean[d] for d, value in enumerate(row)] for row in head]
    logits = [sum(a * b for a, b in zip(vector, row, strict=True)) for row in head]
    if kind == "softmax":
        largest = max(logits)
        mass = sum(math.exp(logit - largest) for logit in logits)
        return [math.exp(logit - largest) / mass for logit in logits]
    if kind == "logit":
        return logits
    length = math.sqrt(sum(a * a for a in vector))
    return [
        logit / (length * math.sqrt(sum(b * b for b in row))) for logit, row in zip(logits, head, strict=True)
    ]


def top(vector: Tensor, head: Tensor, kind: str, sign: int, k: int) -> tuple[list[int], list[float]]:
    """The k tokens that a vector says loudest with one sign; equal scores by token."""
    asked = (sign * vector.double()) if kind == "softmax" else vector.double()
    scores = score(asked.tolist(), head.double().tolist(), kind)
    loud = scores if kind == "softmax" else [sign * value for value in scores]
    order = sorted(range(len(scores)), key=lambda token: (-loud[token], token))[:k]
    return order, [scores[token] for token in order]


def clamped_ffn(
    x: Tensor, up: Tensor, gate: Tensor, down: Tensor, neuron: int, value: float, at: str
) -> Tensor:
    """One gated block with one neuron held: down @ (silu(gate x) * up x)."""
    read, opened = up @ x, gate @ x
    if at == "up":
        read[neuron] = value
    if at == "gate":
        opened[neuron] = value
    hidden = opened / (1 + (-opened).exp()) * read
    if at == "hidden":
        hidden[neuron] = value
    return down @ hidden
