"""What comes of a training: its numbers, or the step at which it broke."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from octavo.errors import RunFailed

Status = Literal["done", "stopped", "timeout"]


class Diverged(RunFailed):
    """A loss became infinite or not a number.

    Args:
        fit: the training.
        step: the first step with such a loss.
        indices: the samples of that step.
    """

    def __init__(self, fit: str, step: int, indices: Sequence[int] = ()) -> None:
        some = ", ".join(str(index) for index in indices[:8]) + (", ..." if len(indices) > 8 else "")
        samples = f" on samples {some}" if indices else ""
        super().__init__(
            f"{fit}: the loss is not finite at step {step}{samples}; "
            "lower the learning rate, clip gradients or check the data"
        )
        self.fit, self.step, self.indices = fit, step, tuple(indices)

    def __reduce__(self) -> tuple[type["Diverged"], tuple[str, int, tuple[int, ...]]]:
        # An exception of several arguments does not cross a process by itself.
        return type(self), (self.fit, self.step, self.indices)


@dataclass(frozen=True)
class Fit:
    """What came of a training.

    Attributes:
        name: of the training.
        status: `done`; `stopped` early because evaluations no longer improved; `timeout` at `max_seconds`.
        steps: how many steps were made.
        seconds: how long they took, over all sessions, with evaluation.
        history: by name, one number a step; nan where a step did not return it.
        evaluations: the numbers of each evaluation and the `step` after which it was made.
        best: the best evaluation by `keep_best` or `early_stop`, or None.
        folder: where it is kept, or None.
    """

    name: str
    status: Status
    steps: int
    seconds: float
    history: dict[str, list[float]] = field(repr=False)
    evaluations: list[dict[str, float]] = field(repr=False)
    best: dict[str, float] | None
    folder: Path | None
