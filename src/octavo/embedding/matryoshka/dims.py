"""Sizes of nested embeddings, and cutting an embedding to one of them."""

import warnings
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Vectors = TypeVar("Vectors", Tensor, np.ndarray)
EPS = 1e-12


def nested_dims(d: int, smallest: int = 8) -> tuple[int, ...]:
    """The nesting list of an embedding: its size, halved again and again down to the smallest.

    Args:
        d: size of the whole embedding.
        smallest: no size is smaller; the paper has 8 for 2048 and 12 for 768.

    Returns:
        The sizes in rising order; `d` is the last.

    Raises:
        ValueError: `d` or `smallest` is no whole number or below 1, or `smallest` is beyond `d`.

    Example:
        >>> nested_dims(2048)
        (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
        >>> nested_dims(768, smallest=12)
        (12, 24, 48, 96, 192, 384, 768)

    Source: arXiv 2205.13147, section 3.
    """
    if not all(isinstance(size, Integral) for size in (d, smallest)) or not 1 <= smallest <= d:
        raise ValueError(f"nested_dims needs 1 <= smallest <= d, got d={d} and smallest={smallest}")
    sizes = [d]
    while sizes[-1] // 2 >= smallest:
        sizes.append(sizes[-1] // 2)
    return tuple(sizes[::-1])


def checked_dims(dims: Sequence[int], d: int | None = None) -> tuple[int, ...]:
    """The sizes in rising order, once they are known to be a nesting list.

    Args:
        dims: sizes in any order.
        d: size of the embedding, where it is known.

    Raises:
        ValueError: no size, a size twice, one that is not a positive whole number, or one beyond `d`.
    """
    if not isinstance(dims, Sequence | np.ndarray | Tensor):
        raise ValueError(f"dims={dims!r} must be a list of sizes, such as nested_dims(384)")
    given = dims.tolist() if isinstance(dims, np.ndarray | Tensor) else dims
    if any(isinstance(size, bool) or not isinstance(size, Integral) or size < 1 for size in given):
        raise ValueError(f"dims={tuple(dims)} must be positive whole numbers")
    sizes = tuple(sorted(given))
    if not sizes:
        raise ValueError("dims is empty; give at least one size, such as nested_dims(384)")
    if len(set(sizes)) != len(sizes):
        raise ValueError(f"dims={tuple(dims)} has a size twice; give each once")
    if d is not None and sizes[-1] > d:
        raise ValueError(f"dims={tuple(dims)} goes beyond the embedding, which has {d} numbers")
    if d is not None and sizes[-1] < d:
        warnings.warn(
            f"the whole embedding ({d}) is not in dims={sizes}: it is not trained, and decays; add {d}",
            stacklevel=3,
        )
    return tuple(int(size) for size in sizes)


def warn_unless_halving(sizes: Sequence[int], stacklevel: int) -> None:
    """Warn where a nesting list is no chain of halves.

    Sizes between two that are trained work because these lie close together; the paper halves consistently.

    Args:
        sizes: in rising order.
        stacklevel: of the warning, as `warnings.warn` counts.
    """
    if any(high // 2 != low for low, high in pairwise(sizes)):
        warnings.warn(
            f"dims={tuple(sizes)} is no chain of halves, such as nested_dims({sizes[-1]}) is: the paper "
            "halves consistently, and what lies in a wider gap is trained less",
            stacklevel=stacklevel,
        )


def checked_weights(weights: Sequence[float] | None, number: int) -> tuple[float, ...]:
    """The weights c_m, all 1 unless given.

    Args:
        weights: one a size, or None.
        number: of sizes.

    Raises:
        ValueError: there is another number of weights than of sizes, or one is negative or not finite.
    """
    if weights is None:
        return (1.0,) * number
    if len(weights) != number:
        raise ValueError(f"{len(weights)} weights came for {number} sizes; give one a size")
    if not all(0 <= weight < float("inf") for weight in weights):
        raise ValueError(f"weights={tuple(weights)} must be finite and not negative")
    return tuple(float(weight) for weight in weights)


def sorted_pairs(
    dims: Sequence[int], weights: Sequence[float] | None, d: int | None = None
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Sizes in rising order, each still with its weight; warns where they are no chain of halves.

    Args:
        dims: sizes in any order.
        weights: one a size, in the order of `dims`; None for 1.
        d: size of the embedding, where it is known.

    Raises:
        ValueError: as of `checked_dims` and `checked_weights`.
    """
    sizes = checked_dims(dims, d)
    given = checked_weights(weights, len(dims))
    order = sorted(range(len(dims)), key=lambda place: dims[place])
    warn_unless_halving(sizes, stacklevel=4)
    return sizes, tuple(given[place] for place in order)


def truncate(x: Vectors, dim: int, normalize: bool = True) -> Vectors:
    """The first numbers of embeddings: an embedding by themselves.

    The result is normalised again, since the beginning of a unit vector is shorter than one. A beginning of
    zeros stays zero.

    Args:
        x: embeddings along the last axis, a torch tensor or a numpy array.
        dim: how many numbers are kept.
        normalize: scale each result to length one; without it, cosine similarity still works, the dot
            product and Euclidean distance do not.

    Returns:
        The same kind and dtype, ``(..., dim)``.

    Raises:
        ValueError: `dim` is no whole number, below 1, or beyond the embedding; or it holds no floating point
            numbers, and so no vector of length one.

    Example:
        >>> truncate(np.array([3.0, 4.0, 12.0]), 2)
        array([0.6, 0.8])

    Source: arXiv 2205.13147, section 3, and appendix on retrieval (vectors are normalised at each size).
    """
    if not isinstance(x, Tensor | np.ndarray):
        raise ValueError(f"a tensor or an array is needed, got {type(x).__name__}")
    if x.ndim < 1 or isinstance(dim, bool) or not isinstance(dim, Integral) or not 1 <= dim <= x.shape[-1]:
        raise ValueError(f"dim={dim} cannot be cut from an array of shape {tuple(x.shape)}")
    first = x[..., :dim]
    if not normalize:
        return first
    floating = x.is_floating_point() if isinstance(x, Tensor) else np.issubdtype(x.dtype, np.floating)
    if not floating:
        raise ValueError(f"floating point numbers are needed to normalise, got {x.dtype}; convert them first")
    if isinstance(first, np.ndarray):
        wide = first.astype(np.float32) if first.dtype == np.float16 else first
        lengths = np.sqrt(np.square(wide).sum(axis=-1, keepdims=True))
        return (wide / np.maximum(lengths, EPS)).astype(first.dtype)
    # In half precision neither the squares nor eps would survive.
    wide_tensor = first.float() if first.dtype in (torch.float16, torch.bfloat16) else first
    return F.normalize(wide_tensor, dim=-1, eps=EPS).to(first.dtype)
