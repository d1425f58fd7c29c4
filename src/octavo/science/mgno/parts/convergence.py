"""How easily convolutional networks of one size are trained on waves."""

from functools import partial
from math import log10

from octavo.lab import Diverged, Lab, part
from octavo.science.mgno import systems
from octavo.science.mgno.parts.training import train
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import make_task

BATCH = 5


@part
def trainability(config: Config, lab: Lab) -> None:
    """Training error after each epoch on Helmholtz' equation: three networks of one size, three rates."""
    seed = lab.key("pairs") % 2**32
    task = make_task("helmholtz", config.wave_points, config.wave_pairs, 20, seed, omega=config.wave_omega)
    for system, make in systems.convolutional(config, task).items():
        curves: dict[float, list[float]] = {}
        for rate in config.wave_rates:
            name = f"{system} at {rate:g}"
            try:
                _, _, loss = train(
                    config, lab, name, task, make, epochs=config.wave_epochs, rate=rate, batch_size=BATCH
                )
            except Diverged:
                loss = [float("inf")] * -(-config.wave_pairs // BATCH) * config.wave_epochs
            curves[rate] = by_epoch(loss, -(-config.wave_pairs // BATCH))
        areas = {rate: sum(map(log10, curve)) / len(curve) for rate, curve in curves.items()}
        best = min(areas, key=lambda rate: areas[rate])
        broken = sum(curve[-1] > 1 for curve in curves.values()) / len(curves)
        record = partial(lab.record, system=system, dataset=task.name)
        record(metric="curve_error", value=areas[best])
        record(metric="diverged", value=broken)
        for rate, area in areas.items():
            record(metric="curve_error", value=area, at={"rate": rate})
        for epoch, value in enumerate(curves[best], start=1):
            record(metric="training_error", value=value, at={"epoch": epoch})
    lab.record(system="zero", dataset=task.name, metric="curve_error", value=0.0)


def by_epoch(loss: list[float], steps: int) -> list[float]:
    """The mean loss of each epoch."""
    return [sum(loss[start : start + steps]) / steps for start in range(0, len(loss), steps)]
