"""A memory network on stories, with a warm start and without."""

import math
from collections.abc import Mapping
from functools import partial
from itertools import chain
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from octavo import data
from octavo.data.stories import encode, vocabulary
from octavo.lab import Lab, TensorData, part
from octavo.learning.gradient_noise.memory_network import MemN2N
from octavo.learning.gradient_noise.parts.training import members, train
from octavo.learning.gradient_noise.scales import Config
from octavo.learning.gradient_noise.schedule import NoiseSchedule
from octavo.nn import Ensemble, course
from octavo.nn.restarts import cross_entropies, halving


@part(seeds=1)
def stories(config: Config, lab: Lab) -> None:
    """A memory network with and without a warm start, on questions that need one, two or three facts."""
    noise = NoiseSchedule(config.story_eta, config.gamma)
    systems: dict[str, tuple[NoiseSchedule | None, float]] = {
        "none": (None, 0.0),
        "noise": (noise, 0.0),
        "none_warm": (None, config.story_warm),
        "noise_warm": (noise, config.story_warm),
    }
    totals: dict[str, list[dict[str, Tensor]]] = {system: [] for system in (*systems, "majority")}
    for task in config.story_tasks:
        options = {"train": config.story_train, "test": config.story_test, "seed": lab.key("stories")}
        if config.stories != "bAbI-style":
            options = {}
        found = data.load(config.stories, task=task, **options)
        numbers = vocabulary(chain(found.train, found.test))
        everything = [*found.train, *found.test]
        longest = min(50, max(len(story.sentences) for story in everything))
        memory = longest + math.ceil(config.story_gaps * longest)
        words = max(len(each) for story in everything for each in (*story.sentences, story.question))
        training, test = (encode(split, numbers, longest, words) for split in (found.train, found.test))
        common = training["answer"].mode().values
        wrong = (test["answer"] != common).double().mean()
        totals["majority"].append({"error": wrong.expand(config.story_restarts)})
        for system, (schedule, warm) in systems.items():
            make = partial(MemN2N, len(numbers) + 1, width=config.story_width, memory=memory, words=words)
            count = config.story_warm_restarts if warm else config.story_restarts
            ensemble = members(lab, count, make)
            totals[system].append(
                tell(
                    config,
                    lab,
                    f"{system} on stories of task {task}",
                    ensemble,
                    training,
                    test,
                    schedule,
                    warm,
                )
            )
            for seed, value in enumerate(totals[system][-1]["error"].tolist()):
                lab.record(system=system, dataset=f"stories_{task}", metric="error", value=value, seed=seed)
    for system, tasks in totals.items():
        for metric in tasks[0]:
            means = torch.stack([task[metric] for task in tasks]).mean(0)
            for seed, value in enumerate(means.tolist()):
                lab.record(system=system, dataset="stories", metric=metric, value=value, seed=seed)


def tell(
    config: Config,
    lab: Lab,
    name: str,
    ensemble: Ensemble,
    training: Mapping[str, Tensor],
    test: Mapping[str, Tensor],
    noise: NoiseSchedule | None,
    warm: float,
) -> dict[str, Tensor]:
    """Train on the stories of one task, and give the last numbers of each restart.

    Args:
        config: of the experiment.
        lab: of this unit.
        name: of the training.
        ensemble: the restarts.
        training: encoded stories to learn from.
        test: those to be judged by.
        noise: on the gradients.
        warm: share of the training without the softmax over memories: the original's warm start.
    """
    steps = config.story_epochs * max(1, len(training["answer"]) // config.story_batch)

    def measured(ensemble: Ensemble) -> dict[str, Tensor]:
        numbers = {}
        for split, told in (("train", training), ("test", test)):
            logits = ensemble(told["story"].to(lab.device), told["question"].to(lab.device), shared=True)
            answers = told["answer"].to(lab.device)
            numbers[f"{split}_loss"] = cross_entropies(logits, answers)
            numbers[f"{split}_error"] = (logits.argmax(-1) != answers).double().mean(1)
        return numbers

    def losses(ensemble: Ensemble, batch: Mapping[str, Tensor], context: Any) -> Tensor:
        linear = context.progress < warm
        story = with_gaps(batch["story"], config.story_gaps, context.generator("gaps"))
        logits = ensemble(story, batch["question"], shared=True, linear=linear)
        # The original's loss is a sum over the batch.
        return config.story_batch * cross_entropies(logits, batch["answer"])

    fit = train(
        lab,
        name,
        ensemble,
        losses,
        TensorData(**training),
        noise,
        torch.optim.SGD,
        config.story_rate,
        measured,
        clip_norm=40.0,
        # Without a softmax the sums are longer, and the full rate leaves weights that learn no more.
        decay=lambda progress: halving(progress) * (config.story_warm_rate if progress < warm else 1.0),
        steps=steps,
        batch_size=config.story_batch,
    )
    last = {
        name: course(fit.evaluations, name, ensemble.copies)[-1]
        for name in ("test_error", "train_loss", "test_loss")
    }
    return {"error": last["test_error"], "train_loss": last["train_loss"], "test_loss": last["test_loss"]}


def with_gaps(
    story: Int[Tensor, "batch sentences words"], share: float, generator: torch.Generator
) -> Int[Tensor, "batch places words"]:
    """Stories with empty sentences at random places, so that nothing is learned of an exact age.

    Each gets from none to `share` of its sentences, rounded up, all numbers as likely; one behind the last
    sentence is none, since a model counts ages from there.

    Args:
        story: sentences, padded with 0 behind the last one.
        share: the most empty sentences, as a share of the others.
        generator: on the CPU.

    Source: arXiv 1503.08895, section 4.1, "injecting random noise".
    """
    batch, sentences, words = story.shape
    count = (story != 0).any(-1).sum(-1, keepdim=True)
    most = (share * count).ceil()
    gaps = (torch.rand(batch, 1, generator=generator).to(story.device) * (most + 1)).long()
    places = sentences + math.ceil(share * sentences)
    chance = torch.rand(batch, places, generator=generator).to(story.device)
    chance = chance + (torch.arange(places, device=story.device) >= count + gaps)
    # Of the first places, as many as there are sentences are drawn, and filled in order.
    filled = chance.argsort(-1).argsort(-1) < count
    source = (filled.cumsum(-1) - 1).clamp(0, sentences - 1)
    spread = story.gather(1, source[..., None].expand(-1, -1, words))
    return spread * filled[..., None]
