"""How every reader of the experiment is trained."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from octavo.lab import Endless, Lab
from octavo.vision.crnn.network import CRNN
from octavo.vision.crnn.scales import OptimizerName
from octavo.vision.crnn.warm_up import WithShortcut, read_loss


def seeded(lab: Lab, make: Callable[[], nn.Module]) -> Any:
    """A model whose first weights are a function of the unit's seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.key("init"))
        return make()


def train(
    lab: Lab,
    name: str,
    model: CRNN,
    batches: Any,
    steps: int,
    batch_size: int,
    optimizer: OptimizerName = "adamw",
    schedule: Literal["cosine", "constant"] = "cosine",
) -> None:
    """Trains a reader from texts alone; the same settings for all of them."""
    settings: dict[str, Any] = {"learning_rate": 2e-3, "weight_decay": 1e-4, "schedule": schedule}
    if optimizer == "adadelta":  # the paper's
        settings = {"optimizer": partial(torch.optim.Adadelta, rho=0.9)}
    lab.fit(
        name,
        seeded(lab, lambda: WithShortcut(model)),
        read_loss,
        Endless(batches),
        steps=steps,
        batch_size=batch_size,
        warmup_steps=min(100, steps // 10),
        clip_norm=5.0,
        precision="bfloat16",
        **settings,
    )
