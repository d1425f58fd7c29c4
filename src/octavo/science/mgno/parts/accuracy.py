"""Accuracy on equations that are solved here, after equal time."""

import torch

from octavo.errors import Missing
from octavo.lab import Lab, house_style, part
from octavo.science.mgno import maps, pde, systems
from octavo.science.mgno.baselines import real_parameters
from octavo.science.mgno.parts.kept import darcy_task
from octavo.science.mgno.parts.training import test_errors, train
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import Equation, Task, make_task


@part
def accuracy(config: Config, lab: Lab) -> None:
    """Errors on Darcy's equation after equal time, beside FNO at two sizes and a U-Net."""
    learn(config, lab, config.equations)


@part(seeds=1)
def other_equations(config: Config, lab: Lab) -> None:
    """Errors on two more equations after equal time, beside an FNO of one size; no claim rests on them."""
    learn(config, lab, config.other_equations)


def learn(config: Config, lab: Lab, equations: tuple[Equation, ...]) -> None:
    """Train every contestant on every equation, and record errors, parameters and a picture of the errors."""
    missing: Missing | None = None
    for equation in equations:
        task = equation_task(config, equation, lab.key("pairs") % 2**32)
        porous = equation.startswith("darcy")
        shown = {}
        for system, (epochs, rate, make) in systems.contestants(config, task, all_of_them=porous).items():
            name = f"{system} on {task.name}"
            try:
                model, _, _ = train(
                    config, lab, name, task, make, epochs=epochs, rate=rate, errors=pde.relative_h1
                )
            except Missing as error:
                missing = missing or error
                continue
            for metric, values in test_errors(model, task.test).items():
                lab.record(system=system, dataset=task.name, metric=metric, value=values.mean(), items=values)
            lab.record(system=system, dataset=task.name, metric="parameters", value=real_parameters(model))
            with torch.no_grad():
                shown[system] = model(task.test[0][:1].to(lab.device)).cpu()[0, 0].numpy()
        for metric in ("l2_error", "h1_error"):
            lab.record(system="zero", dataset=task.name, metric=metric, value=1.0)
        if lab.seed == 0:
            with house_style():
                a, u = (fields[0, 0].numpy() for fields in task.test)
                lab.figure(task.name, maps.error_maps(a, u, shown, task.name))
    if missing:
        raise missing


def equation_task(config: Config, equation: Equation, seed: int) -> Task:
    """An equation on the config's grid, solved as often as the config says."""
    if equation in ("darcy", "darcy_rough"):
        return darcy_task(equation, config.points, config.pairs, config.test_pairs, seed)
    return make_task(
        equation,
        config.wave_points if equation == "helmholtz" else config.flow_points,
        config.other_pairs,
        config.test_pairs // 2,
        seed,
        omega=config.wave_omega,
        viscosity=config.viscosity,
    )
