"""What evaluations decide: which weights were best, and when to stop."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from octavo.errors import OctavoError

# Names that mean "smaller is better" to everybody; taking the highest of them must be said.
_DESCENDING = ("loss", "error", "mse", "mae", "rmse", "nll", "perplexity", "bits", "seconds")


@dataclass(frozen=True)
class Goal:
    """A number of an evaluation and the direction in which it is better.

    Example:
        >>> Goal.parse("min loss").better(0.1, than=0.2), Goal.parse("accuracy").better(0.1, than=0.2)
        (True, False)
    """

    metric: str
    lowest: bool

    @classmethod
    def parse(cls, text: str) -> "Goal":
        """Read `accuracy`, `max accuracy` or `min loss`.

        Raises:
            OctavoError: a bare name of which the lowest is usually meant.
        """
        first, _, rest = text.partition(" ")
        if first in ("min", "max") and rest:
            return cls(rest, first == "min")
        if any(word in text.lower() for word in _DESCENDING):
            raise OctavoError(f"is a high or a low {text!r} better? Say 'min {text}' or 'max {text}'")
        return cls(text, lowest=False)

    def better(self, value: float, than: float, by: float = 0.0) -> bool:
        """Whether a value is better than another by more than a margin; nan is worse than everything."""
        if math.isnan(value):
            return False
        if math.isnan(than):
            return True
        return value < than - by if self.lowest else value > than + by

    def read(self, numbers: Mapping[str, float]) -> float:
        """The metric among the numbers of an evaluation.

        Raises:
            OctavoError: the evaluation does not have it.
        """
        if self.metric not in numbers:
            raise OctavoError(
                f"the evaluation has no {self.metric!r}, it has {', '.join(numbers) or 'nothing'}"
            )
        return numbers[self.metric]


@dataclass(frozen=True)
class EarlyStop:
    """Stop a training when a metric has not become better for a number of evaluations.

    Args:
        metric: `"accuracy"` or `"max accuracy"` for the highest, `"min loss"` for the lowest.
        patience: how many evaluations in a row may bring nothing new.
        margin: by how much better an evaluation must be to count.
    """

    metric: str
    patience: int = 3
    margin: float = 0.0


class Watch:
    """Follows the evaluations of one training; its state is part of the checkpoint."""

    def __init__(self, early_stop: EarlyStop | None, keep_best: str | None) -> None:
        self._stop = early_stop
        self._stop_goal = Goal.parse(early_stop.metric) if early_stop else None
        self._keep_goal = Goal.parse(keep_best) if keep_best else None
        self._mark = math.nan
        self._waited = 0
        self.best: dict[str, float] | None = None

    @property
    def stopped(self) -> bool:
        """Whether patience is at its end."""
        return self._stop is not None and self._waited >= self._stop.patience

    def see(self, evaluation: Mapping[str, float]) -> bool:
        """Take note of an evaluation, and say whether its weights are the best so far."""
        if self._stop and self._stop_goal:
            value = self._stop_goal.read(evaluation)
            if self._stop_goal.better(value, self._mark, by=self._stop.margin):
                self._mark, self._waited = value, 0
            else:
                self._waited += 1
        goal = self._keep_goal or self._stop_goal
        if goal is None:
            return False
        value = goal.read(evaluation)
        if self.best is None or goal.better(value, goal.read(self.best)):
            self.best = dict(evaluation)
            return self._keep_goal is not None
        return False

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training has to know."""
        return {"mark": self._mark, "waited": self._waited, "best": self.best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._mark, self._waited, self.best = state["mark"], state["waited"], state["best"]
