"""The definitions of arXiv 2410.18311, section 3.1, neuron by neuron, in float64."""

import math

from torch import Tensor


def token_core(activations: list[float], share: float, rule: str) -> set[int]:
    """The neurons of a token's largest positive (or absolute) activations; of equal ones the first."""
    if rule == "paper":
        candidates = [n for n, a in enumerate(activations) if a > 0]
        count = math.ceil(share * len(candidates))
        sizes = activations
    else:
        candidates = [n for n, a in enumerate(activations) if a != 0]
        count = math.ceil(share * len(activations))
        sizes = [abs(a) for a in activations]
    return set(sorted(candidates, key=lambda n: (-sizes[n], n))[:count])


def sentence_core(
    activations: Tensor, counted: list[bool], token_share: float, size: int, rule: str
) -> list[int]:
    """The neurons that are core of the most tokens; of equally frequent ones the first."""
    neurons = activations.shape[1]
    frequency = [0] * neurons
    for token, counts in zip(activations.double().tolist(), counted, strict=True):
        if counts:
            for neuron in token_core(token, token_share, rule):
                frequency[neuron] += 1
    return sorted(sorted(range(neurons), key=lambda n: (-frequency[n], n))[:size])
