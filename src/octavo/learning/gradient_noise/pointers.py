"""Problems of pointers in a small memory, for the neural random-access machine."""

import torch
from jaxtyping import Int
from torch import Tensor


def walks(
    hops: int, integers: int, count: int, generator: torch.Generator
) -> tuple[Int[Tensor, "count cells"], Int[Tensor, "count cells"]]:
    """Follow a chain of pointers to its end, and put what lies there into cell 0.

    Cell 0 holds the address of the first of `hops` different cells; each holds the address of the next, and
    the last an integer. All other cells hold anything.

    Args:
        hops: cells of the chain.
        integers: and cells.
        count: how many problems.
        generator: of all of them.

    Returns:
        The memory before, and as it should be after.

    Raises:
        ValueError: the chain does not fit into the memory.

    Example:
        >>> before, after = walks(1, 4, 3, torch.Generator().manual_seed(0))
        >>> all(row[row[0]] == cell for row, cell in zip(before.tolist(), after[:, 0].tolist()))
        True
    """
    if not 1 <= hops < integers:
        raise ValueError(f"hops={hops} must lie between 1 and {integers - 1}, since cell 0 holds the first")
    before = torch.randint(integers, (count, integers), generator=generator)
    chain = 1 + torch.rand(count, integers - 1, generator=generator).argsort(1)[:, :hops]
    last = torch.randint(integers, (count, 1), generator=generator)
    sources = torch.cat([torch.zeros_like(last), chain], 1)
    before = before.scatter(1, sources, torch.cat([chain, last], 1))
    after = before.clone()
    after[:, :1] = last
    return before, after
