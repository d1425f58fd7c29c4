"""Before a run: will the noise start layers that have no gradient, and when?"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer

from octavo.learning.gradient_noise.schedule import (
    NoiseSchedule,
    Schedule,
    adaptive_takeoff,
    walk_by_steps,
)

EARLIEST, LATEST = 0.01, 1.0
"""The share of a run in which a take-off is of use: earlier the walk overshoots, later it does not arrive."""


@dataclass(frozen=True)
class EffectiveInit:
    """The noise seen as an initialiser.

    Args:
        takeoff: for each number of inputs of a layer, the step at which noise alone gives its weights the
        variance
            2 / inputs.
        window: for each, the steps at which it has half and twice that variance.
        steps: of the run.
        fan_in: the number of inputs that most layers have: the one that the advice is about.
        advice: what to change; empty where nothing is to be said.
    """

    takeoff: Mapping[int, float]
    window: Mapping[int, tuple[float, float]]
    steps: int
    fan_in: int
    advice: str = ""

    @property
    def useful(self) -> bool:
        """Whether most layers take off within the useful part of the run."""
        return not self.advice


def effective_init(
    optimizer: Optimizer,
    schedule_of: Callable[[Mapping[str, Any]], Schedule],
    lr: float | None,
    steps: int,
) -> EffectiveInit:
    """The take-off of every layer of an optimizer; see `GradientNoise.effective_init`.

    Args:
        optimizer: whose weights of two or more axes count as layers; the first axis is that of the outputs.
        schedule_of: from a group to its schedule.
        lr: the learning rate, or None for that of each group.
        steps: of the run.

    Raises:
        TypeError: how this optimizer moves a weight by noise alone is not known here.
    """
    if steps < 1:
        raise ValueError(f"steps={steps} must be at least 1: the length of the run")
    takeoff: dict[int, float] = {}
    window: dict[int, tuple[float, float]] = {}
    layers: Counter[int] = Counter()
    for group in optimizer.param_groups:
        rate = float(group["lr"] if lr is None else lr)
        step_at = _step_at(optimizer, group, schedule_of(group), rate, steps)
        for param in group["params"]:
            if param.ndim < 2 or not param.requires_grad or not param.numel():
                continue
            inputs = param.numel() // param.shape[0]
            layers[inputs] += 1
            takeoff[inputs] = step_at(inputs, 1.0)
            window[inputs] = (step_at(inputs, 0.5), step_at(inputs, 2.0))
    # A gain that is off by a factor multiplies through the layers that are alike; a single one can be made
    # good.
    most = layers.most_common(1)[0][0] if layers else 0
    advice = _advice(most, takeoff[most], steps) if layers else ""
    return EffectiveInit(takeoff, window, steps, most, advice)


def _step_at(
    optimizer: Optimizer, group: Mapping[str, Any], schedule: Schedule, lr: float, steps: int
) -> Callable[[int, float], float]:
    """From the inputs of a layer and a factor to the step at which the walk has factor * 2 / inputs."""
    if "betas" in group:
        return lambda inputs, factor: adaptive_takeoff(lr, inputs, factor=factor)
    if "momentum" not in group or "dampening" not in group:
        raise TypeError(
            f"the walk by noise alone is known for SGD and the family of Adam, not for "
            f"{type(optimizer).__name__}; try SGD, or measure the weights' variance"
        )
    momentum = float(group["momentum"])
    if isinstance(schedule, NoiseSchedule):
        return lambda inputs, factor: schedule.takeoff(lr, inputs, momentum=momentum, factor=factor)
    walk = walk_by_steps(schedule, lr / (1 - momentum), steps)

    def searched(inputs: int, factor: float) -> float:
        arrived = (walk >= factor * 2 / inputs).nonzero()[0]
        return float(arrived[0]) if len(arrived) else math.inf

    return searched


def _advice(inputs: int, takeoff: float, steps: int) -> str:
    if takeoff < EARLIEST * steps:
        problem = "too soon, and will overshoot: use a smaller eta or learning rate"
    elif takeoff > LATEST * steps:
        problem = "not within the run: use a larger eta or learning rate, or more steps"
    else:
        return ""
    if not math.isfinite(takeoff):
        return f"layers of {inputs} inputs never take off: use a larger eta or learning rate"
    return f"layers of {inputs} inputs take off at step {takeoff:,.0f} of {steps:,}, {problem}"
