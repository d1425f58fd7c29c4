"""Restarts of a neural random-access machine that follows pointers."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from octavo.lab import Lab, part
from octavo.learning.gradient_noise.parts.training import members, train
from octavo.learning.gradient_noise.pointers import walks
from octavo.learning.gradient_noise.random_access_machine import NeuralRAM, machine_loss
from octavo.learning.gradient_noise.scales import Config
from octavo.learning.gradient_noise.schedule import NoiseSchedule
from octavo.nn import Ensemble
from octavo.nn.restarts import cosine


@part(seeds=1)
def machines(config: Config, lab: Lab) -> None:
    """Restarts of a neural random-access machine on chains of pointers: how many solve them in the end."""
    size = config.machine_integers
    scored = functional.one_hot(torch.zeros((), dtype=torch.long), size).float().to(lab.device)
    for hops in config.machine_hops:
        dataset = f"walk_{hops}"
        before, after = (each.to(lab.device) for each in walks(hops, size, 500, lab.generator("test", hops)))

        def losses(ensemble: Ensemble, _: None, context: Any, hops: int = hops) -> Tensor:
            given, wanted = walks(hops, size, config.machine_batch, context.generator("problems"))
            memory = functional.one_hot(given, size).float().to(lab.device)
            ran = ensemble(memory, shared=True)
            target = wanted.to(lab.device)
            each: Tensor = torch.func.vmap(lambda one: machine_loss(one, target, scored).mean())(ran)
            return each

        make = partial(NeuralRAM, size, config.machine_registers, steps=hops + 1, width=config.machine_width)
        for system, noise in (
            ("untrained", None),
            ("none", None),
            ("noise", NoiseSchedule(config.machine_eta, config.gamma)),
        ):
            ensemble = members(lab, config.machine_restarts, make)
            if system != "untrained":
                train(
                    lab,
                    f"{system} on {dataset}",
                    ensemble,
                    losses,
                    None,
                    noise,
                    torch.optim.Adam,
                    config.machine_rate,
                    clip_norm=1.0,
                    decay=cosine,
                    steps=config.machine_steps,
                    batch_size=1,
                )
            right = accuracy(ensemble, before, after)
            solved = (right > 0.99).double()
            record = partial(lab.record, system=system, dataset=dataset)
            record(metric="solved", value=solved.mean(), items=solved)
            record(metric="walk_accuracy", value=right.mean(), items=right)


@torch.no_grad()
def accuracy(ensemble: Ensemble, before: Tensor, after: Tensor) -> Tensor:
    """How often the likeliest integer of cell 0 is right, over where the machine stops, for each restart."""
    memory = functional.one_hot(before, before.shape[1]).float()
    ran = ensemble(memory, shared=True)
    expected = (ran.stops[..., None] * ran.memories[:, :, :, 0]).sum(2)
    return (expected.argmax(-1) == after[:, 0]).double().mean(1).cpu()
