"""Whether the padding that is the equation's own is the best."""

from functools import partial

from octavo.lab import Lab, part
from octavo.science.mgno import pde
from octavo.science.mgno.neural_operator import MgNO
from octavo.science.mgno.parts.training import test_errors, train
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import band_error, poisson_task

CONDITIONS: tuple[pde.Condition, ...] = ("dirichlet", "neumann", "periodic")


@part
def boundaries(config: Config, lab: Lab) -> None:
    """Three boundary conditions, learnt with three paddings each."""
    size, pairs = config.boundary_points, config.boundary_pairs
    make = partial(MgNO, 1, 1, width=config.boundary_width, depth=2, levels=min(config.levels, 4))
    for condition in CONDITIONS:
        task = poisson_task(condition, size, pairs, 50, lab.key("pairs") % 2**32)
        for padding in CONDITIONS:
            model, _, _ = train(
                config,
                lab,
                f"{padding} padding on {task.name}",
                task,
                partial(make, boundary=padding),
                epochs=config.boundary_epochs,
                rate=5e-3,
                batch_size=10,
            )
            found = test_errors(model, task.test, l2_error=pde.relative_l2, band_error=band_error)
            for metric, values in found.items():
                system = f"{padding}_padding"
                lab.record(system=system, dataset=task.name, metric=metric, value=values.mean(), items=values)
        for metric in ("l2_error", "band_error"):
            lab.record(system="zero", dataset=task.name, metric=metric, value=1.0)
