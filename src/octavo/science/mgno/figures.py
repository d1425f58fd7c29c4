"""The figures of the experiment, drawn from plain numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Number = int | float
Placed = Mapping[str, Mapping[Number, Sequence[float]]]
"""By system and place on an axis, a value a seed."""

LABELS = {
    "mgno": "MgNO",
    "mgno_lifted": "MgNO, lifted and projected",
    "fno": "FNO",
    "fno_small": "FNO of MgNO's size",
    "unet": "U-Net",
    "dilated_resnet": "dilated ResNet",
    "v_cycle": "V(1,1)-cycle",
    "few_coarse_sweeps": "2 sweeps on the coarsest grid",
    "jacobi": "2 sweeps, no coarser grid",
    "multigrid": "one V-cycle",
    "fourier": "Fourier layer",
    "fourier_padded": "Fourier layer, padded",
    "convolutions": "9 convolutions",
    "low_rank": "low-rank matrix",
    "dense": "dense matrix",
}


OFFSETS = {"dense": (-8, 0), "fourier": (-4, -14), "fourier_padded": (8, 8), "convolutions": (8, -8)}
"""Where names stand beside points that lie near others."""
EQUATIONS = {
    "darcy": "Darcy",
    "darcy_rough": "Darcy, rough",
    "helmholtz": "Helmholtz",
    "navier_stokes": "Navier-Stokes",
}


def label(system: str) -> str:
    """A system's name as readers know it."""
    return LABELS.get(system, system.replace("_", " "))


def placed(records: Any, axis: str) -> dict[str, dict[Number, list[float]]]:
    """By system and place on the axis the values of all seeds.

    Args:
        records: of one metric.
        axis: such as ``epoch``.
    """
    curves: dict[str, dict[Number, list[float]]] = {}
    for record in records:
        if record.at:
            curves.setdefault(record.system, {}).setdefault(dict(record.at)[axis], []).append(record.value)
    return curves


def contraction(rates: Placed, colours: Mapping[str, str]) -> Any:
    """The factor by which a cycle reduces the residual, against the size of the grid.

    Args:
        rates: by system and points a side.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.6, 3.9))
    for system, curve in rates.items():
        points = sorted(curve)
        values = [float(np.mean(curve[p])) for p in points]
        axes.plot(points, values, "o-", color=colours[system])
        axes.annotate(
            label(system),
            (points[0], values[0]),
            xytext=(0, 8),
            textcoords="offset points",
            color=colours[system],
            fontsize=9.5,
        )
    axes.axhline(0.36, color="#4D4D4D", linestyle=":", linewidth=1.2)
    axes.annotate(
        "theory: 0.6² = 0.36",
        (1, 0.36),
        xycoords=("axes fraction", "data"),
        xytext=(0, -13),
        textcoords="offset points",
        fontsize=9,
        ha="right",
    )
    axes.set_xscale("log", base=2)
    ticks = sorted({p for curve in rates.values() for p in curve})
    axes.set_xticks(ticks, [f"{int(p)}²" for p in ticks])
    axes.minorticks_off()
    axes.set(ylim=(0, 1.12), xlabel="grid", title="What a cycle leaves of the residual")
    return figure


def linear_layers(
    layers: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    amplitudes: Placed,
    colours: Mapping[str, str],
) -> Any:
    """Parameters against error of linear layers; beside it, the error by frequency.

    Args:
        layers: parameters and errors, a seed each.
        amplitudes: by system, ``target`` among them, and frequency.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.2, 4.0))
    for system, (parameters, errors) in layers.items():
        left.plot(parameters, errors, "o", color=colours[system], alpha=0.6)
        shift = OFFSETS.get(system, (8, 0))
        left.annotate(
            label(system),
            (parameters[0], float(np.mean(errors))),
            xytext=shift,
            textcoords="offset points",
            color=colours[system],
            va="center",
            ha="right" if system == "dense" else "left",
            fontsize=9.5,
        )
    left.set(
        xscale="log",
        yscale="log",
        xlabel="parameters",
        ylabel="relative L2 error",
        title="One linear layer learns the inverse of the Laplacian",
    )
    for system, curve in amplitudes.items():
        k = sorted(curve)
        target = system == "target"
        right.plot(
            k,
            [float(np.mean(curve[each])) for each in k],
            color="#4D4D4D" if target else colours[system],
            linestyle="--" if target else "-",
            label="the solution itself" if target else f"error of {label(system)}",
        )
    right.set(
        xscale="log",
        yscale="log",
        xlabel="half periods a side",
        title="Its error, from the longest waves to the shortest",
    )
    _legend(right)
    return figure


