"""How well the activation of a neuron tells where a token is read or about to follow."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.interpretability.lm_head_neurons.clamping import find_neuron
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards
from octavo.interpretability.lm_head_neurons.reader import HeadReader


@torch.no_grad()
def up_activations(
    model: nn.Module,
    windows: Int[Tensor, "windows time"],
    neurons: Sequence[tuple[int, int]],
    batch: int = 16,
) -> Float[Tensor, "windows time neurons"]:
    """The up-projection's output of some neurons at every position of some texts.

    Args:
        model: a causal language model of Hugging Face.
        windows: token ids.
        neurons: layer and number of each.
        batch: windows at once.
    """
    blocks = feed_forwards(model)
    by_layer: dict[int, list[int]] = {}
    for place, (layer, _) in enumerate(neurons):
        by_layer.setdefault(layer, []).append(place)
    kept = torch.empty(*windows.shape, len(neurons))
    rows = slice(0, 0)
    handles = []
    for places in by_layer.values():
        block = find_neuron(blocks, neurons[places[0]])[0]
        module, _, first = block.place("up")
        numbers = torch.tensor([first + neurons[place][1] for place in places])

        def keep(
            _: nn.Module, __: object, output: Tensor, places: list[int] = places, numbers: Tensor = numbers
        ) -> None:
            kept[rows, :, places] = output[..., numbers.to(output.device)].float().cpu()

        handles.append(module.register_forward_hook(keep))
    try:
        for start in range(0, len(windows), batch):
            rows = slice(start, start + batch)
            # Only what the layers read is of interest, and the head is a fifth of the work.
            model(input_ids=windows[rows], logits_to_keep=1, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return kept


def read_or_written(windows: Int[Tensor, "windows time"], token: int) -> Bool[Tensor, "windows time"]:
    """Where the token is this one, or the next one.

    Example:
        >>> read_or_written(torch.tensor([[3, 7, 5, 7]]), 7).int()
        tensor([[1, 1, 1, 1]], dtype=torch.int32)
    """
    here = windows == token
    return here | torch.nn.functional.pad(here[:, 1:], (0, 1))


def area_under_curve(values: Float[np.ndarray, " n"], positive: Bool[np.ndarray, " n"]) -> float:
    """The share of pairs of a positive and a negative in which the positive has the larger value.

    Ties count half; without a positive or without a negative there is no pair, and the result is NaN.

    Example:
        >>> area_under_curve(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
        0.75
    """
    from scipy.stats import rankdata

    count, total = int(positive.sum()), len(values)
    if count in (0, total):
        return float("nan")
    ranks = rankdata(values)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (total - count)))


def covering_windows(
    pieces: Int[Tensor, "pieces time"], tokens: Sequence[int], count: int, generator: torch.Generator
) -> Int[Tensor, " chosen"]:
    """Which pieces of a text to read so that rare tokens occur too: greedily, whatever still lacks most.

    Args:
        pieces: all there are.
        tokens: what should occur.
        count: how many pieces; no more than there are.
        generator: of the order in which equally good pieces are tried.
    """
    order = torch.randperm(len(pieces), generator=generator)
    shuffled = pieces[order]
    present = torch.stack([(shuffled == token).any(1) for token in tokens], dim=1).float()
    have, free = torch.zeros(len(tokens)), torch.ones(len(pieces), dtype=torch.bool)
    chosen = []
    for _ in range(min(count, len(pieces))):
        worth = present @ (1 / (1 + have) ** 2)
        best = int(torch.where(free, worth, -1.0).argmax())
        free[best] = False
        have += present[best]
        chosen.append(best)
    return order[torch.tensor(chosen)]


class Selectivity(NamedTuple):
    """How well the activations of some neurons tell where their tokens are, an entry a neuron."""

    unsigned: Float[np.ndarray, " neurons"]
    """Area under the curve of |activation|; NaN where the token does not occur."""
    signed: Float[np.ndarray, " neurons"]
    """The same of the activation times the sign of the score, which is the side that the weights predict."""
    scores: Float[np.ndarray, " neurons"]
    """How much the neuron's vector says the token."""


def selected(
    model: nn.Module,
    reader: HeadReader,
    windows: Int[Tensor, "windows time"],
    neurons: Sequence[tuple[int, int]],
    tokens: Sequence[int],
) -> Selectivity:
    """How well each neuron tells where its token is this one or the next, and how near their vectors are.

    The first position of a window is left out, since models treat whatever stands there as a beginning.

    Args:
        model: a causal language model of Hugging Face.
        reader: of its head, that reads each of the tokens.
        windows: token ids.
        neurons: layer and number of each.
        tokens: of each neuron the one that is asked for.
    """
    blocks = {block.layer: block for block in feed_forwards(model)}
    seen = up_activations(model, windows, neurons)[:, 1:].flatten(0, 1).numpy()
    unsigned, signed, scores = [], [], []
    for column, ((layer, number), token) in enumerate(zip(neurons, tokens, strict=True)):
        positive = read_or_written(windows.cpu(), token)[:, 1:].flatten().numpy()
        vector = reader.directions(blocks[layer].rows("up")[number].to(reader.accurate))
        place = int((reader.ids == token).nonzero()[0, 0])
        score = float(vector @ reader.tokens(place, place + 1)[0].to(reader.accurate))
        unsigned.append(area_under_curve(np.abs(seen[:, column]), positive))
        signed.append(area_under_curve(np.sign(score) * seen[:, column], positive))
        scores.append(score)
    return Selectivity(np.array(unsigned), np.array(signed), np.array(scores))
