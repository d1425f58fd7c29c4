"""Binary addition and multiplication as sequences of symbols, for the Neural GPU."""

from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

PAD, ZERO, ONE, OPERATOR = range(4)
SYMBOLS = 4
Task = Literal["addition", "multiplication"]


def length_of(task: Task, bits: int) -> int:
    """Places that a problem of so many bits needs: both numbers and the operator between them."""
    return 2 * bits + 1


def problems(
    task: Task, bits: int, count: int, generator: torch.Generator
) -> tuple[Int[Tensor, "count length"], Int[Tensor, "count length"]]:
    """Random problems with their solutions, lowest bit first.

    Args:
        task: what is done with the two numbers.
        bits: of each of them.
        count: how many problems.
        generator: of the numbers.

    Returns:
        The two numbers with the operator between them; and the bits of the result, padded to the same length.

    Raises:
        ValueError: there are not between 1 and 31 bits.

    Example:
        >>> inputs, outputs = problems("addition", 2, 1, torch.Generator().manual_seed(0))
        >>> inputs.shape, outputs.shape
        (torch.Size([1, 5]), torch.Size([1, 5]))
    """
    if not 1 <= bits <= 31:
        raise ValueError(f"bits={bits} must lie between 1 and 31, so that a product fits into 64 bits")
    first, second = torch.randint(2**bits, (2, count), generator=generator)
    result = first + second if task == "addition" else first * second
    inputs = torch.full((count, length_of(task, bits)), OPERATOR)
    inputs[:, :bits] = ZERO + _bits(first, bits)
    inputs[:, bits + 1 :] = ZERO + _bits(second, bits)
    outputs = torch.full_like(inputs, PAD)
    digits = bits + 1 if task == "addition" else 2 * bits
    outputs[:, :digits] = ZERO + _bits(result, digits)
    return inputs, outputs


def _bits(numbers: Int[Tensor, " count"], digits: int) -> Int[Tensor, "count digits"]:
    return (numbers[:, None] >> torch.arange(digits)) & 1
