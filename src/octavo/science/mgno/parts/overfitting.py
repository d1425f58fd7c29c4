"""Training against test error, epoch by epoch, on two small public sets."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from octavo import data
from octavo.lab import Lab, part
from octavo.science.mgno import systems
from octavo.science.mgno.baselines import real_parameters
from octavo.science.mgno.boundary import Boundary
from octavo.science.mgno.parts.training import test_errors, train
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import Task, at_equal_error


@part(data=("DarcySmall",))
def overfitting(config: Config, lab: Lab) -> None:
    """Training and test error after each epoch beside FNO, on Darcy's equation."""
    learn_public(config, lab, "DarcySmall", "dirichlet")


@part(seeds=1, data=("BurgersSmall",))
def overfitting_on_a_line(config: Config, lab: Lab) -> None:
    """The same on Burgers' equation on a line; no claim rests on it."""
    learn_public(config, lab, "BurgersSmall", "periodic")


def learn_public(config: Config, lab: Lab, name: str, boundary: Boundary) -> None:
    """Load a public set, and learn some of its pairs."""
    pairs = data.load(name)
    chosen = torch.randperm(len(pairs.train[0]), generator=lab.generator("subset"))[: config.public_pairs]
    a, u = (fields[chosen] for fields in pairs.train)
    learn(config, lab, Task(name, (a, u), pairs.tests[16], boundary), pairs.tests)


def learn(config: Config, lab: Lab, task: Task, tests: Mapping[int, Any]) -> None:
    """Train MgNO and FNO on a public set, and compare them where their training errors meet."""
    seen = tuple(fields[:250] for fields in task.train)
    curves: dict[str, list[dict[str, Any]]] = {}
    for system, (epochs, rate, make) in systems.public_contestants(config, task).items():
        model, curves[system], _ = train(
            config,
            lab,
            f"{system} on {task.name}",
            task,
            make,
            epochs=epochs,
            rate=rate,
            batch_size=16,
            evaluate=lambda model: {
                "train": test_errors(model, (seen[0], seen[1]))["l2_error"].mean().item(),
                "test": test_errors(model, task.test)["l2_error"].mean().item(),
            },
        )
        for points, held_out in tests.items():
            for metric, values in test_errors(model, held_out).items():
                dataset = task.name if points == 16 else f"{task.name}-{points}"
                lab.record(system=system, dataset=dataset, metric=metric, value=values.mean(), items=values)
        lab.record(system=system, dataset=task.name, metric="parameters", value=real_parameters(model))
    level = max(min(entry["train"] for entry in curve) for curve in curves.values())
    for system, curve in curves.items():
        record = partial(lab.record, system=system, dataset=task.name)
        for epoch, entry in enumerate(curve, start=1):
            for split in ("train", "test"):
                record(metric=f"{split}_error", value=entry[split], at={"epoch": epoch})
        ratio = at_equal_error([e["train"] for e in curve], [e["test"] for e in curve], level)
        record(metric="test_over_train", value=ratio)
        record(metric="level_error", value=level)
