"""Every neuron of a model read through its head in one pass, with the null beside it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.interpretability.lm_head_neurons import specialisation
from octavo.interpretability.lm_head_neurons.feed_forward import Source, feed_forwards
from octavo.interpretability.lm_head_neurons.reader import HeadReader, Score
from octavo.interpretability.lm_head_neurons.scan import scan
from octavo.interpretability.lm_head_neurons.selection import Norm, check_norm, chosen_layers, vectors
from octavo.interpretability.lm_head_neurons.vocabulary import Vocabulary


class Readings(NamedTuple):
    """The fields of a `NeuronMap`, in its order."""

    places: Int[Tensor, "neurons three"]
    scores: Float[Tensor, "sources two neurons k"]
    tokens: Int[Tensor, "sources two neurons k"]
    moments: Float[Tensor, "two sources neurons"]
    null: Float[Tensor, "sources count"]
    coherent: Bool[Tensor, "sources neurons"]
    vocabulary: Vocabulary
    facts: dict[str, Any]


@torch.no_grad()
def read_model(
    model: nn.Module,
    tokenizer: Any,
    source: Source | Sequence[Source] | None,
    score: Score,
    norm: Norm,
    k: int,
    layers: Literal["all"] | Iterable[int],
    block: int,
    null: int,
    seed: int,
    dtype: torch.dtype | None,
) -> Readings:
    """What `NeuronMap.build` does; its arguments are explained there.

    Raises:
        ValueError: the model is of no known kind, a layer or an option does not exist, or a weight is not a
            finite number.
    """
    blocks = chosen_layers(feed_forwards(model), layers)
    wanted = (source,) if isinstance(source, str) else tuple(source or blocks[0].sources)
    check_norm(norm, wanted, blocks)
    reader = HeadReader.of_model(model, tokenizer, score=score, final_gain=norm == "final")
    # Each source has one bank a block, then one of shuffled rows.
    banks: list[Tensor] = []
    generator = torch.Generator().manual_seed(seed)
    for each_source in wanted:
        real = [vectors(each, each_source, norm) for each in blocks]
        banks += real
        if null:
            banks.append(specialisation.shuffled_rows(real, null, generator))
    each_k = ([k] * len(blocks) + [1] * bool(null)) * len(wanted)
    found = scan(reader, banks, each_k, block=block, dtype=dtype)
    token_moments = specialisation.token_moments(reader)
    vocabulary = (
        Vocabulary([f"<{number}>" for number in range(len(reader.weight))])
        if tokenizer is None
        else Vocabulary.of(tokenizer)
    )
    step = len(blocks) + bool(null)
    scores, tokens, moments, nulls, one_concept = [], [], [], [], []
    for first in range(0, len(banks), step):
        tops, real = found[first : first + len(blocks)], banks[first : first + len(blocks)]
        scores.append(torch.cat([top.scores for top in tops], dim=1))
        tokens.append(torch.cat([top.ids for top in tops], dim=1))
        pairs = [specialisation.score_moments(reader, bank, token_moments) for bank in real]
        moments.append(torch.stack([torch.cat(part) for part in zip(*pairs, strict=True)]))
        nulls.append(found[first + step - 1].scores.abs().amax((0, 2)) if null else scores[-1].new_empty(0))
        stronger = scores[-1][:, :, 0].abs().argmax(0)
        loudest = tokens[-1].gather(0, stronger[None, :, None].expand(1, -1, k))[0]
        one_concept.append(specialisation.coherent(reader, loudest, vocabulary.stems))
    places = torch.cat(
        [
            torch.tensor(
                [
                    (each.layer, -1 if each.expert is None else each.expert, number)
                    for number in range(each.neurons)
                ]
            )
            for each in blocks
        ]
    )
    name = getattr(getattr(model, "config", None), "_name_or_path", "") or type(model).__name__
    facts: dict[str, Any] = {
        "sources": list(wanted),
        "score": score,
        "norm": norm,
        "k": k,
        "model": Path(name).name,
    }
    return Readings(
        places,
        torch.stack(scores).cpu(),
        torch.stack(tokens).cpu().int(),
        torch.stack(moments, dim=1).cpu(),
        torch.stack(nulls).cpu(),
        torch.stack(one_concept).cpu(),
        vocabulary,
        facts,
    )
