"""The network of twenty layers, from three initialisations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from octavo import data
from octavo.lab import Lab, TensorData, part
from octavo.learning.gradient_noise.mlp import Init, MLPDeep
from octavo.learning.gradient_noise.parts.training import members, train
from octavo.learning.gradient_noise.scales import Config
from octavo.learning.gradient_noise.schedule import NoiseSchedule
from octavo.nn import Ensemble, course
from octavo.nn.restarts import cross_entropies

SHOWN = 4
"""Restarts whose course is recorded."""


@dataclass(frozen=True)
class Arm:
    """A way to train the network.

    Args:
        noise: on the gradients.
        dropout: in the hidden layers.
        restarts: how many; None for the config's number.
    """

    noise: NoiseSchedule | None = None
    dropout: float = 0.0
    restarts: int | None = None


@part(seeds=1, data=("MNIST5k",))
def zero_init(config: Config, lab: Lab) -> None:
    """The deep network from all zeros: bare, with noise that fades or stays, with dropout instead."""
    annealed = NoiseSchedule(config.deep_eta, config.gamma)
    # As far a walk over the whole run, so that only the fading differs.
    total = annealed.walk_variance(1.0, config.deep_steps)
    fixed = NoiseSchedule.fixed(total / config.deep_steps)
    deep(
        config,
        lab,
        "zero",
        "zero_init",
        {
            "none": Arm(),
            "noise": Arm(annealed),
            "fixed": Arm(fixed),
            "dropout": Arm(dropout=0.5, restarts=config.dropout_restarts),
        },
    )
    every = max(1, config.deep_steps // config.evaluations)
    for step in range(every, config.deep_steps + 1, every):
        predicted = annealed.walk_variance(config.deep_rate, step)
        lab.record(
            system="walk", dataset="zero_init", metric="weight_variance", value=predicted, at={"step": step}
        )


@part(seeds=1, data=("MNIST5k",))
def simple_init(config: Config, lab: Lab) -> None:
    """The deep network from N(0, 0.1^2): bare and with noise."""
    noise = NoiseSchedule(config.deep_eta, config.gamma)
    deep(config, lab, "simple", "simple_init", {"none": Arm(), "noise": Arm(noise)})


@part(seeds=1, data=("MNIST5k",))
def good_init(config: Config, lab: Lab) -> None:
    """The deep network from N(0, 2 / fan_in): bare and with noise."""
    noise = NoiseSchedule(config.deep_eta, config.gamma)
    config = replace(config, deep_steps=config.good_steps)
    deep(config, lab, "he", "good_init", {"none": Arm(), "noise": Arm(noise)})


def deep(config: Config, lab: Lab, init: Init, dataset: str, arms: Mapping[str, Arm]) -> None:
    """Restarts of the deep network from one initialisation, for each way to train it."""
    found = data.load(config.digits)
    order = torch.randperm(len(found.train), generator=lab.generator("split"))
    held = len(order) // 8
    validation, training = found.train.take(order[:held]), found.train.take(order[held:])
    shown = training.take(torch.arange(min(1000, len(training))))
    images = TensorData(x=training.images.flatten(1), y=training.labels)

    def measured(ensemble: Ensemble) -> dict[str, Tensor]:
        numbers = {}
        for name, split in (("validation", validation), ("test", found.test), ("train", shown)):
            x, y = split.images.flatten(1).to(lab.device), split.labels.to(lab.device)
            logits = ensemble(x, shared=True)
            numbers[f"{name}_accuracy"] = (logits.argmax(-1) == y).double().mean(1)
            numbers[f"{name}_loss"] = cross_entropies(logits, y)
        weights = [each for name, each in ensemble.stacked.items() if name.endswith("weight")]
        hidden = torch.cat([each.flatten(1) for each in weights[1:-1]] or [weights[0].flatten(1)], 1)
        return numbers | {"weight_variance": hidden.var(1)}

    for system, arm in arms.items():
        noise, count = arm.noise, arm.restarts or config.deep_restarts
        best: tuple[float, dict[str, Any]] | None = None
        for rate, eta in trials(config, noise, dataset):
            schedule = noise if noise is None or eta is None else NoiseSchedule(eta, noise.gamma)
            ensemble = members(
                lab,
                count,
                partial(MLPDeep, 784, width=config.width, depth=config.depth, init=init, dropout=arm.dropout),
            )
            fit = train(
                lab,
                f"{system} from {dataset}, rate {rate}, eta {eta}",
                ensemble,
                lambda ensemble, batch, _: cross_entropies(ensemble(batch["x"], shared=True), batch["y"]),
                images,
                schedule,
                torch.optim.SGD,
                rate,
                measured,
                clip_norm=config.deep_clip,
                steps=config.deep_steps,
                batch_size=config.deep_batch,
                evaluate_every=max(1, config.deep_steps // config.evaluations),
            )
            names = [
                f"{split}_{metric}"
                for split in ("validation", "test", "train")
                for metric in ("accuracy", "loss")
            ]
            steps = [int(each["step"]) for each in fit.evaluations]
            courses = {}
            for name in (*names, "weight_variance"):
                courses[name] = course(fit.evaluations, name, count)
            score = courses["validation_accuracy"].max(0).values.mean().item()
            variance = 0.0 if schedule is None else schedule.eta
            lab.record(
                system=system,
                dataset=dataset,
                metric="tried_accuracy",
                value=score,
                at={"rate": rate, "eta": variance},
            )
            if best is None or score > best[0]:
                best = score, {"steps": steps, "courses": courses}
        assert best is not None
        record_deep(lab, system, dataset, best[1]["steps"], best[1]["courses"])
    majority = found.train.labels.bincount().argmax()
    lab.record(
        system="constant",
        dataset=dataset,
        metric="accuracy",
        value=(found.test.labels == majority).double().mean(),
    )


def trials(config: Config, noise: NoiseSchedule | None, dataset: str) -> list[tuple[float, float | None]]:
    """Learning rates, and etas in the place of the schedule's own, that validation chooses from."""
    tried = (*config.tried, *(config.tried_when_good if dataset == "good_init" else ()))
    if noise is None:
        return [(rate, None) for rate in dict.fromkeys((config.deep_rate, *(rate for rate, _ in tried)))]
    return [(config.deep_rate, None), *tried]


