"""The interval over items: how much a number would move on another set of test examples of the same kind."""

import hashlib
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from octavo.errors import OctavoError

Z = 1.959963984540054
"""The 97.5% point of the normal distribution."""
RESAMPLES = 2000
LARGE = 5000
"""From here on the mean is normal for all purposes, and resampling would only cost time."""


def as_items(values: Any) -> np.ndarray:
    """The values of items as one flat array: of bool where all are 0 or 1, else of float64.

    Args:
        values: a sequence, an array, or a tensor on any device.

    Raises:
        OctavoError: no values at all.

    Example:
        >>> as_items([1, 0, 1]).dtype
        dtype('bool')
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().float() if not _is_wide(values) else values.detach().cpu()
    array = np.asarray(values).reshape(-1)
    if array.size == 0:
        raise OctavoError(
            "lab.record was given items without a value. Give one value a test example, or None."
        )
    if array.dtype == np.bool_:
        return array
    array = array.astype(np.float64)
    return array.astype(np.bool_) if bool(np.isin(array, (0.0, 1.0)).all()) else array


def _is_wide(tensor: Any) -> bool:
    return str(tensor.dtype) in {"torch.float64", "torch.bool", "torch.int64", "torch.int32", "torch.uint8"}


def interval(value: float, items: np.ndarray) -> tuple[float, float]:
    """The 95% interval over items of a number that summarises them.

    The number is recognised as the items' mean, sum, median, root mean square, or the exponential of their
    mean (a perplexity). A mean of 0/1 values gets Wilson's interval, a median the exact one of its order
    statistics, the others the BCa bootstrap. A number that is none of these has no interval: (NaN, NaN).

    Example:
        >>> low, high = interval(0.5, as_items([0, 1] * 50))
        >>> round(low, 3), round(high, 3)
        (0.404, 0.596)
    """
    nothing = (math.nan, math.nan)
    numbers = items.astype(np.float64)
    count = len(numbers)
    if count < 2 or not math.isfinite(value) or not np.isfinite(numbers).all():
        return nothing
    mean = float(numbers.mean())
    if items.dtype == np.bool_ and _close(value, mean):
        return _wilson(mean, count)
    means: tuple[tuple[float, np.ndarray, Callable[[float], float]], ...] = (
        (mean, numbers, lambda of_mean: of_mean),
        (mean * count, numbers, lambda of_mean: of_mean * count),
        (math.sqrt(float((numbers**2).mean())), numbers**2, lambda of_mean: math.sqrt(max(of_mean, 0.0))),
        (math.exp(min(mean, 700.0)), numbers, lambda of_mean: math.exp(min(of_mean, 700.0))),
    )
    if not _close(value, mean) and _close(value, float(np.median(numbers))):
        return _median(numbers)
    for summary, summands, back in means:
        if _close(value, summary):
            low, high = _mean_interval(summands)
            return back(low), back(high)
    return nothing


def pack(items: np.ndarray) -> tuple[str, bytes]:
    """The file name and the bytes of the items; equal items have equal names, wherever they were made.

    Example:
        >>> name, content = pack(as_items([0.5, 1.5]))
        >>> name.startswith("items/") and name.endswith(".npz")
        True
    """
    digest = hashlib.sha256(str(items.dtype).encode() + items.tobytes()).hexdigest()[:16]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, values=items)
    return f"items/{digest}.npz", buffer.getvalue()


def _close(value: float, summary: float) -> bool:
    # The experiment may have summed in float32.
    return math.isclose(value, summary, rel_tol=1e-4, abs_tol=1e-7)


def _wilson(share: float, count: int) -> tuple[float, float]:
    square = Z * Z / count
    centre = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, centre - half), min(1.0, centre + half)


def _median(numbers: np.ndarray) -> tuple[float, float]:
    from scipy.stats import binom

    ordered = np.sort(numbers)
    below = int(binom.ppf(0.025, len(ordered), 0.5))
    return float(ordered[max(below - 1, 0)]), float(ordered[min(len(ordered) - below, len(ordered) - 1)])


def _mean_interval(numbers: np.ndarray) -> tuple[float, float]:
    mean, spread, count = float(numbers.mean()), float(numbers.std(ddof=1)), len(numbers)
    if spread == 0.0:
        return mean, mean
    if count > LARGE:
        half = Z * spread / math.sqrt(count)
        return mean - half, mean + half
    from scipy.special import ndtr, ndtri

    generator = np.random.Generator(np.random.Philox(0))
    means = np.sort(
        np.concatenate(
            [
                numbers[generator.integers(0, count, size=(RESAMPLES // 20, count))].mean(axis=1)
                for _ in range(20)
            ]
        )
    )
    share_below = np.clip((means < mean).mean(), 1 / RESAMPLES, 1 - 1 / RESAMPLES)
    bias = float(ndtri(share_below))
    deviations = numbers - mean
    acceleration = float((deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5))
    shares = [float(ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))) for z in (-Z, Z)]
    low, high = np.quantile(means, shares)
    return float(low), float(high)
