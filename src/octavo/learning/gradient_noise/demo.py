"""A dead network of twenty layers, and the noise that wakes it: `octavo demo gradient_noise`."""

from typing import Annotated, Any

import torch
from annotated_types import Interval, MultipleOf
from torch.nn import functional

from octavo import data
from octavo.lab import house_style
from octavo.learning.gradient_noise import figures
from octavo.learning.gradient_noise.mlp import MLPDeep
from octavo.learning.gradient_noise.noise import GradientNoise
from octavo.learning.gradient_noise.schedule import NoiseSchedule

LOOKS = 20


def demo(
    learning_rate: Annotated[float, Interval(ge=0.005, le=0.2), MultipleOf(0.005)] = 0.05,
    eta: Annotated[float, Interval(ge=0, le=3), MultipleOf(0.05)] = 0.45,
    width: Annotated[int, Interval(ge=10, le=100), MultipleOf(5)] = 50,
    depth: Annotated[int, Interval(ge=1, le=30)] = 20,
    steps: Annotated[int, Interval(ge=100, le=3000), MultipleOf(100)] = 1400,
    seed: int = 0,
) -> dict[str, Any]:
    """Says when a network of zeros will come to life, then trains it with and without noise.

    Args:
        learning_rate: of SGD.
        eta: variance of the noise at the first step; try 0.01 and 3 to miss the window.
        width: units of a hidden layer.
        depth: hidden layers.
        steps: of the training; 1,400 take some seven seconds.
        seed: of the noise and of the batches.
    """
    if steps < LOOKS:
        raise ValueError(f"steps={steps} must be at least {LOOKS}; 1400 is a good number")
    schedule = NoiseSchedule(eta)
    if width < 1:
        raise ValueError(f"width={width} must be at least 1; the paper has 50")
    takeoff = schedule.takeoff(learning_rate, width)
    digits = data.load("MNIST5k")
    x, y = digits.train.images.flatten(1), digits.train.labels
    test_x, test_y = digits.test.images.flatten(1), digits.test.labels
    model = MLPDeep(width=width, depth=depth, init="zero")
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    noise = GradientNoise(optimizer, eta=eta, generator=torch.Generator().manual_seed(seed))
    order = torch.Generator().manual_seed(seed)
    at, variances, accuracies = [], [], []
    for step in range(1, steps + 1):
        batch = torch.randint(len(y), (50,), generator=order)
        optimizer.zero_grad()
        functional.cross_entropy(model(x[batch]), y[batch]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        if step % (steps // LOOKS) == 0:
            with torch.no_grad():
                hidden = torch.cat([layer.weight.flatten() for layer in model.layers[1:]])
                at.append(step)
                variances.append(hidden.var().item())
                accuracies.append((model(test_x).argmax(-1) == test_y).float().mean().item())
    # Without noise nothing but the last bias ever gets a gradient, so a constant is all that it can learn.
    bare = (test_y == y.bincount().argmax()).float().mean().item()
    woke = next((step for step, accuracy in zip(at, accuracies, strict=True) if accuracy > 0.3), None)
    with house_style():
        drawn = figures.live(
            at,
            [schedule.walk_variance(learning_rate, step) for step in at],
            variances,
            accuracies,
            [bare] * len(at),
            2 / width,
            takeoff,
        )
    return {
        "predicted_take_off": takeoff,
        "steps_with_noise": noise.step,
        "woke_at_step": woke,
        "best_accuracy": max(accuracies),
        "accuracy_of_a_constant": bare,
        "figure": drawn,
    }
