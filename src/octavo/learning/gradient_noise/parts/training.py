"""How restarts begin, and how they are trained with and without noise."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from octavo.lab import Fit, Lab
from octavo.lab.state import State
from octavo.learning.gradient_noise.noise import GradientNoise
from octavo.learning.gradient_noise.schedule import NoiseSchedule
from octavo.nn import Ensemble, EnsembleStep, numbered, restarts
from octavo.nn.restarts import Losses


def members(lab: Lab, count: int, make: Callable[[], nn.Module]) -> Ensemble:
    """Restarts that begin alike for every system of this unit."""
    return restarts([lab.key("init", index) for index in range(count)], make).to(lab.device)


def train(
    lab: Lab,
    name: str,
    ensemble: Ensemble,
    losses: Losses,
    data: Any,
    noise: NoiseSchedule | None,
    optimizer: Callable[..., torch.optim.Optimizer],
    rate: float,
    evaluate: Callable[[Ensemble], Mapping[str, Tensor]] | None = None,
    clip_norm: float | None = None,
    decay: Callable[[float], float] = lambda progress: 1.0,
    **settings: Any,
) -> Fit:
    """Train all members on the same batches, and leave them in evaluation mode."""
    made = optimizer(ensemble.parameters(), lr=rate)
    parts: dict[str, Any] = {"model": ensemble, "optimizer": made}
    if noise is not None:
        generator = torch.Generator(lab.device).manual_seed(lab.key("noise"))
        parts["noise"] = GradientNoise(made, generator=generator, schedule=noise)
    step = EnsembleStep(losses, made, clip_norm=clip_norm, decay=decay)
    evaluated = None if evaluate is None else lambda state: numbered(evaluate(state.model))
    ensemble.train()
    try:
        return lab.loop(name, step, State(**parts), data, evaluate=evaluated, **settings)
    finally:
        ensemble.eval()
