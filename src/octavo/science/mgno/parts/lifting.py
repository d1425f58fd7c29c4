"""Whether MgNO gains by a network that lifts its input and one that projects its output."""

from octavo.lab import Lab, part
from octavo.science.mgno import pde, systems
from octavo.science.mgno.baselines import real_parameters
from octavo.science.mgno.parts.kept import darcy_task
from octavo.science.mgno.parts.training import test_errors, train
from octavo.science.mgno.scales import Config

BATCH = 8
DATASET = "darcy_coarse"


@part(seeds=4)
def lifting(config: Config, lab: Lab) -> None:
    """Errors on Darcy's equation with and without lifting and projecting networks, after as many steps.

    Both have the same operators, batches and steps, and each the rate that is best for it.
    """
    seed = lab.key("pairs") % 2**32
    task = darcy_task("darcy", config.lift_points, config.lift_pairs, config.lift_pairs // 5, seed)
    candidates = {
        "mgno": (config.rate, lambda: systems.mgno(config, task)),
        "mgno_lifted": (config.lift_rate, lambda: systems.mgno_lifted(config, task)),
    }
    for system, (rate, make) in candidates.items():
        model, _, _ = train(
            config,
            lab,
            f"{system} on {DATASET}",
            task,
            make,
            epochs=config.lift_epochs,
            rate=rate,
            errors=pde.relative_h1,
            batch_size=BATCH,
        )
        for metric, values in test_errors(model, task.test).items():
            lab.record(system=system, dataset=DATASET, metric=metric, value=values.mean(), items=values)
        lab.record(system=system, dataset=DATASET, metric="parameters", value=real_parameters(model))
    for metric in ("l2_error", "h1_error"):
        lab.record(system="zero", dataset=DATASET, metric=metric, value=1.0)
