"""How the learning rate changes over a training."""

import math
from collections.abc import Callable
from typing import Literal

from octavo.errors import OctavoError

Shape = Literal["constant", "cosine", "linear"] | Callable[[float], float]

_SHAPES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)),
    "linear": lambda progress: 1.0 - progress,
}


class Schedule:
    """The factor by which the learning rate is multiplied at each step.

    During the warm-up step t has the factor (t + 1) / warmup_steps. After it the factor is shape(p) with
    p = (t - warmup_steps) / (steps - warmup_steps), so the last step still moves the weights.

    Args:
        shape: `constant`, `cosine` (to 0), `linear` (to 0), or a function of progress in [0, 1).
        steps: how many steps the training has.
        warmup_steps: over how many the rate first rises linearly.

    Raises:
        OctavoError: the shape is unknown, or the warm-up is longer than the training.

    Example:
        >>> schedule = Schedule("linear", steps=6, warmup_steps=2)
        >>> [schedule(step) for step in range(6)]
        [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """

    def __init__(self, shape: Shape, steps: int, warmup_steps: int = 0) -> None:
        if isinstance(shape, str) and shape not in _SHAPES:
            raise OctavoError(
                f"schedule={shape!r} is unknown; use one of {', '.join(_SHAPES)}, or a function of progress"
            )
        if not 0 <= warmup_steps <= steps:
            raise OctavoError(
                f"warmup_steps={warmup_steps} must be between 0 and the {steps} steps of the training"
            )
        self._shape = _SHAPES[shape] if isinstance(shape, str) else shape
        self.constant = shape == "constant" and warmup_steps == 0
        self.steps = steps
        self.warmup_steps = warmup_steps

    def __call__(self, step: int) -> float:
        """The factor of a step, from 0."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        return self._shape((step - self.warmup_steps) / max(1, self.steps - self.warmup_steps))
