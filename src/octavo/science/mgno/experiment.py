"""Every claim of the abstract, measured beside the systems that it is about."""

from collections.abc import Callable, Mapping
from functools import partial
from math import log10
from typing import Any

import torch
from torch import Tensor, nn

from octavo import data
from octavo.errors import Missing
from octavo.lab import Diverged, Evaluation, Lab, Records, TensorData, colours, house_style, part, plot
from octavo.science.mgno import figures, identities, pde, systems
from octavo.science.mgno.baselines import real_parameters
from octavo.science.mgno.boundary import Boundary
from octavo.science.mgno.multigrid import MultigridConv
from octavo.science.mgno.neural_operator import MgNO
from octavo.science.mgno.plain import PlainCycle
from octavo.science.mgno.scales import SCALES, Config
from octavo.science.mgno.tasks import (
    Errors,
    Scaled,
    Task,
    at_equal_error,
    band_error,
    make_task,
    one_cycle,
    poisson_task,
)

__all__ = ["SCALES", "Config"]

CONDITIONS: tuple[pde.Condition, ...] = ("dirichlet", "neumann", "periodic")


def train(
    config: Config,
    lab: Lab,
    name: str,
    task: Task,
    make: Callable[[], nn.Module],
    *,
    epochs: int | float,
    rate: float,
    errors: Errors = pde.relative_l2,
    batch_size: int | None = None,
    evaluate: Callable[[Any], Mapping[str, Any]] | None = None,
) -> tuple[Scaled, list[dict[str, Any]], list[float]]:
    """A system trained on a task: the model, its evaluations once an epoch, the loss of each step.

    All systems that share a name of the task see the same batches in the same order.
    """
    model = task.scaled(systems.seeded(lab.key("init"), make))
    pairs = TensorData(a=task.train[0], u=task.train[1])
    size = batch_size or config.batch_size
    fit = lab.fit(
        name,
        model,
        lambda model, batch, _: errors(model(batch["a"]), batch["u"]).mean(),
        pairs,
        epochs=epochs,
        batch_size=size,
        learning_rate=rate,
        weight_decay=config.weight_decay,
        schedule=one_cycle,
        evaluate=evaluate,
        evaluate_every=-(-len(pairs) // size) if evaluate else None,
    )
    return model, fit.evaluations, fit.history["loss"]


def test_errors(model: nn.Module, pairs: tuple[Tensor, Tensor], **measures: Errors) -> dict[str, Tensor]:
    """For each named error a value a pair."""
    measures = measures or {"l2_error": pde.relative_l2, "h1_error": pde.relative_h1}
    return Evaluation(
        TensorData(a=pairs[0], u=pairs[1]),
        lambda model, batch: {name: error(model(batch["a"]), batch["u"]) for name, error in measures.items()},
        batch_size=32,
    ).items(model)


@part
def linearity(config: Config, lab: Lab) -> None:
    """Departure from linearity and from the sum of blocks, over kinds of V-cycles; a layer norm breaks it."""
    worst = {"linearity": 0.0, "blocks": 0.0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.key("init") % 2**63)
        for W, one, other in identities.instances(lab.generator("fields")):
            worst["linearity"] = max(worst["linearity"], identities.departure_from_linearity(W, one, other))
            worst["blocks"] = max(worst["blocks"], identities.departure_from_blocks(W, one))
        normed = MultigridConv(2, 3, levels=2, norm=(12, 12)).double()
    fields = torch.randn(2, 1, 2, 12, 12, generator=lab.generator("normed"), dtype=torch.float64)
    for dataset, value in worst.items():
        lab.record(system="multigrid", dataset=dataset, metric="max_error", value=value)
    control = {
        "linearity": identities.departure_from_linearity(normed, *fields),
        "blocks": identities.departure_from_blocks(normed, fields[0]),
    }
    for dataset, value in control.items():
        lab.record(system="layer_norm", dataset=dataset, metric="max_error", value=value)


@part
def universality(config: Config, lab: Lab) -> None:
    """Test error of one hidden layer against its width, on a nonlinear equation."""
    f, u = pde.semilinear(config.line_pairs * 6 // 5, config.line_points, seed=lab.key("pairs") % 2**32)
    n = config.line_pairs
    task = Task("semilinear", (f[:n], u[:n]), (f[n:], u[n:]), "dirichlet")
    levels = 5 if config.line_points >= 48 else 3

    def one_layer(width: int) -> Callable[[], nn.Module]:
        return lambda: MgNO(1, 1, width=width, depth=1, levels=levels, dim=1)

    def linear() -> nn.Module:
        return nn.Sequential(MultigridConv(1, 8, levels=levels, dim=1), nn.Conv1d(8, 1, 1, bias=False))

    candidates = [("mgno", {"width": w}, one_layer(w)) for w in config.neurons]
    for system, at, make in [*candidates, ("linear", None, linear)]:
        label = f"{system} {at['width']}" if at else system
        model, _, _ = train(
            config,
            lab,
            f"{label} on semilinear",
            task,
            make,
            epochs=config.line_epochs,
            rate=1e-2,
            batch_size=25,
        )
        found = test_errors(model, task.test)["l2_error"]
        lab.record(
            system=system, dataset=task.name, metric="l2_error", value=found.mean(), at=at, items=found
        )
        lab.record(system=system, dataset=task.name, metric="parameters", value=real_parameters(model), at=at)


@part(seeds=1)
def solver(config: Config, lab: Lab) -> None:
    """How fast a V-cycle with textbook weights contracts, grid by grid, beside sweeps on one grid."""
    for points in config.solver_points:
        at = {"points": points}
        levels = (points + 1).bit_length() - 2
        candidates: dict[str, nn.Module] = {
            "v_cycle": MultigridConv.classical(levels=levels),
            "few_coarse_sweeps": MultigridConv.classical(levels=levels, coarse_smoothing=2),
            "jacobi": identities.Jacobi(),
        }
        for system, W in candidates.items():
            cycles = 8 if system == "jacobi" else 25
            worst, left = identities.contraction(W, points, lab.generator("source", points), cycles)
            lab.record(system=system, dataset="poisson", metric="contraction", value=worst, at=at)
            lab.record(system=system, dataset="poisson", metric="residual", value=left, at=at)


@part
def green(config: Config, lab: Lab) -> None:
    """One linear layer learns the inverse of the Laplacian: error and parameters of six kinds of layers."""
    size = config.green_points
    task = poisson_task("dirichlet", size, config.green_pairs, 50, lab.key("pairs") % 2**32)
    for system, make in systems.linear_layers(size).items():
        best: tuple[float, nn.Module | None] = (float("inf"), None)
        for rate in config.green_rates:
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
            final = sum(loss[-10:]) / len(loss[-10:])
            if final < best[0]:
                best = (final, model)
        model = best[1] or systems.seeded(lab.key("init"), make)
        found = test_errors(model, task.test)["l2_error"]
        lab.record(system=system, dataset="green", metric="l2_error", value=found.mean(), items=found)
        lab.record(system=system, dataset="green", metric="parameters", value=real_parameters(model))
        if system in ("multigrid", "fourier_padded"):
            with torch.no_grad():
                predicted = model(task.test[0].to(lab.device)).cpu()
            frequencies, target, error = identities.error_by_frequency(predicted, task.test[1])
            for k, size_of_target, size_of_error in zip(frequencies, target, error, strict=True):
                at = {"frequency": k}
                lab.record(system="target", dataset="green", metric="amplitude", value=size_of_target, at=at)
                lab.record(system=system, dataset="green", metric="amplitude", value=size_of_error, at=at)


@part
def boundaries(config: Config, lab: Lab) -> None:
    """Three boundary conditions, learnt with three paddings each."""
    for condition in CONDITIONS:
        task = poisson_task(
            condition, config.boundary_points, config.boundary_pairs, 50, lab.key("pairs") % 2**32
        )
        for padding in CONDITIONS:

            def make(padding: Boundary = padding) -> nn.Module:
                levels = min(config.levels, 4)
                return MgNO(1, 1, width=config.boundary_width, depth=2, levels=levels, boundary=padding)

            model, _, _ = train(
                config,
                lab,
                f"{padding} padding on {task.name}",
                task,
                make,
                epochs=config.boundary_epochs,
                rate=5e-3,
                batch_size=10,
            )
            found = test_errors(model, task.test, l2_error=pde.relative_l2, band_error=band_error)
            for metric, values in found.items():
                lab.record(
                    system=f"{padding}_padding",
                    dataset=task.name,
                    metric=metric,
                    value=values.mean(),
                    items=values,
                )
        for metric in ("l2_error", "band_error"):
            lab.record(system="zero", dataset=task.name, metric=metric, value=1.0)


@part
def trainability(config: Config, lab: Lab) -> None:
    """Training error after each epoch on Helmholtz' equation: three networks of one size, three rates."""
    task = make_task(
        "helmholtz",
        config.wave_points,
        config.wave_pairs,
        20,
        lab.key("pairs") % 2**32,
        omega=config.wave_omega,
    )
    per_epoch = -(-config.wave_pairs // 10)
    for system, make in systems.convolutional(config, task).items():
        curves: dict[float, list[float]] = {}
        for rate in config.wave_rates:
            try:
                _, _, loss = train(
                    config,
                    lab,
                    f"{system} at {rate:g}",
                    task,
                    make,
                    epochs=config.wave_epochs,
                    rate=rate,
                    batch_size=10,
                )
            except Diverged:
                loss = [float("inf")] * per_epoch * config.wave_epochs
            curves[rate] = [
                sum(loss[start : start + per_epoch]) / per_epoch for start in range(0, len(loss), per_epoch)
            ]
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


@part(data=("DarcySmall",))
def overfitting(config: Config, lab: Lab) -> None:
    """Training and test error after each epoch on the public Darcy set, beside FNO; and on 32 points."""
    pairs = data.load("DarcySmall")
    chosen = torch.randperm(len(pairs.train[0]), generator=lab.generator("subset"))[: config.public_pairs]
    a, u = (fields[chosen] for fields in pairs.train)
    task = Task(pairs.name, (a, u), pairs.tests[16], "dirichlet")
    makers: dict[str, systems.Contestant] = {
        "mgno": (
            config.public_epochs,
            config.rate,
            lambda: MgNO(1, 1, width=config.width, depth=config.depth, levels=3),
        ),
        "fno": (
            config.public_fno_epochs,
            config.fno_rate,
            lambda: systems.fno(task, config.fno_width, min(8, config.fno_modes)),
        ),
    }
    seen = (a[:250], u[:250])
    curves: dict[str, list[dict[str, Any]]] = {}
    for system, (epochs, rate, make) in makers.items():
        model, curves[system], _ = train(
            config,
            lab,
            f"{system} on {task.name}",
            task,
            make,
            epochs=epochs,
            rate=rate,
            evaluate=lambda model: {
                "train": test_errors(model, seen)["l2_error"].mean().item(),
                "test": test_errors(model, task.test)["l2_error"].mean().item(),
            },
        )
        for points, tests in pairs.tests.items():
            for metric, values in test_errors(model, tests).items():
                name = task.name if points == 16 else f"{task.name}-{points}"
                lab.record(system=system, dataset=name, metric=metric, value=values.mean(), items=values)
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


@part
def accuracy(config: Config, lab: Lab) -> None:
    """Errors on equations that are solved here, after equal time, beside FNO at two sizes and a U-Net."""
    missing: Missing | None = None
    for equation in config.equations:
        porous = equation.startswith("darcy")
        size = config.wave_points if equation == "helmholtz" else config.points
        if equation == "navier_stokes":
            size = min(size, 64)
        pairs = config.pairs if porous else config.pairs // 2
        task = make_task(
            equation,
            size,
            pairs,
            config.test_pairs,
            lab.key("pairs") % 2**32,
            omega=config.wave_omega,
            viscosity=config.viscosity,
        )
        shown = {}
        for system, (epochs, rate, make) in systems.contestants(config, task, all_of_them=porous).items():
            try:
                model, _, _ = train(
                    config,
                    lab,
                    f"{system} on {task.name}",
                    task,
                    make,
                    epochs=epochs,
                    rate=rate,
                    errors=pde.relative_h1,
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
                lab.figure(task.name, figures.error_maps(a, u, shown, task.name))
    if missing:
        raise missing


@part(seeds=1, timed=True)
def pace(config: Config, lab: Lab) -> None:
    """Seconds of a training step and of the whole training, system by system; and of a V-cycle."""
    task = make_task(config.equations[0], config.points, config.batch_size, 1, 0)
    a, u = (fields.to(lab.device) for fields in task.train)
    steps: dict[str, Callable[[], None]] = {}
    missing: Missing | None = None
    chosen = systems.contestants(config, task, all_of_them=True)
    for system, (_, _, make) in chosen.items():
        try:
            model = task.scaled(systems.seeded(lab.key("init"), make)).to(lab.device)
        except Missing as error:
            missing = missing or error
            continue

        def step(model: nn.Module = model) -> None:
            pde.relative_h1(model(a), u).mean().backward()

        steps[system] = step
    timings = lab.time(steps, repeats=9)
    for system in steps:
        seconds = timings.median(system)
        record = partial(lab.record, system=system, dataset=task.name, unit="s")
        record(metric="seconds_per_step", value=seconds, items=timings.seconds[system])
        in_all = seconds * chosen[system][0] * config.pairs / config.batch_size
        record(metric="training_seconds", value=in_all)
    speed_of_a_cycle(config, lab)
    if missing:
        raise missing


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
    for system in passes:
        lab.record(
            system=system,
            dataset="v_cycle",
            metric="seconds",
            value=timings.median(system),
            unit="s",
            items=timings.seconds[system],
        )
    ratio = timings.ratio("plain", "multigrid")
    lab.record(system="multigrid", dataset="v_cycle", metric="speedup", value=ratio.value)
    interval = f"[{ratio.low:.2f}, {ratio.high:.2f}]"
    lab.say(f"a V-cycle is {ratio.value:.2f} {interval} times as fast as one written plainly")


@plot
def contraction_of_a_cycle(records: Records) -> Any:
    """The factor a cycle against the size of the grid."""
    found = records.where(part="solver", metric="contraction")
    return figures.contraction(figures.placed(found, "points"), colours(found.systems))


@plot
def error_of_one_layer(records: Records) -> Any:
    """Parameters against error of linear layers, and the error by frequency."""
    found = records.where(part="green")
    points = {
        system: (
            found.where(system=system, metric="parameters", at={}).values(),
            found.where(system=system, metric="l2_error", at={}).values(),
        )
        for system in found.where(metric="parameters").systems
    }
    amplitudes = figures.placed(found.where(metric="amplitude"), "frequency")
    return figures.linear_layers(points, amplitudes, colours([*points, "target"]))


@plot
def errors_by_width(records: Records) -> Any:
    """One hidden layer: test error against neurons."""
    found = records.where(part="universality", metric="l2_error")
    curves = figures.placed(found.where(system="mgno"), "width")["mgno"]
    return figures.widths(curves, found.where(system="linear").values(), colours(["mgno"])["mgno"])


@plot
def padding_and_boundary(records: Records) -> Any:
    """The 3 x 3 matrix of paddings and boundary conditions."""
    found = records.where(part="boundaries")
    matrices = {
        metric: [
            [
                found.where(
                    metric=metric, dataset=f"poisson_{condition}", system=f"{padding}_padding"
                ).values()
                for padding in CONDITIONS
            ]
            for condition in CONDITIONS
        ]
        for metric in ("l2_error", "band_error")
    }
    return figures.boundary_matrices(matrices, CONDITIONS)


@plot
def training_and_test(records: Records) -> Any:
    """Training and test error, epoch by epoch, beside FNO."""
    found = records.where(part="overfitting")
    curves = {
        split: figures.placed(found.where(metric=f"{split}_error"), "epoch") for split in ("train", "test")
    }
    return figures.training_and_test(curves, found.where(metric="level_error"), colours(["mgno", "fno"]))


@plot
def training_on_waves(records: Records) -> Any:
    """Training error on Helmholtz' equation, epoch by epoch, at each network's best rate."""
    found = records.where(part="trainability", metric="training_error")
    return figures.training(figures.placed(found, "epoch"), colours(found.systems))


@plot
def accuracy_on_darcy(records: Records) -> Any:
    """Test error and parameters after equal time."""
    found = records.where(part="accuracy")
    return figures.accuracy(found, colours(["mgno", "mgno_lifted", "unet", "fno", "fno_small"]))
