"""Single neurons and single tokens, without a map."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from octavo.interpretability.lm_head_neurons import specialisation
from octavo.interpretability.lm_head_neurons.clamping import find_neuron
from octavo.interpretability.lm_head_neurons.feed_forward import FeedForward, Source, feed_forwards
from octavo.interpretability.lm_head_neurons.reader import HeadReader, Score
from octavo.interpretability.lm_head_neurons.scan import scan
from octavo.interpretability.lm_head_neurons.selection import Norm, check_norm, chosen_layers, vectors
from octavo.interpretability.lm_head_neurons.tables import NeuronTokens, Reading
from octavo.interpretability.lm_head_neurons.vocabulary import Vocabulary


class Nearest(NamedTuple):
    """A neuron near a token, whether it means it or not."""

    layer: int
    neuron: int
    source: Source
    score: float
    z: float
    """The score in deviations of this neuron's scores over the vocabulary."""
    rank: int
    """How many tokens this neuron says louder with the same sign."""
    decoy: bool
    """Whether so many tokens are said louder that the neuron cannot stand for this one."""
    expert: int | None = None


@torch.no_grad()
def decode_neuron(
    model: nn.Module,
    tokenizer: Any,
    layer: int,
    neuron: int,
    *,
    expert: int | None = None,
    k: int = 8,
    source: Source | Sequence[Source] | None = None,
    score: Score = "cosine",
    norm: Norm = "none",
) -> NeuronTokens:
    """What one neuron says, in milliseconds.

    Args:
        model: a causal language model of Hugging Face.
        tokenizer: its tokenizer.
        layer, neuron, expert: which one.
        k: tokens of each sign.
        source: `up`, `gate`, `down`, or several; all that the model has when left out.
        score: see `HeadReader`; `softmax` is the paper's.
        norm: as of `NeuronMap.build`.

    Raises:
        ValueError: there is no such neuron, or an option does not exist.
    """
    block, number = find_neuron(
        feed_forwards(model), (layer, neuron) if expert is None else (layer, neuron, expert)
    )
    wanted = (source,) if isinstance(source, str) else tuple(source or block.sources)
    check_norm(norm, wanted, [block])
    reader = HeadReader.of_model(model, tokenizer, score=score, final_gain=norm == "final")
    banks = [vectors(block, name, norm)[number : number + 1] for name in wanted]
    readings = []
    for name, top in zip(wanted, scan(reader, banks, k), strict=True):
        for side, sign in enumerate((1, -1)):
            ids, scores = top.ids[side, 0].tolist(), top.scores[side, 0].tolist()
            said = tuple(tokenizer.batch_decode([[token] for token in ids]))
            readings.append(Reading(name, sign, said, tuple(scores)))
    return NeuronTokens(layer, neuron, tuple(readings), expert)


@torch.no_grad()
def nearest_neurons(
    model: nn.Module,
    tokenizer: Any,
    token: str,
    n: int = 10,
    *,
    source: Source = "up",
    layers: Literal["all"] | Iterable[int] = "all",
    score: Score = "cosine",
    norm: Norm = "none",
    decoy_rank: int = 100,
) -> list[Nearest]:
    """The neurons nearest to a token, decoys among them and marked.

    A few neurons lie along the direction that the embeddings of rare tokens have in common, and so come near
    to "dogs", "Monday" and "Python" alike. What gives them away is that thousands of other tokens are nearer.

    Args:
        model: a causal language model of Hugging Face.
        tokenizer: its tokenizer.
        token: a single token, with the space before it.
        n: so many neurons.
        source: which of their vectors.
        layers: all, or the numbers of some.
        score: see `HeadReader`; with `softmax` neurons are ordered by logit.
        norm: as of `NeuronMap.build`.
        decoy_rank: a neuron that says so many tokens louder is a decoy.

    Raises:
        ValueError: the text is not a single token.
    """
    number = Vocabulary.of(tokenizer).id(token)
    blocks = chosen_layers(feed_forwards(model), layers)
    check_norm(norm, (source,), blocks)
    reader = HeadReader.of_model(model, tokenizer, score=score, final_gain=norm == "final", special=True)
    return nearest(reader, blocks, [number], n, source=source, norm=norm, decoy_rank=decoy_rank)[0]


@torch.no_grad()
def nearest(
    reader: HeadReader,
    blocks: Sequence[FeedForward],
    tokens: Sequence[int],
    n: int,
    *,
    source: Source = "up",
    norm: Norm = "none",
    decoy_rank: int = 100,
) -> list[list[Nearest]]:
    """The neurons nearest to each of some tokens; see `nearest_neurons`.

    Args:
        reader: of the model's head.
        blocks: whose neurons are looked at.
        tokens: ids, each among those that the reader reads.
        n: neurons a token.
        source, norm, decoy_rank: as of `nearest_neurons`.
    """
    places = [int((reader.ids == token).nonzero()[0, 0]) for token in tokens]
    targets = torch.cat([reader.tokens(place, place + 1) for place in places]).to(reader.accurate)
    owners = [(block, index) for block in blocks for index in range(block.neurons)]
    scores = torch.cat(
        [reader.directions(vectors(block, source, norm).to(reader.accurate)) @ targets.mT for block in blocks]
    )
    moments = specialisation.token_moments(reader)
    everything = reader.tokens().to(reader.accurate)
    found = []
    for score in scores.mT:
        best = score.abs().topk(min(n, len(score))).indices
        rows = torch.stack([vectors(owners[i][0], source, norm)[owners[i][1]] for i in best.tolist()])
        own, signs = score[best], score[best].sign()
        means, deviations = specialisation.score_moments(reader, rows, moments)
        all_scores = reader.directions(rows.to(reader.accurate)) @ everything.mT
        # Rounding may put the token's own score a hair above itself.
        ranks = (signs[:, None] * all_scores > own.abs()[:, None] + 1e-6).sum(1)
        found.append(
            [
                Nearest(
                    owners[i][0].layer,
                    owners[i][1],
                    source,
                    value,
                    z,
                    rank,
                    rank >= decoy_rank,
                    owners[i][0].expert,
                )
                for i, value, z, rank in zip(
                    best.tolist(),
                    own.tolist(),
                    ((own - means) / deviations).tolist(),
                    ranks.tolist(),
                    strict=True,
                )
            ]
        )
    return found
