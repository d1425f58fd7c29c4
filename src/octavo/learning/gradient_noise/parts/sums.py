"""Restarts of a Neural GPU on binary arithmetic."""

from typing import Any

import torch
from scipy.stats import fisher_exact
from torch import Tensor

from octavo.lab import Lab, part
from octavo.learning.gradient_noise import arithmetic
from octavo.learning.gradient_noise.neural_gpu import NeuralGPU
from octavo.learning.gradient_noise.parts.training import members, train
from octavo.learning.gradient_noise.scales import Config
from octavo.learning.gradient_noise.schedule import NoiseSchedule
from octavo.nn import Ensemble
from octavo.nn.restarts import cosine, cross_entropies

ERRORS = (0.01, 0.02, 0.03, 0.05, 0.1, 1.01)
"""Shares of wrong bits below which restarts are counted; the first four are those of the paper's table."""


@part(seeds=1)
def sums(config: Config, lab: Lab) -> None:
    """Restarts of a Neural GPU on binary arithmetic: how many are accurate in the end."""
    inputs, outputs = arithmetic.problems(config.sum_task, config.sum_bits, 250, lab.generator("test"))
    inputs, outputs = inputs.to(lab.device), outputs.to(lab.device)

    def losses(ensemble: Ensemble, _: None, context: Any) -> Tensor:
        random = context.generator("problems")
        bits = curriculum(config.sum_bits, context.progress, random)
        x, y = arithmetic.problems(config.sum_task, bits, config.sum_batch, random)
        logits = ensemble(x.to(lab.device), shared=True)
        return cross_entropies(logits.flatten(1, 2), y.to(lab.device).flatten())

    @torch.no_grad()
    def right_bits(ensemble: Ensemble) -> Tensor:
        digits = outputs != arithmetic.PAD
        found = ensemble(inputs, shared=True).argmax(-1) == outputs
        return (found & digits).flatten(1).double().sum(1) / digits.sum()

    accurate: dict[str, Tensor] = {}
    for system, noise in (
        ("untrained", None),
        ("none", None),
        ("noise", NoiseSchedule(config.sum_eta, config.gamma)),
    ):
        ensemble = members(
            lab,
            config.sum_restarts,
            lambda: NeuralGPU(arithmetic.SYMBOLS, maps=config.sum_maps, layers=config.sum_layers),
        )
        if system != "untrained":
            train(
                lab,
                f"{system} on {config.sum_task}",
                ensemble,
                losses,
                None,
                noise,
                torch.optim.Adam,
                config.sum_rate,
                clip_norm=1.0,
                decay=cosine,
                steps=config.sum_steps,
                batch_size=1,
            )
        share = right_bits(ensemble).cpu()
        accurate[system] = share > 0.99
        lab.record(
            system=system,
            dataset=config.sum_task,
            metric="success",
            value=accurate[system].double().mean(),
            items=accurate[system].double(),
        )
        lab.record(
            system=system, dataset=config.sum_task, metric="bit_accuracy", value=share.mean(), items=share
        )
        for error in ERRORS:
            below = (1 - share < error).sum()
            lab.record(
                system=system, dataset=config.sum_task, metric="restarts", value=below, at={"below": error}
            )
    counts = [[int(accurate[name].sum()), int((~accurate[name]).sum())] for name in ("noise", "none")]
    p = fisher_exact(counts, alternative="greater").pvalue
    lab.record(system="noise", dataset=config.sum_task, metric="fisher_p", value=p)


def curriculum(most: int, progress: float, random: torch.Generator) -> int:
    """Bits of a step's problems: the most that are allowed by now, and every other time fewer."""
    allowed = min(most, 1 + int(progress * most / 0.6))
    if torch.rand((), generator=random) < 0.5:
        return allowed
    return 1 + int(torch.randint(allowed, (), generator=random))
