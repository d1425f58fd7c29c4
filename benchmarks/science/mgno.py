"""MgNO beside its peers, in one process and in turn.

    python benchmarks/science/mgno.py
    python benchmarks/science/mgno.py --official FOLDER
    python benchmarks/science/mgno.py --official FOLDER --device cuda --only cycles solver

FOLDER holds `models.py` of github.com/xlliu2017/MgNO; without it a cycle written plainly stands in for the
authors' own. With it, both are first given the same weights, and must give the same; then the V-cycle must be
as much faster as TARGET says in the paper's sizes of Darcy's and Helmholtz' equation, on a processor that has
nothing else to do; on a GPU it must not be slower in either precision. FNO is that of neuraloperator, where
it is installed. The direct solver is SciPy's.
"""

import argparse
import os
import runpy
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from octavo.errors import Missing
from octavo.lab import Timings, time_side_by_side
from octavo.science import MgNO, MultigridConv, pde
from octavo.science.mgno import systems
from octavo.science.mgno.baselines import real_parameters
from octavo.science.mgno.pde.fields import gaussian_field
from octavo.science.mgno.plain import PlainCycle
from octavo.science.mgno.tasks import Task

TARGET = 1.3
SHAPES = {
    # channels, points, levels, batch
    "Darcy": (24, 64, 5, 8),
    "Darcy, finer": (24, 128, 6, 4),
    "Helmholtz": (20, 64, 5, 8),
    "Navier-Stokes": (32, 64, 5, 8),
    "this library's laptop run": (16, 64, 4, 8),
}
GROUPS = ("parity", "cycles", "models", "solver")
HELD_TO_THE_TARGET = ("Darcy", "Darcy, finer", "Helmholtz")
"""With 32 channels both fill the processor's vectors, and are within some per cent of its arithmetic."""


def official_models(folder: Path) -> Any:
    """The authors' module of models, without what it imports for printing."""
    for name, attribute in (("torchinfo", "summary"), ("utilities3", "count_params")):
        module = types.ModuleType(name)
        setattr(module, attribute, None)
        sys.modules.setdefault(name, module)
    return types.SimpleNamespace(**runpy.run_path(str(folder / "models.py")))


def copy_cycle(W: Any, official: Any) -> None:
    """Gives a `MultigridConv` the weights of the authors' class."""

    def copy(mine: torch.Tensor, theirs: torch.Tensor) -> None:
        mine.data[tuple(slice(size) for size in theirs.shape)] = theirs.data

    for index, level in enumerate(W.levels):
        steps = list(getattr(official, f"layer{index}"))
        if index > 0:
            down = steps.pop(0)
            copy(W.transfers[index - 1].R.weight, down.R.weight)
            copy(W.transfers[index - 1].Pi.weight, down.Pi.weight)
            if down.A is not None:
                copy(W.transfers[index - 1].A.weight, down.A.weight)
            copy(W.transfers[index - 1].P.weight, official.RTlayers[index - 1].weight)
        for mine, step in zip(level.S, steps, strict=True):
            copy(mine.weight, step.S.weight)
        for mine, step in zip(level.A, steps[index == 0 :], strict=True):
            copy(mine.weight, step.A.weight)
        for S, A, step in zip(
            level.post_S, level.post_A, getattr(official, f"post_smooth_layer{index}"), strict=False
        ):
            copy(S.weight, step.S.weight)
            copy(A.weight, step.A.weight)


def largest_difference(ours: nn.Module, theirs: nn.Module, *shape: int) -> float:
    """Of two modules on one random field in float64, relative to the largest value."""
    f = torch.randn(*shape, dtype=torch.float64)
    with torch.no_grad():
        one, other = ours.double()(f), theirs.double()(f)
    return float((one - other).abs().max() / other.abs().max())


def parity(official: Any) -> None:
    """With copied weights ours gives what the authors' classes give, and has as many parameters."""
    one, last = [[1, 0]], [[2, 0]]
    cases: list[tuple[str, Any, dict[str, Any], tuple[int, ...]]] = [
        ("MgConv_DC", official.MgConv_DC(one * 4 + last, 5, 3), {"levels": 5}, (2, 3, 64, 64)),
        (
            "MgConv_DC, residual",
            official.MgConv_DC(one * 3 + last, 4, 3, use_res=True),
            {"levels": 4, "restrict": "residual"},
            (2, 3, 48, 32),
        ),
        (
            "MgConv_DC, smoothed after",
            official.MgConv_DC([[2, 1], [1, 2], [2, 0]], 3, 3),
            {"levels": 3, "smoothing": (2, 1, 2)},
            (2, 3, 32, 32),
        ),
        (
            "MgConv_DC_smooth",
            official.MgConv_DC_smooth(one * 5 + last, 4, 2),
            {"levels": 6},
            (1, 2, 211, 211),
        ),
        (
            "MgConv, layer norms",
            official.MgConv(one * 4 + last, 4, 2),
            {"levels": 5, "norm": (64, 64)},
            (1, 2, 64, 64),
        ),
        (
            "MgConv_helm2, growing",
            official.MgConv_helm2(one * 4 + last, 3, 2),
            {
                "levels": 5,
                "boundary": "neumann",
                "coarsening": "interior",
                "growth": True,
                "norm": (101, 101),
            },
            (1, 2, 101, 101),
        ),
    ]
    for name, theirs, options, shape in cases:
        if name.endswith("after"):
            ours: nn.Module = cycle_with_different_ends(options)
        else:
            ours = MultigridConv(theirs.layer0[0].S.in_channels, theirs.num_channel_u, **options)
        copy_cycle(ours, theirs)
        apart = largest_difference(ours, theirs, *shape)
        print(f"  {name:<28}{' x '.join(map(str, shape)):<18} apart by {apart:.1e}")
        assert apart < 1e-12, (name, apart)
    whole, model = official.MgNO_DC(4, 24, 1, 1, one * 5 + last), MgNO(1, 1, width=24, depth=4, levels=6)
    for W, B, conv, linear in zip(
        model.operators, model.biases, whole.conv_list, whole.linear_list, strict=True
    ):
        copy_cycle(W, conv)
        B.load_state_dict(linear.state_dict())
    model.readout.load_state_dict(whole.linear.state_dict())
    apart = largest_difference(model, whole, 1, 1, 96, 96)
    sizes = real_parameters(model), real_parameters(whole)
    print(f"  MgNO_DC, 24 channels x 4 layers x 6 levels: {sizes[1]:,} parameters, apart by {apart:.1e}")
    assert sizes == (572_661, 572_661)
    assert apart < 1e-12, apart