def record_deep(
    lab: Lab, system: str, dataset: str, steps: Sequence[int], courses: Mapping[str, Tensor]
) -> None:
    """Each restart by its seed: at the evaluation that validation chooses, at the end, and on its way."""
    chosen = courses["validation_accuracy"].argmax(0)
    restart = torch.arange(len(chosen))
    accuracy = courses["test_accuracy"][chosen, restart]
    # A loss that is no number any more is the worst, and the ledger counts it so.
    final = {
        "accuracy": accuracy,
        "last_accuracy": courses["test_accuracy"][-1],
        "train_loss": courses["train_loss"][-1],
        "validation_loss": courses["validation_loss"][-1],
    }
    for metric, values in final.items():
        for seed, value in enumerate(values.tolist()):
            lab.record(system=system, dataset=dataset, metric=metric, value=value, seed=seed)
    lab.record(system=system, dataset=dataset, metric="best_accuracy", value=accuracy.max())
    deviation = accuracy.std(correction=len(accuracy) > 1).item()
    for seed in range(len(accuracy)):
        lab.record(system=system, dataset=dataset, metric="deviation", value=deviation, seed=seed)
    # Ten points of a course and a few restarts are enough for a picture.
    record = partial(lab.record, system=system, dataset=dataset)
    for index in range(len(steps) - 1, -1, -max(1, len(steps) // 10)):
        at = {"step": steps[index]}
        record(metric="weight_variance", value=courses["weight_variance"][index].mean(), at=at)
        for seed, value in enumerate(courses["test_accuracy"][index, :SHOWN].tolist()):
            record(metric="course", value=value, at=at, seed=seed)
