"""The figures of the experiment and of the demo, drawn from plain numbers and records."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

COLOURS = {"none": "#4D4D4D", "noise": "#D55E00", "fixed": "#0072B2", "dropout": "#009E73"}
LABELS = {
    "none": "SGD alone",
    "noise": "with noise that fades",
    "fixed": "with noise that stays",
    "dropout": "with dropout instead",
}
AWAKE = 0.3
"""The mean accuracy over which a network is seen to have taken off; a guess has 0.1."""
INITIALISATIONS = {
    "zero_init": "from zeros",
    "simple_init": "from N(0, 0.1²)",
    "good_init": "from He's initialisation",
}


def curves(records: Any) -> tuple[list[float], np.ndarray]:
    """A number of every restart at every step: the steps, and an array (restarts, steps)."""
    placed: dict[int, dict[float, float]] = {}
    for record in records:
        # A place has one number: the step, or whatever stands in its place.
        placed.setdefault(record.seed, {})[float(record.at[0][1])] = record.value
    steps = sorted({step for course in placed.values() for step in course})
    values = [[course.get(step, np.nan) for step in steps] for _, course in sorted(placed.items())]
    return steps, np.array(values, dtype=float).reshape(len(placed), len(steps))


def take_off(records: Any, fan_in: int = 50) -> Any:
    """Above: the variance of the hidden weights, and the window around 2 / fan_in. Below: the accuracy.

    Args:
        records: of the deep network from zeros.
        fan_in: units of a hidden layer.
    """
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(7.6, 6.2), sharex=True)
    target = 2 / fan_in
    above.axhspan(target / 2, target * 2, color="#FBE3D3", zorder=0)
    above.axhline(target, color="#D55E00", linewidth=1, linestyle=":")
    above.annotate(
        "2 / fan-in, within a factor of two: signals pass",
        # Where the curves have left the window's lower edge.
        (0.99, target * 0.53),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        fontsize=9,
        color="#A34700",
    )
    for system in ("fixed", "noise", "none"):
        variance = records.where(system=system, metric="weight_variance")
        accuracy = records.where(system=system, metric="course")
        if not len(variance):
            continue
        steps, values = curves(variance)
        colour = COLOURS[system]
        if system != "none":
            above.plot(steps, values.T, color=colour, alpha=0.3, linewidth=0.9)
            above.plot(steps, np.nanmean(values, 0), color=colour, label=LABELS[system])
        _members(below, *curves(accuracy), colour, LABELS[system])
    predicted = records.where(system="walk", metric="weight_variance")
    if len(predicted):
        steps, values = curves(predicted)
        above.plot(steps, values[0], color="black", linestyle="--", linewidth=1.2, label="V(t), predicted")
    steps, accuracies = curves(records.where(system="noise", metric="course"))
    woken = (
        [step for step, mean in zip(steps, accuracies.mean(0), strict=True) if mean > AWAKE] if steps else []
    )
    if woken:
        for axes in (above, below):
            axes.axvline(woken[0], color="#A34700", linewidth=1, linestyle=":")
        below.annotate(" learns by here", (woken[0], 0.03), fontsize=9, color="#A34700")
    above.legend(loc="lower right")
    above.set(yscale="log", title="Variance of the hidden weights: a random walk that starts at zero")
    _mark_window(above, target)
    below.set(title="Test accuracy, a line a restart", xlabel="step", ylim=(0, 1))
    below.axhline(0.1, color="#9A9A9A", linewidth=0.8, linestyle=":")
    # Between the dead network and those that learn.
    below.legend(loc="lower right", bbox_to_anchor=(1, 0.11))
    figure.suptitle(
        "Twenty layers from all zeros: the noise is the initialiser", fontsize=12, x=0.01, ha="left"
    )
    return figure


def courses(records: Any) -> Any:
    """Test accuracy against steps, a panel an initialisation."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(10.6, 4.0), sharey=True)
    for axes, (dataset, title) in zip(panels, INITIALISATIONS.items(), strict=True):
        for system in ("fixed", "dropout", "none", "noise"):
            found = records.where(dataset=dataset, system=system, metric="course")
            if len(found):
                _members(axes, *curves(found), COLOURS[system], LABELS[system])
        axes.axhline(0.1, color="#9A9A9A", linewidth=0.8, linestyle=":")
        axes.set(title=title, xlabel="step", ylim=(0, 1))
    panels[0].set_ylabel("test accuracy")
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        # Below, where no curve passes.
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    figure.suptitle(
        "20 hidden layers of 50 ReLUs on digits, a line a restart", fontsize=12, x=0.01, ha="left"
    )
    return figure


