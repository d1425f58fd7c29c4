"""The formula, one position at a time, in float64 and with the softmax written out."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def prefix_softmax(
    scores: Float[Tensor, "*rows time"], values: Float[Tensor, "*rows time dim"]
) -> Float[Tensor, "*rows time dim"]:
    """o_k = sum_{i<=k} exp(s_i) v_i / sum_{i<=k} exp(s_i), differentiable, straight from the definition."""
    scores, values = scores.double(), values.double()
    outputs = []
    for k in range(1, scores.shape[-1] + 1):
        seen = scores[..., :k]
        # Subtracting the largest score changes neither the quotient nor its gradient.
        weights = torch.exp(seen - seen.max(-1, keepdim=True).values.detach())
        outputs.append((weights[..., None] * values[..., :k, :]).sum(-2) / weights.sum(-1, keepdim=True))
    return torch.stack(outputs, dim=-2) if outputs else values


def prefix_softmax_of_floats(scores: list[float], values: list[float]) -> list[float]:
    """The same for one row and one dimension, with exact sums: nothing of torch is trusted."""
    outputs = []
    for k in range(1, len(scores) + 1):
        top = max(scores[:k])
        weights = [math.exp(score - top) for score in scores[:k]]
        total = math.fsum(weights)
        outputs.append(math.fsum(w * v for w, v in zip(weights, values[:k], strict=True)) / total)
    return outputs


def causal_attention(
    queries: Float[np.ndarray, "time dim"],
    keys: Float[np.ndarray, "time dim"],
    values: Float[np.ndarray, "time dim"],
) -> Float[np.ndarray, "time dim"]:
    """Row i attends with its own query: the Transformer as it is usually written."""
    rows = []
    for i in range(len(queries)):
        scores = keys[: i + 1] @ queries[i] / math.sqrt(queries.shape[1])
        weights = np.exp(scores - scores.max())
        rows.append(weights @ values[: i + 1] / weights.sum())
    return np.stack(rows)
