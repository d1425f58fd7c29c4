"""Which linear layer learns the inverse of the Laplacian best, for its number of parameters."""

import torch
from torch import nn

from octavo.lab import Lab, TensorData, part
from octavo.science.mgno import identities, pde, systems
from octavo.science.mgno.baselines import real_parameters
from octavo.science.mgno.parts.training import test_errors
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import Task, one_cycle, poisson_task


@part
def green(config: Config, lab: Lab) -> None:
    """One linear layer learns the inverse of the Laplacian: error and parameters of six kinds of layers."""
    size = config.green_points
    task = poisson_task("dirichlet", size, config.green_pairs, 50, lab.key("pairs") % 2**32)
    for system, make in systems.linear_layers(size).items():
        trained = [linear_layer(config, lab, system, task, make, rate) for rate in config.green_rates]
        _, model = min(trained, key=lambda one: one[0])
        found = test_errors(model, task.test)["l2_error"]
        lab.record(system=system, dataset="green", metric="l2_error", value=found.mean(), items=found)
        lab.record(system=system, dataset="green", metric="parameters", value=real_parameters(model))
        if system in ("multigrid", "fourier_padded"):
            record_spectrum(lab, system, model, task)


def linear_layer(
    config: Config, lab: Lab, system: str, task: Task, make: systems.Maker, rate: float
) -> tuple[float, nn.Module]:
    """A layer trained at one rate, behind its training error over the last steps."""
    # All are linear, so inputs and outputs keep their mean.
    model = systems.seeded(lab.key("init"), make)
    loss = lab.fit(
        f"{system} at {rate:g}",
        model,
        lambda model, batch, _: pde.relative_l2(model(batch["a"]), batch["u"]).mean(),
        TensorData(a=task.train[0], u=task.train[1]),
        epochs=config.green_epochs,
        batch_size=25,
        learning_rate=rate,
        weight_decay=0.0,
        schedule=one_cycle,
    ).history["loss"]
    return sum(loss[-10:]) / len(loss[-10:]), model


def record_spectrum(lab: Lab, system: str, model: nn.Module, task: Task) -> None:
    """The size of the solutions and of the layer's error, frequency by frequency."""
    with torch.no_grad():
        predicted = model(task.test[0].to(lab.device)).cpu()
    frequencies, target, error = identities.error_by_frequency(predicted, task.test[1])
    for k, size_of_target, size_of_error in zip(frequencies, target, error, strict=True):
        at = {"frequency": k}
        lab.record(system="target", dataset="green", metric="amplitude", value=size_of_target, at=at)
        lab.record(system=system, dataset="green", metric="amplitude", value=size_of_error, at=at)
