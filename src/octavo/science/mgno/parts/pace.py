"""Seconds: of a training step, of whole trainings, of inference beside the direct solver, of one V-cycle."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from octavo.errors import Missing
from octavo.lab import Lab, part
from octavo.lab.timing import Ratio
from octavo.science.mgno import pde, systems
from octavo.science.mgno.multigrid import MultigridConv
from octavo.science.mgno.parts.accuracy import equation_task
from octavo.science.mgno.plain import PlainCycle
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import Task


@part(seeds=1, timed=True)
def pace(config: Config, lab: Lab) -> None:
    """Seconds of a step and of the whole training, by equation and system; of solutions; of a V-cycle."""
    missing: Missing | None = None
    for equation in (*config.equations, *config.other_equations):
        few = replace(config, pairs=config.batch_size, other_pairs=config.batch_size, test_pairs=2)
        task = equation_task(few, equation, 0)
        porous = equation.startswith("darcy")
        pairs = config.pairs if porous else config.other_pairs
        models: dict[str, nn.Module] = {}
        steps: dict[str, float] = {}
        for system, (epochs, _, make) in systems.contestants(config, task, all_of_them=porous).items():
            try:
                models[system] = task.scaled(systems.seeded(lab.key("init"), make)).to(lab.device)
            except Missing as error:
                missing = missing or error
            steps[system] = epochs * pairs / config.batch_size
        speed_of_training(lab, task, models, steps)
        if equation == config.equations[0]:
            speed_of_inference(lab, task, models)
    speed_of_a_cycle(config, lab)
    if missing:
        raise missing


def speed_of_training(lab: Lab, task: Task, models: dict[str, nn.Module], steps: dict[str, float]) -> None:
    """Seconds of a step of each system, and of all the steps that it is given."""
    a, u = (fields.to(lab.device) for fields in task.train)
    optimizers = {name: torch.optim.AdamW(model.parameters(), lr=1e-4) for name, model in models.items()}

    def step(name: str) -> None:
        optimizers[name].zero_grad()
        pde.relative_h1(models[name](a), u).mean().backward()
        optimizers[name].step()

    timings = lab.time({name: partial(step, name) for name in models}, repeats=9)
    lab.record_seconds(timings, dataset=task.name, metric="seconds_per_step")
    for system in models:
        seconds = timings.median(system) * steps[system]
        lab.record(system=system, dataset=task.name, metric="training_seconds", value=seconds, unit="s")


def speed_of_inference(lab: Lab, task: Task, models: dict[str, nn.Module]) -> None:
    """Seconds of a batch of solutions by each system, and by the direct sparse solve of each medium."""
    a = task.train[0].to(lab.device)
    media = task.train[0][:, 0].double().numpy()

    def infer(model: nn.Module) -> None:
        with torch.no_grad():
            model(a)

    functions: dict[str, Callable[[], object]] = {
        name: partial(infer, model) for name, model in models.items()
    }
    functions["sparse_solve"] = lambda: [pde.solve_darcy(medium) for medium in media]
    timings = lab.time(functions, repeats=7)
    lab.record_seconds(timings, dataset=task.name, metric="seconds_of_a_batch")
    ratio = timings.ratio("sparse_solve", "mgno")
    lab.record(system="mgno", dataset=task.name, metric="speedup_over_solve", value=ratio.value)
    lab.say(f"the sparse solve of a batch takes {ratio.value:.2f} {interval(ratio)} times as long as MgNO")


def speed_of_a_cycle(config: Config, lab: Lab) -> None:
    """Forward and backward of one V-cycle, beside the same written plainly."""
    points, channels = config.speed_points, 24
    levels = 5 if points >= 48 else 3
    ours = systems.seeded(0, lambda: MultigridConv(channels, channels, levels=levels)).to(lab.device)
    plain = systems.seeded(0, lambda: PlainCycle(channels, channels, levels)).to(lab.device)
    f = torch.randn(8, channels, points, points, generator=lab.generator("field")).to(lab.device)
    passes = {
        "multigrid": lambda: ours(f).square().mean().backward(),
        "plain": lambda: plain(f).square().mean().backward(),
    }
    timings = lab.time(passes, repeats=9)
    lab.record_seconds(timings, dataset="v_cycle")
    ratio = timings.ratio("plain", "multigrid")
    lab.record(system="multigrid", dataset="v_cycle", metric="speedup", value=ratio.value)
    lab.say(f"a V-cycle is {ratio.value:.2f} {interval(ratio)} times as fast as one written plainly")


def interval(ratio: Ratio) -> str:
    """The bounds of a ratio, for a reader."""
    return f"[{ratio.low:.2f}, {ratio.high:.2f}]"
