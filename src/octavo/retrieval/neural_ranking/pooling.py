"""Pooling that knows where the text ends."""

from itertools import pairwise

import torch
from einops import rearrange, reduce
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


def tower(sizes: tuple[int, ...]) -> nn.Sequential:
    """Linear layers with ReLU between them; the last has none."""
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(sizes):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Windows(nn.Module):
    """A layer over every window of words, which begins at each word and may reach over the end.

    Each word meets the weights once for every place that it has in a window; that is one product of matrices
    without the copies of a convolution.

    Args:
        size: of a word's vector.
        out: of a window's.
        width: words of a window.

    Shape:
        ``(batch, words, size)`` -> ``(batch, words, out)``.

    Example:
        >>> Windows(8, 4, width=3)(torch.randn(2, 5, 8)).shape
        torch.Size([2, 5, 4])
    """

    def __init__(self, size: int, out: int, width: int = 3) -> None:
        super().__init__()
        bound = (size * width) ** -0.5
        self.weight = nn.Parameter(torch.empty(width * out, size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(out).uniform_(-bound, bound))
        self.width = width

    def forward(self, words: Float[Tensor, "batch words size"]) -> Float[Tensor, "batch words out"]:
        """The vector of each window."""
        return self._together(nn.functional.linear(words, self.weight))

    def of_places(
        self, vectors: Float[Tensor, "distinct size"], places: Int[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words out"]:
        """The same for words told by their place in a table, each of which meets the weights once."""
        return self._together(nn.functional.embedding(places, nn.functional.linear(vectors, self.weight)))

    def _together(self, met: Float[Tensor, "batch words parts"]) -> Float[Tensor, "batch words out"]:
        parts = met.chunk(self.width, dim=-1)
        total = parts[0] + self.bias
        for place, part in enumerate(parts[1:], start=1):
            total = total + nn.functional.pad(part[:, place:], (0, 0, 0, min(place, part.shape[1])))
        return total


def masked_max(
    x: Float[Tensor, "batch channels words"], mask: Bool[Tensor, "batch words"]
) -> Float[Tensor, "batch channels"]:
    """The largest value of each channel over the words that are there; 0 where there is none."""
    low = x.masked_fill(~mask[:, None, :], -torch.inf)
    return torch.where(mask.any(1)[:, None], reduce(low, "b c n -> b c", "max"), 0.0)


def cells(lengths: Int[Tensor, " batch"], number: int, longest: int) -> Int[Tensor, "batch cells places"]:
    """The places that each of `number` cells covers, when texts of these lengths are cut evenly.

    Cells of a text that is shorter than their number overlap, so that none is empty. All name as many places
    as the largest can have; the others say their last place again, which is nothing to a maximum.

    Example:
        >>> cells(torch.tensor([3]), 2, 4)
        tensor([[[0, 1, 1],
                 [1, 2, 2]]])
    """
    lengths = lengths.clamp_min(1)[:, None]
    starts = torch.arange(number, device=lengths.device)
    first = (starts * lengths) // number
    last = -((-(starts + 1) * lengths) // number) - 1
    places = torch.arange(-(-longest // number) + 1, device=lengths.device)
    return torch.minimum(first[..., None] + places, last[..., None])


def dynamic_pooling(
    x: Float[Tensor, "batch channels q d"],
    q_lengths: Int[Tensor, " batch"],
    d_lengths: Int[Tensor, " batch"],
    grid: tuple[int, int],
) -> Float[Tensor, "batch channels rows columns"]:
    """The largest value of each cell of a grid that is laid over the part of an image which is text.

    Args:
        x: one image a pair.
        q_lengths, d_lengths: of the texts.
        grid: rows and columns.
    """
    batch, channels, q, d = x.shape
    rows, columns = cells(q_lengths, grid[0], q), cells(d_lengths, grid[1], d)
    # Rows are taken as wholes, which is quicker than number by number; a third is left for the columns.
    starts = torch.arange(0, batch * q, q, device=x.device)
    whole = rearrange(x, "b c q d -> (b q) (c d)")
    strips = nn.functional.embedding(rows + starts[:, None, None], whole).max(dim=2).values
    strips = rearrange(strips, "b rows (c d) -> b (rows c) d", c=channels)
    index = rearrange(columns, "b columns places -> b 1 (columns places)")
    picked = strips.gather(2, index.expand(-1, strips.shape[1], -1))
    pooled = picked.unflatten(2, columns.shape[1:]).max(dim=-1).values
    return rearrange(pooled, "b (rows c) columns -> b c rows columns", c=channels)


def largest(
    x: Float[Tensor, "*batch d"], mask: Bool[Tensor, "*batch d"], k: int, low: float
) -> Float[Tensor, "*batch k"]:
    """The k largest values that are there, in order; `low` where there are fewer."""
    values = torch.where(mask, x, torch.full_like(x, low))
    if values.shape[-1] < k:
        values = nn.functional.pad(values, (0, k - values.shape[-1]), value=low)
    return values.topk(k, dim=-1).values


def reversed_texts(
    x: Float[Tensor, "batch words size"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch words size"]:
    """Each text from its last word to its first; padding stays behind."""
    places = torch.arange(x.shape[1], device=x.device)
    back = lengths[:, None] - 1 - places
    order = torch.where(back >= 0, back, places)
    return x.gather(1, rearrange(order, "b n -> b n 1").expand_as(x))
