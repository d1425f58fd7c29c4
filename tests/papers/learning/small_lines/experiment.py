"""Lines fitted in closed form and by gradient descent: deterministic, and over in seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from octavo.lab import Lab, Records, TensorData, part, plot


@dataclass(frozen=True)
class Config:
    """How large, and how long."""

    seeds: int = 2
    """How many seeds each part is run with."""
    points: int = 64
    """Points of each line."""
    steps: int = 60
    """Steps of gradient descent."""
    dropout: float = 0.1
    """Share of hidden units that are dropped."""
    pause: float = 0.0
    """Seconds that each part waits between two systems."""
    trace: str = ""
    """A file that is told when each part begins and ends."""


SCALES = {"smoke": Config(steps=5, points=16), "laptop": Config(), "paper": Config(points=256)}


@contextmanager
def traced(config: Config, lab: Lab) -> Iterator[None]:
    """Tell the file of the part."""
    for moment in ("begin", "end"):
        if config.trace:
            with open(config.trace, "a") as file:
                file.write(f"{moment} {lab.part} {lab.seed} {time.monotonic()}\n")
        if moment == "begin":
            yield
            time.sleep(config.pause)


def points(config: Config, lab: Lab) -> tuple[torch.Tensor, torch.Tensor]:
    """A noisy line."""
    x = torch.randn(config.points, 4, generator=lab.generator("points"))
    y = x @ torch.tensor([1.0, -2.0, 0.5, 0.0]) + 0.1 * torch.randn(
        config.points, generator=lab.generator("noise")
    )
    return x, y


@part
def closed_form(config: Config, lab: Lab) -> None:
    """The error of the closed form, beside the constant."""
    with traced(config, lab):
        x, y = points(config, lab)
        for system, weights in (
            ("closed_form", torch.linalg.solve(x.T @ x, x.T @ y)),
            ("constant", torch.zeros(4)),
        ):
            errors = (x @ weights - y).square()
            lab.record(system=system, dataset="line", metric="error", value=errors.mean(), items=errors)
        lab.record(system="constant", dataset="line", metric="nothing", value=float("nan"))


@part
def descent(config: Config, lab: Lab) -> None:
    """The error of gradient descent with dropout, at two learning rates."""
    with traced(config, lab):
        x, y = points(config, lab)
        for rate in (0.01, 0.1):
            torch.manual_seed(lab.key("init"))
            model = nn.Sequential(nn.Linear(4, 16), nn.Dropout(config.dropout), nn.ReLU(), nn.Linear(16, 1))

            def loss(model: Any, batch: Any, context: Any) -> torch.Tensor:
                return (model(batch["x"])[:, 0] - batch["y"]).square().mean()

            fit = lab.fit(
                f"net at {rate}",
                model,
                loss,
                TensorData(x=x, y=y),
                steps=config.steps,
                batch_size=16,
                learning_rate=rate,
                checkpoint_every=10,
            )
            losses = fit.history["loss"]
            for step in (0, len(losses) // 2, len(losses) - 1):
                lab.record(
                    system="descent",
                    dataset="line",
                    metric="loss",
                    value=losses[step],
                    at={"rate": rate, "step": step},
                )


@part
def ambient(config: Config, lab: Lab) -> None:
    """Draws from the global generators, as careless code does."""
    with traced(config, lab):
        import random

        import numpy as np

        drawn = {"torch": torch.rand(()), "numpy": np.random.rand(), "python": random.random()}
        for system, value in drawn.items():
            lab.record(system=system, dataset="none", metric="draw", value=value)
        lab.record(system="threads", dataset="none", metric="count", value=torch.get_num_threads())


@part(seeds=1, timed=True)
def alone(config: Config, lab: Lab) -> None:
    """Stands for a part that measures time."""
    with traced(config, lab):
        lab.record(system="clock", dataset="none", metric="ticks", value=1, at={"size": 2})


@plot
def errors(records: Records) -> Any:
    """One dot a seed."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    for system in ("closed_form", "constant"):
        values = records.where(system=system, metric="error").by_seed()
        axes.plot(list(values), list(values.values()), "o", label=system)
    axes.legend()
    return figure


@plot
def impossible(records: Records) -> Any:
    """Wants records that nobody makes."""
    return records.where(system="unheard_of")[0]
