"""Which readings mean anything: a null from shuffled weights, and whether the top tokens are one concept."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from octavo.interpretability.lm_head_neurons.reader import HeadReader

CONCEPT_TOKENS = 6
"""So many top tokens are looked at."""
RELATED_COSINE = 0.5
"""Tokens whose embeddings are at least this near to each other are of one concept."""


def shuffled_rows(
    banks: Sequence[Float[Tensor, "_ dim"]], count: int, generator: torch.Generator
) -> Float[Tensor, "count dim"]:
    """Vectors with the numbers of real neurons in random order: what means nothing, but looks like a neuron.

    Args:
        banks: of real neurons; each drawn one is equally likely, without repetition while there are enough.
        count: how many.
        generator: of the draw and the orders.
    """
    sizes = torch.tensor([len(bank) for bank in banks])
    total = int(sizes.sum())
    order = torch.cat([torch.randperm(total, generator=generator) for _ in range(-(-count // total))])[:count]
    ends = sizes.cumsum(0)
    owner = torch.bucketize(order, ends, right=True)
    inside = order - (ends - sizes)[owner]
    rows = torch.stack([banks[b][i] for b, i in zip(owner.tolist(), inside.tolist(), strict=True)])
    places = torch.rand(rows.shape, generator=generator).argsort(dim=1)
    return rows.gather(1, places.to(rows.device))


def coherent(
    reader: HeadReader, tokens: Int[Tensor, "rows k"], stems: Int[Tensor, " vocabulary"]
) -> Bool[Tensor, " rows"]:
    """Whether three of the first six tokens of each row are of one concept, each with each.

    Two tokens are, if they have one stem or if the cosine of their embeddings is at least a half.

    Args:
        reader: with the embeddings.
        tokens: the ids, best first.
        stems: a number for the stem of each token.
    """
    found = []
    for some in tokens[:, :CONCEPT_TOKENS].split(2048):
        embedded = functional.normalize(reader.weight[some].to(reader.accurate), dim=-1)
        near = embedded @ embedded.mT >= RELATED_COSINE
        kin = stems.to(some.device)[some]
        related = (near | (kin[:, :, None] == kin[:, None, :])).to(torch.float32)
        related.diagonal(dim1=1, dim2=2).zero_()
        # A walk of three steps back to its start is a triple that is related each with each.
        found.append((related @ related @ related).diagonal(dim1=1, dim2=2).sum(1) > 0)
    return torch.cat(found)


def threshold(null: Float[Tensor, " count"], alpha: float) -> float:
    """What a share `alpha` of the null reaches.

    Args:
        null: the statistic of shuffled rows.
        alpha: the share.

    Raises:
        ValueError: the null is too small to tell.

    Example:
        >>> threshold(torch.arange(1000.0), alpha=0.01)
        989.0
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha} is the share of shuffled neurons that may pass; 0.001 is a good one")
    if alpha * len(null) < 1:
        raise ValueError(
            f"alpha={alpha} needs a null of at least {int(1 / alpha)} shuffled rows, the map has "
            f"{len(null)}; build it with null={int(4 / alpha)}"
        )
    return float(null.sort().values[len(null) - int(alpha * len(null)) - 1])


def p_values(values: Float[Tensor, " rows"], null: Float[Tensor, " count"]) -> Float[Tensor, " rows"]:
    """The share of the null that is at least as large, the value itself counted in.

    Example:
        >>> p_values(torch.tensor([0.5, 9.0]), torch.tensor([0.0, 1.0, 2.0]))
        tensor([0.7500, 0.2500])
    """
    ordered = null.sort().values
    above = len(ordered) - torch.searchsorted(ordered, values.contiguous())
    return (above + 1) / (len(ordered) + 1)


def token_moments(
    reader: HeadReader, block: int = 8192
) -> tuple[Float[Tensor, " dim"], Float[Tensor, "dim dim"]]:
    """The mean of the tokens as they meet vectors, and their second moments.

    With them the mean and the deviation of a vector's scores over the whole vocabulary are a product away.
    """
    dim, count = reader.weight.shape[1], len(reader.ids)
    mean = torch.zeros(dim, dtype=reader.accurate, device=reader.weight.device)
    second = torch.zeros(dim, dim, dtype=reader.accurate, device=reader.weight.device)
    for start in range(0, count, block):
        tokens = reader.tokens(start, start + block).to(reader.accurate)
        mean += tokens.sum(0) / count
        second += tokens.mT @ tokens / count
    return mean, second


def score_moments(
    reader: HeadReader,
    vectors: Float[Tensor, "rows dim"],
    moments: tuple[Float[Tensor, " dim"], Float[Tensor, "dim dim"]],
) -> tuple[Float[Tensor, " rows"], Float[Tensor, " rows"]]:
    """Mean and deviation of each vector's scores over the vocabulary; of its logits for a softmax.

    Args:
        reader: scores tokens.
        vectors: any.
        moments: of the tokens, from `token_moments`.
    """
    mean, second = moments
    directions = reader.directions(vectors.to(reader.accurate))
    means = directions @ mean
    variances = (directions @ second * directions).sum(1) - means.square()
    return means, variances.clamp_min(1e-12).sqrt()
