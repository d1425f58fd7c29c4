"""MgNO beside its peers, in one process and in turn.

    python benchmarks/science/mgno.py
    python benchmarks/science/mgno.py --official FOLDER

FOLDER holds `models.py` of github.com/xlliu2017/MgNO; without it a cycle written plainly stands in for the
authors' own. FNO is that of neuraloperator, where it is installed. The direct solver is SciPy's.
"""

import argparse
import importlib.util
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from octavo.errors import Missing
from octavo.lab import Timings, time_side_by_side
from octavo.science import MgNO, MultigridConv, pde
from octavo.science.mgno import systems
from octavo.science.mgno.baselines import real_parameters
from octavo.science.mgno.plain import PlainCycle
from octavo.science.mgno.tasks import Task


def official_models(folder: Path) -> Any:
    """The authors' module of models, without what it imports for printing."""
    for name, attribute in (("torchinfo", "summary"), ("utilities3", "count_params")):
        module = types.ModuleType(name)
        setattr(module, attribute, None)
        sys.modules.setdefault(name, module)
    specification = importlib.util.spec_from_file_location("official_mgno", folder / "models.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def training(model: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """One forward and backward pass."""

    def step() -> None:
        model.zero_grad(set_to_none=True)
        model(x).square().mean().backward()

    return step


def inference(model: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """One forward pass without gradients."""

    def step() -> None:
        with torch.no_grad():
            model(x)

    return step


def say(title: str, timings: Timings, ours: str) -> None:
    """A line for each, with the ratio to ours."""
    print(title + (" (the machine is busy)" if timings.busy else ""))
    for name in timings.seconds:
        ratio = timings.ratio(name, ours)
        interval = f"[{ratio.low:.2f}, {ratio.high:.2f}]"
        print(f"  {name:<28}{1e3 * timings.median(name):>9.2f} ms   x {ratio.value:.2f} {interval}")


def cycles(official: Any, device: str, repeats: int) -> None:
    """One V-cycle, forward and backward."""
    for channels, points, levels, batch in ((24, 64, 5, 8), (32, 64, 5, 8), (16, 32, 4, 16)):
        if official is None:
            peer: nn.Module = PlainCycle(channels, channels, levels)
        else:
            peer = official.MgConv_DC([[1, 0]] * (levels - 1) + [[2, 0]], channels, channels)
        ours = MultigridConv(channels, channels, levels=levels)
        assert real_parameters(ours) == real_parameters(peer)
        f = torch.randn(batch, channels, points, points, device=device)
        steps = {"octavo": training(ours.to(device), f), "peer": training(peer.to(device), f)}
        title = f"V-cycle, {channels} channels, {points} x {points}, {levels} levels, batch {batch}, training"
        say(title, time_side_by_side(steps, repeats, device=device), "octavo")


def models(official: Any, device: str, repeats: int) -> None:
    """Whole models, training and inference, beside FNO at equal parameters."""
    a, u = pde.darcy(8, 64)
    task = Task("darcy", (a, u), (a, u), "dirichlet")
    compared: dict[str, nn.Module] = {"octavo": MgNO(1, 1, width=24, depth=3, levels=5)}
    if official is not None:
        compared["authors' MgNO_DC"] = official.MgNO_DC(3, 24, 1, 1, [[1, 0]] * 4 + [[2, 0]])
    try:
        compared["FNO, as many parameters"] = systems.fno(task, 22, 12)
    except Missing as error:
        print(error)
    for name, model in compared.items():
        print(f"{name}: {real_parameters(model):,} parameters")
        model.to(device)
    x = a.to(device)
    for what, make in (("a training pass", training), ("inference", inference)):
        steps = {name: make(model, x) for name, model in compared.items()}
        say(f"Darcy 64 x 64, batch 8: {what}", time_side_by_side(steps, repeats, device=device), "octavo")


def solver(points: int, batch: int, device: str, repeats: int) -> None:
    """Inference beside the direct sparse solve of as many media."""
    a, _ = pde.darcy(batch, points)
    media = a[:, 0].double().numpy()
    model, x = MgNO(1, 1, width=24, depth=4, levels=6).to(device), a.to(device)
    steps = {
        "octavo": inference(model, x),
        "sparse solve": lambda: [pde.solve_darcy(medium) for medium in media],
    }
    title = f"Darcy {points} x {points}, batch {batch}: inference and the direct solve"
    say(title, time_side_by_side(steps, repeats, 1, device), "octavo")


def main() -> None:
    """Prints ratios of medians; above 1 the other takes longer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--official", type=Path, help="folder of the authors' models.py")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    official = official_models(options.official) if options.official else None
    peer = "the authors' code" if official else "a plainly written cycle"
    print(
        f"{options.device}, {options.threads} thread(s) of {os.cpu_count()} cores, {options.repeats} repeats"
    )
    print(f"peer: {peer}")
    cycles(official, options.device, options.repeats)
    models(official, options.device, options.repeats)
    points, batch = (256, 16) if options.device != "cpu" else (128, 2)
    solver(points, batch, options.device, max(3, options.repeats // 3))


if __name__ == "__main__":
    main()