def widths(curve: Mapping[Number, Sequence[float]], linear: Sequence[float], colour: str) -> Any:
    """Test error of one hidden layer against its neurons, a dot a seed.

    Args:
        curve: by neurons.
        linear: of a linear operator.
        colour: of MgNO.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.2, 3.9))
    neurons = sorted(curve)
    axes.plot(neurons, [float(np.mean(curve[n])) for n in neurons], color=colour)
    for n in neurons:
        axes.plot([n] * len(curve[n]), curve[n], "o", color=colour, alpha=0.5)
    if linear:
        axes.axhline(float(np.mean(linear)), color="#4D4D4D", linestyle=":", linewidth=1.2)
        axes.annotate(
            "a linear operator",
            (neurons[-1], float(np.mean(linear))),
            xytext=(0, 5),
            textcoords="offset points",
            ha="right",
            fontsize=9,
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(neurons, [f"{int(n)}" for n in neurons])
    ticks = [t for t in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if t > 0.8 * min(min(c) for c in curve.values())]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set(xlabel="neurons", ylabel="relative L2 error", title="One hidden layer learns  −u″ + u³ = f")
    return figure


def boundary_matrices(
    matrices: Mapping[str, Sequence[Sequence[Sequence[float]]]], conditions: Sequence[str]
) -> Any:
    """Two 3 x 3 matrices: the error for each boundary condition and padding, on the whole grid and at its
    edge.

    Args:
        matrices: by metric, a row a condition, a column a padding, a value a seed.
        conditions: their names.
    """
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.2))
    titles = {"l2_error": "Relative L2 error", "band_error": "In the two outermost cells"}
    image: Any = None
    for axes, (metric, rows) in zip(panels, matrices.items(), strict=True):
        means = np.array([[float(np.mean(cell)) if len(cell) else np.nan for cell in row] for row in rows])
        # Each row is an equation of its own, so colours compare its paddings.
        shown = np.log2(means / np.nanmin(means, axis=1, keepdims=True))
        image = axes.imshow(shown, cmap="YlOrBr", vmin=0, vmax=5)
        for row, column in np.ndindex(means.shape):
            best = means[row, column] == np.nanmin(means[row])
            axes.text(
                column,
                row,
                f"{means[row, column]:.3f}",
                ha="center",
                va="center",
                fontweight="bold" if best else "normal",
                color="white" if shown[row, column] > 3 else "black",
            )
        axes.set_xticks(range(len(conditions)), conditions)
        axes.set_yticks(range(len(conditions)), conditions)
        axes.set(xlabel="padding", ylabel="equation", title=titles[metric])
        axes.grid(visible=False)
    bar = figure.colorbar(image, ax=panels, shrink=0.8, ticks=range(6))
    bar.ax.set_yticklabels([f"{2**tick}×" for tick in range(6)])
    bar.set_label("times the best padding's")
    bar.outline.set_visible(False)
    figure.suptitle("The padding that is the equation's is the best", fontsize=12, x=0.01, ha="left")
    return figure


def training_and_test(
    sets: Mapping[str, Mapping[str, Placed]],
    levels: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
) -> Any:
    """Training and test error against the epoch, a panel a data set.

    Args:
        sets: by data set, and for ``train`` and ``test``, by system and epoch.
        levels: by data set the training errors at which the systems are compared.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    titles = {"DarcySmall": "Darcy's equation, 16 x 16", "BurgersSmall": "Burgers' equation, 16 points"}
    figure, panels = plt.subplots(1, len(sets), figsize=(0.8 + 4.6 * len(sets), 4.0), squeeze=False)
    for axes, (dataset, curves) in zip(panels[0], sets.items(), strict=True):
        for split, style in (("train", "--"), ("test", "-")):
            for system, curve in curves[split].items():
                _band(axes, curve, style, colours[system], f"{label(system)}, {split}")
        if levels[dataset]:
            level = float(np.mean(levels[dataset]))
            axes.axhline(level, color="#4D4D4D", linestyle=":", linewidth=1.2)
            axes.annotate(
                "compared here",
                (1, level),
                xycoords=("axes fraction", "data"),
                xytext=(0, 4),
                textcoords="offset points",
                ha="right",
                fontsize=9,
            )
        axes.set(yscale="log", xlabel="epoch", title=titles.get(dataset, dataset))
    panels[0, 0].set_ylabel("relative L2 error")
    _legend(panels[0, 0])
    return figure


