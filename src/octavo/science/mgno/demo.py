"""A permeability in, the pressure out: by the solver, by MgNO and by a network of its size, with their
errors."""

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from annotated_types import Interval, MultipleOf

from octavo.errors import Missing
from octavo.lab import Drawn, TensorData, house_style
from octavo.lab.fit import fit
from octavo.science.mgno import maps, pde, systems
from octavo.science.mgno.baselines import UNet, real_parameters
from octavo.science.mgno.drawn import from_characters, from_picture
from octavo.science.mgno.neural_operator import MgNO
from octavo.science.mgno.tasks import Task, one_cycle

TRAINED_ON = 16
MODES = 12


def demo(
    drawing: str = "",
    picture: Annotated[Path | None, Drawn(256, 256, pen=24)] = None,
    resolution: Annotated[int, Interval(ge=16, le=128), MultipleOf(8)] = 16,
    kind: Literal["two-phase", "rough", "smooth"] = "two-phase",
    steps: int = 120,
    seed: int = 7,
) -> dict[str, Any]:
    """Learns the flow through porous media on 16 x 16 cells in seconds, and then sees a new one.

    On a finer grid one sees that MgNO's stencils belong to the spacing that they were learnt at, while FNO's
    frequencies do not.

    Args:
        drawing: the new medium, rows of # (hardly permeable) and . with / between: "....../.####./......".
        picture: a file with the new medium, or one drawn on the page: dark where it is hardly permeable.
        resolution: cells a side on which the new medium is seen, 16 to 128; it is learnt on 16.
        kind: of the media.
        steps: training steps of each network.
        seed: of the new medium, where none is drawn.

    Returns:
        Errors in per cent and milliseconds, the text of a table and a figure of pressures and errors.
    """
    if not 16 <= resolution <= 128 or steps < 1:
        raise ValueError(
            f"resolution={resolution} must be from 16 to 128 and steps={steps} at least 1; "
            "16 and 120 are good numbers"
        )
    a, u = pde.darcy(300, TRAINED_ON, kind, seed=0, modes=MODES)
    task = Task("darcy", (a, u), (a[:1], u[:1]), "dirichlet")
    networks = {system: systems.seeded(0, make) for system, make in _networks(task).items()}
    if drawing or picture is not None:
        shape = (
            from_picture(picture, resolution) if picture is not None else from_characters(drawing, resolution)
        )
        low, high = (float(a.flatten().quantile(q)) for q in (0.01, 0.99))
        a_new = (high - (high - low) * shape)[None, None]
    else:
        a_new, _ = pde.darcy(1, resolution, kind, seed=seed + 1000, modes=MODES)
    start = time.perf_counter()
    u_new = torch.from_numpy(pde.solve_darcy(a_new[0, 0].double().numpy())).float()[None, None]
    rows = [("solver", 0.0, 1e3 * (time.perf_counter() - start), 0)]
    predicted = {}
    for system, network in networks.items():
        model = task.scaled(network)
        fit(
            system,
            model,
            lambda model, batch, _: pde.relative_h1(model(batch["a"]), batch["u"]).mean(),
            TensorData(a=a, u=u),
            steps=steps,
            batch_size=20,
            learning_rate=5e-3 if system == "mgno" else 1e-2,
            schedule=one_cycle,
        )
        with torch.no_grad():
            model(a_new)
            start = time.perf_counter()
            found = model(a_new)
            spent = 1e3 * (time.perf_counter() - start)
        predicted[system] = found[0, 0].numpy()
        rows.append((system, float(pde.relative_l2(found, u_new)), spent, real_parameters(network)))
    with house_style():
        title = f"Learnt on 16 x 16 cells, seen on {resolution} x {resolution}"
        drawn = maps.error_maps(a_new[0, 0].numpy(), u_new[0, 0].numpy(), predicted, title)
    lines = ["", "             error      time    parameters"]
    lines += [
        f"{system:<10} {error:>7.1%} {spent:>7.1f} ms {size:>10,}" for system, error, spent, size in rows
    ]
    return {
        "text": "\n".join(lines),
        **{f"error_of_{system}": error for system, error, _, _ in rows[1:]},
        "error_of_its_mean_pressure": float(
            pde.relative_l2(F.interpolate(u.mean(0, keepdim=True), size=(resolution, resolution)), u_new)
        ),
        "figure": drawn,
    }


def _networks(task: Task) -> dict[str, Any]:
    found: dict[str, Any] = {"mgno": lambda: MgNO(1, 1, width=8, depth=2, levels=3)}
    try:
        systems.fno(task, 2, 2)
    except Missing:
        # Without the library the U-Net stands beside it.
        found["unet"] = lambda: UNet(1, 1, width=6, levels=3)
    else:
        found["fno"] = lambda: systems.fno(task, 12, 6)
    return found
