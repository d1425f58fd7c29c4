"""Training of many restarts as one ensemble, with or without noise."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from octavo.lab import Fit, Lab
from octavo.lab.context import Context
from octavo.lab.state import State
from octavo.learning.gradient_noise.ensemble import Ensemble, clip_each_copy_
from octavo.learning.gradient_noise.noise import GradientNoise
from octavo.learning.gradient_noise.schedule import NoiseSchedule

Losses = Callable[[Ensemble, Any, Context], Float[Tensor, " copies"]]
Numbers = Mapping[str, Float[Tensor, " copies"]]


def restarts(lab: Lab, count: int, make: Callable[[], nn.Module]) -> Ensemble:
    """An ensemble whose member i is initialised as that of every other system with the same i.

    Args:
        lab: whose seed decides the initialisations.
        count: of members.
        make: one member.
    """
    models = []
    with torch.random.fork_rng(devices=[]):
        for index in range(count):
            torch.manual_seed(lab.key("init", index))
            models.append(make())
    return Ensemble(models).to(lab.device)


def train(
    lab: Lab,
    name: str,
    ensemble: Ensemble,
    losses: Losses,
    data: Any,
    *,
    noise: NoiseSchedule | None,
    steps: int,
    batch_size: int,
    lr: float,
    optimizer: type[Optimizer] = torch.optim.SGD,
    clip_norm: float | None = None,
    decay: Callable[[float], float] = lambda progress: 1.0,
    evaluate: Callable[[Ensemble], Numbers] | None = None,
    evaluate_every: int | None = None,
) -> Fit:
    """Train all members, each as if it were alone: with its own clipping, its own noise, on the same batches.

    Args:
        lab: of the unit.
        name: for the person who watches.
        ensemble: trained in place.
        losses: of a batch, one a member.
        data: what `Loop` takes.
        noise: the schedule, or None for the bare optimizer.
        steps, batch_size, lr: of the training.
        optimizer: of torch, made with lr alone.
        clip_norm: the longest gradient of a member.
        decay: the learning rate's factor as a function of progress in [0, 1).
        evaluate: numbers a member.
        evaluate_every: after how many steps.
    """
    made = optimizer(ensemble.parameters(), lr=lr)  # type: ignore[call-arg]
    state = State(model=ensemble, optimizer=made)
    if noise is not None:
        generator = torch.Generator(lab.device).manual_seed(lab.key("noise"))
        state = State(
            model=ensemble,
            optimizer=made,
            noise=GradientNoise(made, generator=generator, schedule=noise),
        )

    def step(state: State, batch: Any, context: Context) -> Mapping[str, Tensor | float]:
        for group in made.param_groups:
            group["lr"] = lr * decay(context.progress)
        each = losses(state.model, batch, context)
        context.backward(each.sum())
        if clip_norm is not None:
            clip_each_copy_(state.model.parameters(), clip_norm)
        context.update(made)
        # A member that diverged is a bad result of its own and must not end the others.
        return {"loss": each.detach().nan_to_num(0.0, 0.0, 0.0).mean()}

    def evaluated(state: State) -> dict[str, float]:
        assert evaluate is not None
        return {
            f"{key}_{index}": float(value)
            for key, values in evaluate(state.model).items()
            for index, value in enumerate(values)
        }

    ensemble.train()
    try:
        return lab.loop(
            name,
            step,
            state,
            data,
            steps=steps,
            batch_size=batch_size,
            evaluate=None if evaluate is None else evaluated,
            evaluate_every=evaluate_every,
        )
    finally:
        ensemble.eval()


def course(fit: Fit, key: str, count: int) -> tuple[Sequence[int], Float[Tensor, "evaluations copies"]]:
    """A number of every member at every evaluation, with the steps of these.

    Args:
        fit: of `train`.
        key: the number's name.
        count: members.
    """
    steps = [int(each["step"]) for each in fit.evaluations]
    return steps, torch.tensor(
        [[each[f"{key}_{index}"] for index in range(count)] for each in fit.evaluations], dtype=torch.float64
    )


def cosine(progress: float) -> float:
    """A factor that falls from 1 to 0.

    Args:
        progress: in [0, 1].

    Example:
        >>> cosine(0.0), cosine(0.5), cosine(1.0)
        (1.0, 0.5, 0.0)
    """
    return round((1 + math.cos(math.pi * progress)) / 2, 12)