def _band(axes: Any, curve: Mapping[Number, Sequence[float]], style: str, colour: str, label: str) -> None:
    """The mean over seeds, and from the least to the most."""
    places = sorted(curve)
    values = np.array([[float(np.mean(curve[p])), min(curve[p]), max(curve[p])] for p in places])
    axes.plot(places, values[:, 0], style, color=colour, label=label)
    axes.fill_between(places, values[:, 1], values[:, 2], color=colour, alpha=0.13, linewidth=0)


def _legend(axes: Any) -> None:
    """A legend, where there is anything to name."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend()


def training(curves: Placed, colours: Mapping[str, str]) -> Any:
    """Training error against the epoch.

    Args:
        curves: by system and epoch.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.9))
    for system, curve in curves.items():
        _band(axes, curve, "o-", colours[system], label(system))
    axes.set(
        yscale="log",
        xlabel="epoch",
        ylabel="training error",
        title="Helmholtz' equation, networks of one size at their best rates",
    )
    _legend(axes)
    return figure


def accuracy(records: Any, colours: Mapping[str, str]) -> Any:
    """Test error after equal time against parameters, an equation a panel.

    Args:
        records: of errors and parameters.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    datasets = [name for name in records.datasets if records.where(dataset=name, metric="h1_error").systems]
    figure, panels = plt.subplots(1, len(datasets), figsize=(1.2 + 3.6 * len(datasets), 4.0), squeeze=False)
    for axes, dataset in zip(panels[0], datasets, strict=True):
        found = records.where(dataset=dataset)
        for system in found.where(metric="parameters").systems:
            errors = found.where(system=system, metric="h1_error").values()
            parameters = found.where(system=system, metric="parameters").values()
            thousands = [p / 1e3 for p in parameters]
            axes.plot(thousands, errors, "o", color=colours[system], alpha=0.6, label=label(system))
        axes.set(
            xscale="log",
            xlabel="parameters (thousands)",
            title=EQUATIONS.get(dataset, dataset.replace("_", " ").capitalize()),
            ylim=(0, None),
        )
        ticks = apart([size / 1e3 for size in found.where(metric="parameters").values()])
        axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
        axes.minorticks_off()
        axes.margins(x=0.2)
    panels[0, 0].set_ylabel("relative H1 error")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.suptitle("Equations solved here, a dot a seed, after equal time", fontsize=12, x=0.01, ha="left")
    return figure


def apart(sizes: Sequence[float]) -> list[float]:
    """Those of the sizes that label an axis: the least, and each far enough from the last to be read.

    Args:
        sizes: of networks, in any order.

    Example:
        >>> apart([115.0, 108.0, 395.0]), apart([115.0, 108.0])
        ([108.0, 395.0], [108.0, 115.0])
    """
    factor = (max(sizes) / min(sizes)) ** 0.13
    kept: list[float] = []
    for size in sorted(sizes):
        if not kept or size > factor * kept[-1]:
            kept.append(size)
    return kept
