"""How strong the noise is at each step, and what it alone does to the weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Schedule = Callable[[int], float]
"""From a step, counted from 0, to the standard deviation of the noise."""

EXACT_TERMS = 1000
"""Terms of the sum of variances that are added one by one; the integral gives the others to nine digits."""


@dataclass(frozen=True)
class NoiseSchedule:
    r"""The paper's annealed noise: at step t its variance is eta / (1 + t)^gamma.

    With plain SGD and no gradient at all, the noise makes every weight a random walk of variance

        V(t) = lr^2 sum_{s < t} eta / (1 + s)^gamma,

    which `walk_variance` gives. A ReLU layer with m inputs hands signals on when its weights have a variance
    near 2/m, so the walk is an initialiser: it takes off at the step where V(t) = 2/m, which `takeoff` gives.

    Args:
        eta: variance at the first step. The paper tries 0.01, 0.3 and 1.0.
        gamma: how fast it falls; 0 never, the paper has 0.55.

    Raises:
        ValueError: eta or gamma is negative or not finite.

    Example:
        >>> schedule = NoiseSchedule(eta=0.3)
        >>> schedule.variance(0), round(schedule.variance(9999), 6)
        (0.3, 0.001893)
        >>> round(schedule.takeoff(lr=0.05, fan_in=50))
        1250

    Paper: arXiv 1511.06807, section 3. The walk is not in the paper.
    """

    eta: float = 0.3
    gamma: float = 0.55

    def __post_init__(self) -> None:
        for name, value, good in (("eta", self.eta, "0.01, 0.3 or 1.0"), ("gamma", self.gamma, "0.55")):
            if not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
                raise ValueError(f"{name}={value} must be a number of at least 0; the paper takes {good}")

    @classmethod
    def fixed(cls, eta: float) -> "NoiseSchedule":
        """Noise that keeps its variance: what the paper compares with."""
        return cls(eta, gamma=0.0)

    def __call__(self, step: int) -> float:
        """The standard deviation: any function of a step can stand in a schedule's place."""
        return self.std(step)

    def variance(self, step: int) -> float:
        """eta / (1 + step)^gamma."""
        if step < 0:
            raise ValueError(f"step={step} is counted from 0")
        return self.eta / (1.0 + step) ** self.gamma

    def std(self, step: int) -> float:
        """The root of the variance: what a normal number is multiplied by."""
        return math.sqrt(self.variance(step))

    def walk_variance(self, lr: float, steps: int | float, *, momentum: float = 0.0) -> float:
        """V(steps): the variance of a weight that SGD moves by noise alone.

        Args:
            lr: the learning rate.
            steps: how many steps, or a fraction between two.
            momentum: of SGD, which moves each weight 1 / (1 - momentum) times as far in the end.
        """
        return (lr / (1 - momentum)) ** 2 * self.eta * _sum_of_powers(steps, self.gamma)

    def takeoff(self, lr: float, fan_in: int, *, momentum: float = 0.0, factor: float = 1.0) -> float:
        """The step at which V reaches `factor` times 2 / fan_in; infinite where it never does.

        Args:
            lr: the learning rate.
            fan_in: inputs of the layer.
            momentum: of SGD.
            factor: 0.5 and 2 give the ends of the window in which signals pass.

        Raises:
            ValueError: the layer has no input, the rate is negative or no number, or the momentum is not in
                [0, 1).
        """
        if fan_in < 1:
            raise ValueError(f"fan_in={fan_in} must be at least 1: the inputs of a layer")
        _check_rate(lr, momentum)
        wanted = factor * 2.0 / fan_in

        def reached(steps: int | float) -> bool:
            return self.walk_variance(lr, steps, momentum=momentum) >= wanted

        return _first(reached)


def walk_by_steps(schedule: Schedule, lr: float, steps: int) -> np.ndarray:
    """V(0), ..., V(steps) of any schedule, summed step by step.

    Args:
        schedule: from a step to a standard deviation.
        lr: the learning rate of plain SGD.
        steps: how many.

    Example:
        >>> walk_by_steps(NoiseSchedule(0.3), 0.05, 2).round(6).tolist()
        [0.0, 0.00075, 0.001262]
    """
    variances = np.array([schedule(step) ** 2 for step in range(steps)])
    return lr**2 * np.concatenate([[0.0], np.cumsum(variances)])


def _check_rate(lr: float, momentum: float = 0.0) -> None:
    """Refuse what no weight walks by."""
    if not (math.isfinite(lr) and lr >= 0):
        raise ValueError(f"lr={lr} must be a number of at least 0; 0.05 is a good one for SGD")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum={momentum} must lie in [0, 1)")


def adaptive_walk_variance(lr: float, steps: int | float) -> float:
    """The same under Adam, which divides noise by its size: each step moves by about lr, whatever eta is."""
    return lr**2 * steps


def adaptive_takeoff(lr: float, fan_in: int, *, factor: float = 1.0) -> float:
    """The step at which Adam's walk reaches `factor` times 2 / fan_in."""
    _check_rate(lr)
    return factor * 2.0 / (fan_in * lr**2) if lr > 0 else math.inf


def _sum_of_powers(terms: int | float, gamma: float) -> float:
    """sum of (1 + s)^-gamma over s < terms, by Euler and Maclaurin behind the first terms."""
    whole = int(min(terms, EXACT_TERMS))
    head = float((np.arange(1, whole + 1, dtype=np.float64) ** -gamma).sum())
    if terms <= EXACT_TERMS:
        return head + (terms - whole) * (1.0 + whole) ** -gamma
    first, last = float(EXACT_TERMS), float(terms)
    if abs(gamma - 1) < 1e-12:
        integral = math.log(last / first)
    else:
        integral = (last ** (1 - gamma) - first ** (1 - gamma)) / (1 - gamma)
    ends = (last**-gamma - first**-gamma) / 2
    slopes = gamma * (first ** (-gamma - 1) - last ** (-gamma - 1)) / 12
    return head + integral + ends + slopes


def _first(reached: Callable[[float], bool], limit: float = 1e15) -> float:
    """The smallest number for which a rising condition is true."""
    high = 1.0
    while not reached(high):
        high *= 2
        if high > limit:
            return math.inf
    low = 0.0
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
