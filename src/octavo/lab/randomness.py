"""Generators, orders and reseeding as functions of a key: nothing depends on what was drawn before."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import SupportsIndex

import torch
from jaxtyping import Int64
from torch import Tensor

from octavo.lab.keys import key

__all__ = ["Shuffle", "generator", "key", "permutation", "preserved_randomness", "seed_global"]

# Past this size an order is computed entry by entry and never laid out in memory. It must not depend on the
# machine.
_LAID_OUT = 1 << 22


def generator(
    seed: int, stream: str, *numbers: SupportsIndex, device: str | torch.device = "cpu"
) -> torch.Generator:
    """A torch generator seeded with `key(seed, stream, *numbers)`.

    Example:
        >>> first, second = (torch.randn(3, generator=generator(0, "noise", 5)) for _ in range(2))
        >>> torch.equal(first, second)
        True
    """
    return torch.Generator(device).manual_seed(key(seed, stream, *numbers))


class Shuffle:
    """A random order of `range(size)` in constant memory: any entry is computed by itself.

    A Feistel network of six rounds permutes the smallest square power of two that holds the range; an entry
    that falls outside is permuted again until it is inside, which leaves a permutation of the range.

    Args:
        size: how many numbers are ordered, at most 2^62.
        word: the key that chooses the order.

    Shape:
        `shuffle[positions]`: integers of any shape in [0, size) to integers of that shape, each in [0, size).

    Raises:
        ValueError: the size is negative or above 2^62.

    Example:
        >>> sorted(Shuffle(10, word=7)[torch.arange(10)].tolist())
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

    Source: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002.
    """

    _ROUNDS = 6

    def __init__(self, size: int, word: int) -> None:
        if not 0 <= size <= 1 << 62:
            raise ValueError(f"size={size} cannot be ordered; it must be in [0, 2**62]")
        self.size = size
        self._bits = max(1, ((max(size, 1) - 1).bit_length() + 1) // 2)
        self._keys = [key(word, "shuffle", round_) & 0xFFFFFFFF for round_ in range(self._ROUNDS)]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, positions: Int64[Tensor, "*any"]) -> Int64[Tensor, "*any"]:
        if positions.numel() and not 0 <= int(positions.min()) <= int(positions.max()) < self.size:
            raise IndexError(
                f"positions must be in [0, {self.size}), got {positions.min()} to {positions.max()}"
            )
        values = self._permute(positions)
        while (outside := values >= self.size).any():
            values = torch.where(outside, self._permute(values), values)
        return values

    def _permute(self, values: Tensor) -> Tensor:
        half = (1 << self._bits) - 1
        left, right = values >> self._bits, values & half
        for round_key in self._keys:
            left, right = right, left ^ (_scramble(right ^ round_key) & half)
        return (left << self._bits) | right


def _scramble(words: Tensor) -> Tensor:
    # The finaliser of MurmurHash3 on 32-bit words held in int64, whose wrapped products keep the low 32 bits
    # right.
    words = ((words ^ (words >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    words = ((words ^ (words >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return words ^ (words >> 16)


def permutation(
    size: int, seed: int, stream: str, *numbers: SupportsIndex
) -> Int64[Tensor, " size"] | Shuffle:
    """A random order of `range(size)`: a tensor, or past four million entries a `Shuffle`.

    Example:
        >>> permutation(5, 0, "order", 1).sort().values
        tensor([0, 1, 2, 3, 4])
    """
    if size > _LAID_OUT:
        return Shuffle(size, key(seed, stream, *numbers))
    return torch.randperm(size, generator=generator(seed, stream, *numbers))


def seed_global(word: int, device: str | torch.device = "cpu") -> None:
    """Seed torch's global generators of the CPU and of one device; about a microsecond on the CPU.

    `torch.manual_seed` does the same for every backend there is, and takes a hundred times as long.
    """
    torch.random.default_generator.manual_seed(word)
    kind = torch.device(device).type if isinstance(device, str) else device.type
    if kind == "cuda":
        torch.cuda.default_generators[_cuda_index(device)].manual_seed(word)
    elif kind == "mps":
        torch.mps.manual_seed(word)


@contextmanager
def preserved_randomness(device: str | torch.device = "cpu") -> Iterator[None]:
    """Leave torch's global generators as they were found, whatever is drawn inside."""
    device = torch.device(device)
    state = torch.random.default_generator.get_state()
    on_device = torch.cuda.default_generators[_cuda_index(device)] if device.type == "cuda" else None
    device_state = on_device.get_state() if on_device is not None else None
    try:
        yield
    finally:
        torch.random.default_generator.set_state(state)
        if on_device is not None and device_state is not None:
            on_device.set_state(device_state)


def _cuda_index(device: str | torch.device) -> int:
    torch.cuda.init()
    index = torch.device(device).index
    return torch.cuda.current_device() if index is None else index