def hard_models(records: Any) -> Any:
    """Memory network and Neural Programmer, a dot a restart; Neural GPU and pointer machine, counts."""
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.0, 3.9), width_ratios=(1.25, 0.8, 1.0))
    found = records.where(metric="error")
    stories = sorted(name for name in found.datasets if name.startswith("stories"))
    groups = [(name, "") for name in (*[name for name in stories if name != "stories"], "stories")]
    _error_panel(left, found, [*groups, ("stories", "_warm")], "Memory network: wrong answers")
    tables = [(name, "") for name in ("tables", "text_tables")]
    _error_panel(middle, found, tables, "Neural Programmer: wrong answers")
    for system in ("none", "noise"):
        label = "with noise" if system == "noise" else "without"
        left.plot([], [], "o", color=COLOURS[system], label=label)
    left.legend()
    _counts(right, records)
    return figure


def restart_histogram(records: Any) -> Any:
    """How many restarts of the Neural GPU have which share of wrong bits.

    Args:
        records: for each system how many restarts are below each share of wrong bits.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.6, 3.9))
    for offset, system in ((-0.2, "none"), (0.2, "noise")):
        edges, below = curves(records.where(system=system))
        if not edges:
            continue
        counts = np.diff(below[0], prepend=0)
        places = np.arange(len(edges)) + offset
        label = "with noise" if system == "noise" else "without"
        bars = axes.bar(places, counts, color=COLOURS[system], width=0.36, label=label)
        axes.bar_label(bars, fmt="%d", fontsize=9)
        percents = [f"{100 * edge:g}" for edge in edges]
        names = [f"{low} to {high}" for low, high in pairwise(percents[:-1])]
        axes.set_xticks(range(len(edges)), [f"below {percents[0]}", *names, f"over {percents[-2]}"])
        axes.legend()
    axes.set(title="Restarts of the Neural GPU", xlabel="wrong bits, %", ylabel="restarts")
    return figure


def _error_panel(axes: Any, found: Any, groups: Sequence[tuple[str, str]], title: str) -> None:
    """For each data set and kind of arm the errors of all restarts, without noise and with it."""
    for place, (dataset, kind) in enumerate(groups):
        for offset, system in ((-0.15, "none"), (0.15, "noise")):
            values = found.where(dataset=dataset, system=system + kind).values()
            _dots(axes, place + offset, values, COLOURS[system])
    axes.set(title=title, xticks=range(len(groups)), ylim=(0, None), xlim=(-0.6, len(groups) - 0.4))
    axes.set_xticklabels([_named(name) + (",\nwarm start" if kind else "") for name, kind in groups])


def live(
    steps: Sequence[int | float],
    predicted: Sequence[int | float],
    measured: Sequence[int | float],
    accuracy: Sequence[int | float],
    bare: Sequence[int | float],
    target: float,
    takeoff: float,
) -> Any:
    """The demo's picture: the predicted and the measured variance of the weights, and the accuracy.

    Args:
        steps: where the numbers were taken.
        predicted: V(t), of noise alone.
        measured: variance of the hidden weights.
        accuracy: with noise.
        bare: without.
        target: 2 / fan_in.
        takeoff: the predicted step.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.9))
    left.axhspan(target / 2, target * 2, color="#FBE3D3", zorder=0)
    left.plot(steps, predicted, color="#4D4D4D", linestyle="--", label="predicted, of noise alone")
    left.plot(steps, measured, color=COLOURS["noise"], label="measured")
    left.set(title="Variance of the hidden weights", xlabel="step", yscale="log")
    _mark_window(left, target)
    left.legend(loc="lower right")
    right.plot(steps, bare, color=COLOURS["none"], label="without noise")
    right.plot(steps, accuracy, color=COLOURS["noise"], label="with noise")
    for axes in (left, right):
        if takeoff <= max(steps):
            axes.axvline(takeoff, color="#A34700", linewidth=1, linestyle=":")
    if takeoff <= max(steps):
        right.annotate(" predicted take-off", (takeoff, 0.97), fontsize=9, color="#A34700", va="top")
    right.set(title="Test accuracy", xlabel="step", ylim=(0, 1))
    # Between the two curves, wherever the upper one runs.
    right.legend(loc="lower right", bbox_to_anchor=(1, 0.11))
    return figure


