"""Where the largest numbers of each row are, without sorting them all."""

import sys

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

SMALL, STRIDE = 1 << 16, 32
"""Keys that are simply partitioned; one in so many tells about where a row's threshold is."""


def largest(
    numbers: Float[Tensor, "*rows numbers"], count: int, *, zeros: bool = True
) -> Bool[Tensor, "*rows numbers"]:
    """The `count` largest absolute values of each row, of equal ones the first.

    Args:
        numbers: finite ones.
        count: how many of each row.
        zeros: whether a zero may be among them.

    Example:
        >>> largest(torch.tensor([[1.0, 3.0, 1.0, 2.0]]), 3)
        tensor([[ True,  True, False,  True]])
    """
    if numbers.device.type == "cpu" and sys.byteorder == "little":
        rows = numbers.detach().float().reshape(-1, numbers.shape[-1]).contiguous()
        return torch.from_numpy(_largest_by_halves(rows.numpy(), count, zeros=zeros)).reshape(numbers.shape)
    sizes = numbers.abs()
    threshold = sizes.kthvalue(sizes.shape[-1] - count + 1, dim=-1, keepdim=True).values
    found = first_of_equals(sizes, threshold, torch.full_like(threshold, count, dtype=torch.long))
    return found if zeros else found & (sizes > 0)


def largest_of_each(
    values: Float[Tensor, "*rows numbers"], counts: Int[Tensor, "*rows 1"]
) -> Bool[Tensor, "*rows numbers"]:
    """The largest of each row, as many as the row's count, of equal ones the first."""
    place = (values.shape[-1] - counts).clamp(max=values.shape[-1] - 1)
    if values.device.type == "cpu":
        # NumPy sorts six times faster than torch.
        ordered = torch.from_numpy(np.sort(values.detach().float().numpy(), axis=-1)).to(values.dtype)
    else:
        ordered = values.sort(dim=-1).values
    return first_of_equals(values, ordered.gather(-1, place), counts)


def first_of_equals(values: Tensor, threshold: Tensor, counts: Tensor) -> Tensor:
    """What is above the threshold, and what equals it as far as a row's count goes."""
    above, equal = values > threshold, values == threshold
    left = counts - above.sum(-1, keepdim=True)
    return above | (equal & (equal.cumsum(-1) <= left))


def _largest_by_halves(rows: np.ndarray, count: int, *, zeros: bool) -> np.ndarray:
    # The upper halves of absolute floats order as they do, and are found in a third of the time.
    # They leave about four of 1536 neurons in doubt, of which the whole number decides.
    keys = rows.view(np.int16)[:, 1::2].copy()
    keys &= np.int16(0x7FFF)
    if keys.size < SMALL or keys.shape[1] % 8:
        threshold = _kth(keys, count)
        found, equal = keys > threshold, keys == threshold
    else:
        threshold, found, equal = _within_a_window(keys, count)
    left = count - _trues(found)
    doubtful = _places(equal)
    row = doubtful // rows.shape[1]
    order = np.lexsort((-np.abs(rows.reshape(-1)[doubtful]), row))
    row = row[order]
    rank = np.arange(len(row)) - np.searchsorted(row, np.arange(len(rows)))[row]
    found.reshape(-1)[doubtful[order[rank < left[row]]]] = True
    if not zeros and not threshold.all():
        found &= rows != 0
    return found


def _kth(keys: np.ndarray, count: int) -> np.ndarray:
    """The `count`-th largest of each row."""
    place = keys.shape[1] - count
    found: np.ndarray = np.partition(keys, place, axis=1)[:, place, None]
    return found


def _within_a_window(keys: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `count`-th largest of each row, and where it is exceeded and reached.

    Some of a row tell about where it is; in a window of bytes around there it is found bit by bit.
    """
    some = keys[:, ::STRIDE].copy()
    guess = (keys.shape[1] - count) // STRIDE
    some.partition(guess, axis=1)
    base = np.maximum(some[:, guess, None] - np.int16(128), np.int16(0))
    distance = keys - base
    window = np.clip(distance, 0, 255, out=distance).astype(np.uint8)
    inside = np.zeros((len(keys), 1), dtype=np.uint8)
    # One mask for all passes: fresh memory would take longer than the comparison.
    mask = np.empty(window.shape, dtype=bool)
    for bit in range(7, -1, -1):
        tried = inside | np.uint8(1 << bit)
        np.greater_equal(window, tried, out=mask)
        enough = _trues(mask) >= count
        inside[enough] = tried[enough]
    threshold = base + inside
    found, equal = window > inside, np.equal(window, inside, out=mask)
    missed = ((inside == 0) | (inside == 255))[:, 0]
    if missed.any():
        threshold[missed] = _kth(keys[missed], count)
        found[missed] = keys[missed] > threshold[missed]
        equal[missed] = keys[missed] == threshold[missed]
    return threshold, found, equal


def _trues(mask: np.ndarray) -> np.ndarray:
    """How many of each row are true; eight are counted at once, as the bytes of one number."""
    if mask.shape[1] % 8:
        return np.count_nonzero(mask, axis=1)
    lanes = mask.view(np.uint64)
    # A byte holds 255 of them.
    sums = [lanes[:, start : start + 255].sum(1) for start in range(0, lanes.shape[1], 255)]
    counts: np.ndarray = sum(one.view(np.uint8).reshape(-1, 8).sum(1, dtype=np.int64) for one in sums)
    return counts


def _places(mask: np.ndarray) -> np.ndarray:
    """Where a mask is true, in one dimension; eight are passed over at once where none is."""
    if mask.size % 8:
        return np.flatnonzero(mask)
    some = np.flatnonzero(mask.reshape(-1).view(np.uint64))
    lane, byte = np.nonzero(mask.reshape(-1, 8)[some])
    return 8 * some[lane] + byte
