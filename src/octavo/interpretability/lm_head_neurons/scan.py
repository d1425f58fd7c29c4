"""One pass over the vocabulary in blocks: the best tokens of both signs for any number of vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from octavo.interpretability.lm_head_neurons.reader import HeadReader

GROUP = 32
"""Scores are first reduced to the extremes of groups of this size, of which few need a closer look."""
MOST_SCORES = 2**25
"""So many scores are held at once: 128 MiB in float32."""
SPARE = {torch.float32: 2, torch.float64: 2}
"""Candidates kept beyond k, since the scan rounds and the final scores do not; of narrow types more."""
SPARE_NARROW = 8


@dataclass(frozen=True)
class TopTokens:
    """The best tokens of a number of vectors, best first; equal scores stand by token id.

    Args:
        scores: index 0 of the first axis has the highest scores, index 1 the lowest.
        ids: their tokens.
    """

    scores: Float[Tensor, "two vectors k"]
    ids: Int[Tensor, "two vectors k"]


@torch.no_grad()
def scan(
    reader: HeadReader,
    banks: Sequence[Float[Tensor, "_ dim"]],
    k: int | Sequence[int] = 8,
    *,
    block: int = 16_384,
    dtype: torch.dtype | None = None,
) -> list[TopTokens]:
    """The k highest and the k lowest tokens of every vector, without ever holding all scores.

    The blocks of the vocabulary are the outer loop, so that each is normalised once for all banks. The
    winners are scored again in full precision, so neither `block` nor `dtype` changes what is returned.

    Args:
        reader: scores tokens.
        banks: matrices of vectors, one a row, such as the up-projections of all layers.
        k: tokens of each sign; one number, or one a bank.
        block: tokens at once.
        dtype: of the scan, such as bfloat16 where the processor is fast in it; the head's when left out.

    Raises:
        ValueError: k is below 1 or above the number of tokens, or the block is empty.

    Example:
        >>> (top,) = scan(HeadReader(torch.eye(3)), [torch.tensor([[1.0, -2.0, 0.0]])], k=1)
        >>> top.ids[:, 0, 0].tolist()
        [0, 1]
    """
    count = len(reader.ids)
    wanted = [k] * len(banks) if isinstance(k, int) else list(k)
    for number in wanted:
        if not 1 <= number <= count:
            raise ValueError(
                f"k={number} tokens were asked for, the vocabulary has {count}; use 1 to {count}"
            )
    if block < 1:
        raise ValueError(f"block={block} holds no token; 8192 is a good number")
    dtype = dtype or reader.accurate
    spare = SPARE.get(dtype, SPARE_NARROW)
    kept = [min(number + spare, count) for number in wanted]
    kind: Any = {"dtype": torch.promote_types(dtype, torch.float32), "device": reader.weight.device}
    runs = [
        [_Running(sign, torch.full((len(bank), number), -torch.inf, **kind)) for sign in (1, -1)]
        for bank, number in zip(banks, kept, strict=True)
    ]
    mass = [torch.full((2, len(bank)), -torch.inf, **kind) for bank in banks]
    buffer = torch.empty(0, dtype=dtype, device=reader.weight.device)
    for start in range(0, count, block):
        tokens = reader.tokens(start, start + block).to(dtype)
        width = -(-len(tokens) // GROUP) * GROUP
        real = len(tokens)
        if width > real:
            tokens = functional.pad(tokens, (0, 0, 0, width - real))
        for bank, run, total in zip(banks, runs, mass, strict=True):
            rows = max(1, MOST_SCORES // width)
            for first in range(0, len(bank), rows):
                # Made anew for each block: copies of all banks would be as large as the model.
                part = reader.directions(bank[first : first + rows].to(reader.accurate)).to(dtype)
                size = len(part) * width
                if len(buffer) < size:
                    buffer = buffer.new_empty(size)
                scores = torch.mm(part, tokens.mT, out=buffer[:size].view(len(part), width))
                if scores.element_size() < 4:
                    scores = scores.float()  # products of narrow numbers are cheap, their comparison is not
                if reader.score == "softmax":
                    _add_mass(total[:, first : first + rows], scores[:, :real])
                for top in run:
                    # What pads the last group never wins.
                    scores[:, real:] = -top.sign * torch.inf
                    top.update(scores, first, start)
    return [
        _rescored(reader, bank, run, number, total)
        for bank, run, number, total in zip(banks, runs, wanted, mass, strict=True)
    ]


class _Running:
    """The best so far, of one sign."""

    def __init__(self, sign: int, values: Float[Tensor, "rows k"]) -> None:
        self.sign, self.k, self.values = sign, values.shape[1], values
        self.places = torch.zeros_like(values, dtype=torch.long)

    def update(self, scores: Float[Tensor, "rows width"], first: int, start: int) -> None:
        """Take in a block of scores of the rows from `first` on; the block begins at token `start`."""
        rows = slice(first, first + len(scores))
        groups = scores.unflatten(1, (-1, GROUP))
        extremes = groups.amax(-1) if self.sign > 0 else groups.amin(-1).neg_()
        # The k best tokens lie in the k best groups.
        best = stable_top(extremes, min(self.k, extremes.shape[1]))
        inner = torch.arange(GROUP, device=scores.device)
        places = (best[:, :, None] * GROUP + inner).flatten(1)
        values = scores.gather(1, places).mul_(self.sign)
        values = torch.cat([self.values[rows], values], dim=1)
        places = torch.cat([self.places[rows], places + start], dim=1)
        chosen = stable_top(values, self.k, places)
        self.values[rows] = values.gather(1, chosen)
        self.places[rows] = places.gather(1, chosen)


def stable_top(
    values: Float[Tensor, "rows n"], k: int, order: Int[Tensor, "rows n"] | None = None
) -> Int[Tensor, "rows k"]:
    """The places of the k largest values of each row; where equal ones compete, the lower order is taken.

    Args:
        values: any.
        k: at most n.
        order: what equal values are told apart by; their place when left out.

    Example:
        >>> stable_top(torch.tensor([[1.0, 2.0, 2.0, 2.0]]), 2).sort().values
        tensor([[1, 2]])
    """
    if k == values.shape[1]:
        return torch.arange(k, device=values.device).expand(len(values), k)
    found, places = values.topk(k + 1, dim=1)
    places = places[:, :k]
    tied = (found[:, k - 1] == found[:, k]) & found[:, k].isfinite()
    if tied.any():
        # Rare: only a tie across the boundary decides who is in.
        some = values[tied]
        by_order = torch.arange(some.shape[1], device=values.device).expand_as(some)
        if order is not None:
            by_order = order[tied].argsort(dim=1)
        again = some.gather(1, by_order).sort(dim=1, descending=True, stable=True).indices[:, :k]
        places[tied] = by_order.gather(1, again)
    return places


def _add_mass(total: Float[Tensor, "two rows"], scores: Float[Tensor, "rows width"]) -> None:
    for sign, sum_so_far in zip((1, -1), total, strict=True):
        sum_so_far.copy_(torch.logaddexp(sum_so_far, (sign * scores).logsumexp(dim=1)))


def _rescored(
    reader: HeadReader, bank: Float[Tensor, "rows dim"], run: list[_Running], k: int, mass: Tensor
) -> TopTokens:
    """The candidates scored in full precision, ordered by score and then by token, and cut to k."""
    scores, ids = [], []
    for top, log_mass in zip(run, mass, strict=True):
        exact = torch.cat(
            [
                _exact(reader, reader.directions(rows.to(reader.accurate)), places)
                for rows, places in zip(bank.split(1024), top.places.split(1024), strict=True)
            ]
        )
        tokens = reader.ids[top.places]
        by_id = tokens.argsort(dim=1)
        exact, tokens = exact.gather(1, by_id), tokens.gather(1, by_id)
        order = (top.sign * exact).sort(dim=1, descending=True, stable=True).indices[:, :k]
        exact, tokens = exact.gather(1, order), tokens.gather(1, order)
        if reader.score == "softmax":
            exact = (top.sign * exact - log_mass[:, None]).exp()
        scores.append(exact)
        ids.append(tokens)
    return TopTokens(torch.stack(scores), torch.stack(ids))


def _exact(
    reader: HeadReader, rows: Float[Tensor, "rows dim"], places: Int[Tensor, "rows k"]
) -> Float[Tensor, "rows k"]:
    tokens = reader.weight[reader.ids[places]].to(reader.accurate)
    if reader.mean is not None:
        tokens = tokens - reader.mean
    scores = (tokens * rows[:, None]).sum(-1)
    return scores / tokens.norm(dim=-1).clamp_min(1e-12) if reader.normalises else scores