def _mark_window(axes: Any, target: float) -> None:
    """Ticks where the window begins, where signals pass unchanged, and where it ends."""
    axes.set_yticks([target / 2, target, 2 * target], ["1 / m", "2 / m", "4 / m"])
    axes.minorticks_off()


def _members(axes: Any, steps: Sequence[int | float], values: np.ndarray, colour: str, label: str) -> None:
    if len(values) > 1:
        axes.plot(steps, values.T, color=colour, alpha=0.28, linewidth=0.9)
    axes.plot(steps, np.nanmean(values, 0), color=colour, linewidth=2.2, label=label)


def _dots(axes: Any, place: float, values: Sequence[int | float], colour: str) -> None:
    if not values:
        return
    spread = np.linspace(-0.06, 0.06, len(values)) if len(values) > 1 else [0.0]
    axes.plot(place + np.array(spread), values, "o", color=colour, alpha=0.6, clip_on=False)
    axes.plot([place - 0.11, place + 0.11], [np.mean(values)] * 2, color=colour, linewidth=2.4)


def _counts(axes: Any, records: Any) -> None:
    """Which share of the restarts of each machine is accurate, with its interval."""
    groups = [
        (dataset, metric)
        for metric in ("success", "solved")
        for dataset in sorted(records.where(metric=metric).datasets)
    ]
    for place, (dataset, metric) in enumerate(groups):
        for offset, system in ((-0.2, "none"), (0.2, "noise")):
            for record in records.where(dataset=dataset, metric=metric, system=system):
                axes.bar(place + offset, record.value, color=COLOURS[system], width=0.36)
                high = record.value
                if np.isfinite(record.item_low) and record.item_low < record.item_high:
                    high = record.item_high
                    axes.plot([place + offset] * 2, [record.item_low, high], color="black", linewidth=1.2)
                axes.annotate(
                    f"{round(record.value * record.n_items)}/{record.n_items}",
                    (place + offset, high),
                    xytext=(0, 4),
                    textcoords="offset points",
                    ha="center",
                    fontsize=9,
                )
    axes.set(title="Machines: accurate restarts", xticks=range(len(groups)), xlim=(-0.6, len(groups) - 0.4))
    axes.set_xticklabels([_named(dataset) for dataset, _ in groups])
    axes.margins(y=0.15)


def _named(dataset: str) -> str:
    kind, _, number = dataset.rpartition("_")
    if kind == "stories":
        return f"{number} fact{'s' if number != '1' else ''}"
    if kind == "walk":
        return f"pointers,\n{number} hop{'s' if number != '1' else ''}"
    names = {
        "stories": "mean",
        "tables": "numbers",
        "text_tables": "words",
        "addition": "Neural GPU,\naddition",
        "multiplication": "Neural GPU,\nmultiplication",
    }
    return names.get(dataset, dataset)
