"""Random numbers without a state: 64 bits that depend on a seed, a stream's name and numbers alone."""

import hashlib
import operator
from functools import lru_cache
from typing import SupportsIndex

_MASK = (1 << 64) - 1
# The constants of SplitMix64: the odd integer nearest to 2^64 divided by the golden ratio, and two
# multipliers.
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


def mix(word: int) -> int:
    """The output function of SplitMix64, a bijection: each input bit moves half of the output.

    Args:
        word: a number in [0, 2^64).

    Example:
        >>> hex(mix(0x9E3779B97F4A7C15))  # the first output of SplitMix64 with seed 0
        '0xe220a8397b1dcdaf'

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    word = ((word ^ (word >> 30)) * _FIRST) & _MASK
    word = ((word ^ (word >> 27)) * _SECOND) & _MASK
    return word ^ (word >> 31)


def _word(number: SupportsIndex) -> int:
    value = operator.index(number)
    if not -(1 << 63) <= value <= _MASK:
        raise ValueError(f"a key is made from 64-bit numbers, got {value}; take it modulo 2**64 first")
    return value & _MASK


@lru_cache(maxsize=1024)
def _stream(seed: int, stream: str) -> int:
    # Python's own hash of a string differs from process to process.
    name = int.from_bytes(hashlib.blake2b(stream.encode(), digest_size=8).digest(), "little")
    return mix((mix((_word(seed) + _GOLDEN) & _MASK) ^ name) + _GOLDEN & _MASK)


def key(seed: int, stream: str, *numbers: SupportsIndex) -> int:
    """64 random bits, a function of seed, stream and numbers alone: the same in every process.

    Args:
        seed: the seed of the run.
        stream: what the randomness is for, say `"order"`; two streams have nothing to do with each other.
        numbers: where in the stream: a step, an epoch, the index of a sample. `key(s, "a")` and `key(s, "a",
            0)` differ.

    Raises:
        ValueError: a number does not fit into 64 bits.

    Example:
        >>> key(0, "noise", 3) == key(0, "noise", 3)
        True
        >>> len({key(0, "noise", step) for step in range(1000)})
        1000
    """
    state = _stream(operator.index(seed), stream)
    for number in numbers:
        state = mix(((state ^ mix((_word(number) + _GOLDEN) & _MASK)) + _GOLDEN) & _MASK)
    return state