def cycle_with_different_ends(options: dict[str, Any]) -> MultigridConv:
    """One step on the way back from the finest grid and two from the next, which one number cannot say."""
    W = MultigridConv(3, 3, post_smoothing=2, **options)
    del W.levels[0].post_S[1], W.levels[0].post_A[1]
    return W


def training(model: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """One forward and backward pass, as inside a network: the input has a gradient, too."""
    x = x.clone().requires_grad_()
    upstream = torch.randn_like(model(x))

    def step() -> None:
        model.zero_grad(set_to_none=True)
        x.grad = None
        model(x).backward(upstream)

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


def cycles(official: Any, device: str, repeats: int) -> list[str]:
    """One V-cycle, forward and backward, in the sizes of the paper's models; what is slower than asked."""
    short = []
    for name, (channels, points, levels, batch) in SHAPES.items():
        if official is None:
            peer: nn.Module = PlainCycle(channels, channels, levels)
        else:
            peer = official.MgConv_DC([[1, 0]] * (levels - 1) + [[2, 0]], channels, channels)
        ours = MultigridConv(channels, channels, levels=levels)
        assert real_parameters(ours) == real_parameters(peer)
        for precision in (torch.float32,) if device == "cpu" else (torch.float32, torch.bfloat16):
            f = torch.randn(batch, channels, points, points, device=device, dtype=precision)
            steps = {
                "octavo": training(ours.to(device, precision), f),
                "peer": training(peer.to(device, precision), f),
            }
            timings = time_side_by_side(steps, repeats, device=device)
            title = (
                f"{name}: V-cycle of {channels} channels, {points} x {points}, {levels} levels, batch {batch}"
            )
            say(f"{title}, {str(precision)[6:]}, training", timings, "octavo")
            ratio = timings.ratio("peer", "octavo")
            wanted = 1.0 if device != "cpu" else TARGET if name in HELD_TO_THE_TARGET else 0.95
            # Equal code differs by two per cent from run to run on a GPU, where the interval decides.
            reached = ratio.value if device == "cpu" else ratio.high
            if reached < wanted and not ratio.busy:
                short.append(f"{name}: {ratio.value:.2f} of {wanted}")
    return short


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
    compiled = torch.compile(compared["octavo"])
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), compared["octavo"](x), atol=1e-5, rtol=1e-5)
    print("torch.compile gives what eager execution gives, to 1e-5")
    for what, make in (("a training pass", training), ("inference", inference)):
        steps = {name: make(model, x) for name, model in compared.items()}
        say(f"Darcy 64 x 64, batch 8: {what}", time_side_by_side(steps, repeats, device=device), "octavo")


def solver(points: int, batch: int, device: str, repeats: int) -> list[str]:
    """Inference beside the direct sparse solve of as many media; what is slower than asked."""
    # Darcy's two-phase media, without the solutions that `pde.darcy` gives along: they are what is timed.
    media = np.where(gaussian_field(batch, points) >= 0, 12.0, 3.0)
    x = torch.from_numpy(media).float()[:, None].to(device)
    infer = inference(MgNO(1, 1, width=24, depth=4, levels=6).to(device), x)
    for _ in range(3):
        infer()
    steps = {
        "octavo": infer,
        "sparse solve": lambda: [pde.solve_darcy(medium) for medium in media],
    }
    title = f"Darcy {points} x {points}, batch {batch}: inference and the direct solve"
    # Only inference has anything to warm up.
    timings = time_side_by_side(steps, repeats, 0, device)
    say(title, timings, "octavo")
    faster = timings.ratio("sparse solve", "octavo").value
    return [f"{title}: {faster:.1f} of 10"] if device != "cpu" and faster < 10 else []


def main() -> None:
    """Prints ratios of medians; above 1 the other takes longer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--official", type=Path, help="folder of the authors' models.py")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument(
        "--only", nargs="+", choices=GROUPS, default=GROUPS, help="groups to run; all by default"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    # All in whole float32, which a GPU shortens in convolutions unless it is told not to.
    torch.backends.cudnn.allow_tf32 = False
    official = official_models(options.official) if options.official else None
    peer = "the authors' code" if official else "a plainly written cycle"
    print(
        f"{options.device}, {options.threads} thread(s) of {os.cpu_count()} cores, {options.repeats} repeats"
    )
    print(f"peer: {peer}")
    short: list[str] = []
    if official is not None and "parity" in options.only:
        parity(official)
    if "cycles" in options.only:
        short += cycles(official, options.device, options.repeats)
    if "models" in options.only:
        models(official, options.device, options.repeats)
    if "solver" in options.only:
        points, batch = (256, 16) if options.device != "cpu" else (128, 2)
        short += solver(points, batch, options.device, max(3, options.repeats // 3))
    if short:
        raise SystemExit(f"slower than was asked for: {', '.join(short)}")


if __name__ == "__main__":
    main()
