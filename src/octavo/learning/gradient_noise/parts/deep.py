"""The network of twenty layers, from three initialisations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

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
SPLITS = ("validation", "test", "train")


@dataclass(frozen=True)
class Arm:
    """A way to train the network.

    Args:
        noise: on the gradients.
        dropout: in the hidden layers.
        alike: nothing tells its restarts apart, so that one training is all of them.
    """

    noise: NoiseSchedule | None = None
    dropout: float = 0.0
    alike: bool = False


@dataclass(frozen=True)
class Courses:
    """What became of the restarts of one training.

    Args:
        steps: of the evaluations.
        numbers: by name, `(evaluations, restarts)`.
    """

    steps: Sequence[int]
    numbers: Mapping[str, Tensor]

    @property
    def score(self) -> float:
        """The mean over restarts of their best validation accuracy."""
        return self.numbers["validation_accuracy"].max(0).values.mean().item()

    def repeated(self, count: int) -> "Courses":
        """The course of a single restart as that of so many which do not differ from it."""
        return Courses(self.steps, {name: each.expand(-1, count) for name, each in self.numbers.items()})


@part(seeds=1, data=("MNIST5k",))
def zero_init(config: Config, lab: Lab) -> None:
    """The deep network from all zeros: bare, with noise that fades or stays, with dropout instead."""
    annealed = NoiseSchedule(config.deep_eta, config.gamma)
    # As far a walk over the whole run, so that only the fading differs.
    total = annealed.walk_variance(1.0, config.deep_steps)
    fixed = NoiseSchedule.fixed(total / config.deep_steps)
    rows(
        config,
        lab,
        "zero",
        "zero_init",
        {
            # From zeros on the same images in the same order no restart differs from another, and no weight
            # ever gets a gradient, with dropout or without.
            "none": Arm(alike=True),
            "noise": Arm(annealed),
            "fixed": Arm(fixed),
            "dropout": Arm(dropout=0.5, alike=True),
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
    config = replace(config, deep_restarts=config.simple_restarts)
    rows(config, lab, "simple", "simple_init", {"none": Arm(), "noise": Arm(noise)})


@part(seeds=1, data=("MNIST5k",))
def good_init(config: Config, lab: Lab) -> None:
    """The deep network from N(0, 2 / fan_in): bare and with noise."""
    noise = NoiseSchedule(config.deep_eta, config.gamma)
    config = replace(config, deep_steps=config.good_steps, deep_restarts=config.good_restarts)
    rows(config, lab, "he", "good_init", {"none": Arm(), "noise": Arm(noise)})


def rows(config: Config, lab: Lab, init: Init, dataset: str, arms: Mapping[str, Arm]) -> None:
    """The network from one initialisation: a row of the paper's table for each way to clip."""
    deep(config, lab, init, dataset, arms)
    for clip in config.other_clips:
        name = f"{dataset}_unclipped" if clip is None else f"{dataset}_clip_{clip:g}"
        deep(replace(config, deep_clip=clip), lab, init, name, arms)


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
            logits = stacked_logits(ensemble, x)
            numbers[f"{name}_accuracy"] = (logits.argmax(-1) == y).double().mean(1)
            numbers[f"{name}_loss"] = cross_entropies(logits, y)
        weights = [each for name, each in ensemble.stacked.items() if name.endswith("weight")]
        hidden = torch.cat([each.flatten(1) for each in weights[1:-1]] or [weights[0].flatten(1)], 1)
        return numbers | {"weight_variance": hidden.var(1)}

    def trained(system: str, arm: Arm, rate: float, eta: float | None, count: int) -> Courses:
        noise = arm.noise
        schedule = noise if noise is None or eta is None else NoiseSchedule(eta, noise.gamma)
        fit = train(
            lab,
            f"{system} from {dataset}, rate {rate}, eta {eta}, {count} restarts",
            members(lab, count, partial(MLPDeep, 784, width=config.width, depth=config.depth, init=init)),
            lambda ensemble, batch, _: cross_entropies(
                stacked_logits(ensemble, batch["x"], arm.dropout), batch["y"]
            ),
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
        names = [f"{split}_{metric}" for split in SPLITS for metric in ("accuracy", "loss")]
        courses = {name: course(fit.evaluations, name, count) for name in (*names, "weight_variance")}
        lab.record(
            system=system,
            dataset=dataset,
            metric="tried_accuracy",
            value=courses["validation_accuracy"].max(0).values.mean(),
            at={"rate": rate, "eta": 0.0 if schedule is None else schedule.eta, "restarts": count},
        )
        return Courses([int(each["step"]) for each in fit.evaluations], courses)

    for system, arm in arms.items():
        count = 1 if arm.alike else config.deep_restarts
        tried = trials(config, arm.noise, dataset)
        few = min(count, config.deep_screening or count) if len(tried) > 1 else count
        outcomes = [trained(system, arm, *each, few) for each in tried]
        scores = [each.score for each in outcomes]
        best = scores.index(max(scores))
        courses = outcomes[best] if few == count else trained(system, arm, *tried[best], count)
        record_deep(lab, system, dataset, courses.repeated(config.deep_restarts) if arm.alike else courses)
    majority = found.train.labels.bincount().argmax()
    lab.record(
        system="constant",
        dataset=dataset,
        metric="accuracy",
        value=(found.test.labels == majority).double().mean(),
    )


def trials(config: Config, noise: NoiseSchedule | None, dataset: str) -> list[tuple[float, float | None]]:
    """Learning rates, and etas in the place of the schedule's own, that validation chooses from."""
    tried = (*config.tried, *(config.tried_when_good if dataset.startswith("good_init") else ()))
    if noise is None:
        return [(rate, None) for rate in dict.fromkeys((config.deep_rate, *(rate for rate, _ in tried)))]
    return [(config.deep_rate, None), *tried]


def stacked_logits(
    ensemble: Ensemble, images: Float[Tensor, "batch features"], dropout: float = 0.0
) -> Float[Tensor, "copies batch classes"]:
    """What `ensemble(images, shared=True)` gives, in half of the time: one product a layer.

    Args:
        ensemble: of `MLPDeep`.
        images: shared by all copies.
        dropout: share of the hidden units that are dropped.
    """
    depth = len(ensemble.stacked) // 2 - 1
    weights = [ensemble.stacked[f"hidden/{layer}/weight"] for layer in range(depth)]
    biases = [ensemble.stacked[f"hidden/{layer}/bias"] for layer in range(depth)]
    # All copies see the same images, so the first layer of all of them is one wide layer.
    first = functional.linear(images, weights[0].flatten(0, 1), biases[0].flatten())
    hidden = rearrange(first, "batch (copies units) -> copies batch units", copies=ensemble.copies).relu()
    if dropout:
        hidden = functional.dropout(hidden, dropout)
    for weight, bias in zip(weights[1:], biases[1:], strict=True):
        hidden = torch.baddbmm(bias[:, None], hidden, weight.mT).relu()
        if dropout:
            hidden = functional.dropout(hidden, dropout)
    return torch.baddbmm(
        ensemble.stacked["output/bias"][:, None], hidden, ensemble.stacked["output/weight"].mT
    )


def record_deep(lab: Lab, system: str, dataset: str, found: Courses) -> None:
    """Each restart by its seed: at the evaluation that validation chooses, at the end, and on its way."""
    steps, courses = found.steps, found.numbers
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
