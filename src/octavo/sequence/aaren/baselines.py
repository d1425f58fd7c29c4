"""The plain methods that stand beside every learned system, so that a number can be read."""

import math
from dataclasses import dataclass

import numpy as np
from einops import rearrange, repeat
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn


def repeat_last(
    context: Float[Tensor, "batch time channels"], horizon: int
) -> Float[Tensor, "batch horizon channels"]:
    """The forecast that nothing changes.

    Args:
        context: what was seen.
        horizon: steps to forecast.

    Example:
        >>> import torch
        >>> repeat_last(torch.tensor([[[1.0], [2.0]]]), 3).flatten().tolist()
        [2.0, 2.0, 2.0]
    """
    return repeat(context[:, -1], "batch channels -> batch horizon channels", horizon=horizon)


class DecomposedLinear(nn.Module):
    """Two linear maps from the context to the horizon, one of the moving average and one of the rest.

    All channels share them. A context is shifted so that its last value is 0, and its forecast back.

    Args:
        context: steps that are seen.
        horizon: steps that are forecast.
        window: length of the moving average; odd.

    Shape:
        context ``(batch, time, channels)``  ->  forecast ``(batch, horizon, channels)``.

    Example:
        >>> import torch
        >>> DecomposedLinear(24, 12)(torch.zeros(2, 24, 7)).shape
        torch.Size([2, 12, 7])

    Source: DLinear of Zeng et al. 2023, arXiv 2205.13504; the shift is that of its NLinear.
    """

    def __init__(self, context: int, horizon: int, window: int = 25) -> None:
        super().__init__()
        self.smooth = nn.AvgPool1d(window, stride=1)
        self.pad = nn.ReplicationPad1d(window // 2)
        self.trend = nn.Linear(context, horizon)
        self.rest = nn.Linear(context, horizon)
        for layer in (self.trend, self.rest):
            nn.init.constant_(layer.weight, 1 / context)

    def forward(
        self, context: Float[Tensor, "batch time channels"]
    ) -> Float[Tensor, "batch horizon channels"]:
        """The forecast."""
        last = context[:, -1:]
        series = rearrange(context - last, "batch time channels -> batch channels time")
        trend = self.smooth(self.pad(series))
        forecast = self.trend(trend) + self.rest(series - trend)
        return rearrange(forecast, "batch channels horizon -> batch horizon channels") + last


@dataclass(frozen=True)
class MemorylessEvents:
    """Events whose gap and mark depend on nothing: a law of the gaps and the frequencies of the marks.

    Args:
        log_mean: mean of the logarithm of a gap.
        log_deviation: its standard deviation.
        mean: mean gap.
        frequencies: share of each mark.
    """

    log_mean: float
    log_deviation: float
    mean: float
    frequencies: NDArray[np.float64]

    @classmethod
    def fitted(
        cls, gaps: Float[np.ndarray, " events"], marks: Int[np.ndarray, " events"], n_marks: int
    ) -> "MemorylessEvents":
        """Fitted to gaps and marks.

        Args:
            gaps: positive.
            marks: counted from 0.
            n_marks: how many kinds there are; one that never occurs counts as seen once.
        """
        counts = np.bincount(marks, minlength=n_marks) + 1.0
        logs = np.log(gaps)
        return cls(float(logs.mean()), float(logs.std()), float(gaps.mean()), counts / counts.sum())

    def poisson(
        self, gaps: Float[np.ndarray, " events"], marks: Int[np.ndarray, " events"]
    ) -> Float[np.ndarray, " events"]:
        """Negative log-likelihood of each event when gaps are exponential."""
        return gaps / self.mean + math.log(self.mean) - np.log(self.frequencies[marks])

    def log_normal(
        self, gaps: Float[np.ndarray, " events"], marks: Int[np.ndarray, " events"]
    ) -> Float[np.ndarray, " events"]:
        """Negative log-likelihood of each event when the logarithms of gaps are normal."""
        standard = (np.log(gaps) - self.log_mean) / self.log_deviation
        density = 0.5 * standard**2 + math.log(self.log_deviation * math.sqrt(2 * math.pi)) + np.log(gaps)
        return density - np.log(self.frequencies[marks])


def majority(labels: Int[np.ndarray, " n"], test: Int[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """Which test items have the commonest training label, as 0 and 1.

    Example:
        >>> majority(np.array([0, 1, 1]), np.array([1, 0])).tolist()
        [1.0, 0.0]
    """
    return (test == np.bincount(labels).argmax()).astype(np.float64)
