"""The figures of the experiment, drawn from plain numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Curve = Mapping[int, Sequence[float]]
"""Values at each size, one a seed."""

LABELS = {
    "mrl": "MRL",
    "mrl_e": "MRL-E",
    "mrl_mean": "MRL, mean of the losses",
    "ff": "trained alone (FF)",
    "svd": "SVD afterwards, new head",
    "svd_of_head": "SVD of the head (paper's)",
    "random_columns": "random columns, new head",
    "mrl_nearest": "MRL",
    "ff_nearest": "trained alone (FF)",
    "ff_cut_nearest": "FF-256, cut",
    "adaptive": "adaptive",
    "short_only": "one size",
    "funnel": "funnel",
    "hnsw": "HNSW, then ranked",
    "full": "all dimensions (faiss)",
    "full_here": "all dimensions",
    "untrained": "as it comes",
    "pca": "PCA",
    "adaptor": "adaptor on frozen vectors",
    "adaptor_deep": "adaptor, one hidden layer",
}


def label(system: str) -> str:
    """A system's name as readers know it."""
    return LABELS.get(system, system.replace("_", " "))


def _sizes(axes: Any, sizes: Sequence[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()


def _curve(axes: Any, curve: Curve, colour: str, name: str, **style: Any) -> None:
    """The mean of each size, a dot a seed."""
    sizes = sorted(curve)
    means = [100 * float(np.mean(curve[size])) for size in sizes]
    axes.plot(sizes, means, color=colour, label=name, **style)
    for size in sizes:
        values = 100 * np.asarray(curve[size])
        axes.plot([size] * len(values), values, "o", color=colour, alpha=0.35, markersize=3)


def accuracy_by_size(
    heads: Mapping[str, Curve],
    neighbours: Mapping[str, Curve],
    between: Sequence[int],
    colours: Mapping[str, str],
) -> Any:
    """Accuracy against size, by a linear head and by the nearest neighbour: the paper's Figures 2 and 3.

    Args:
        heads: for each system, accuracy at each size, one a seed.
        neighbours: the same by the nearest neighbour.
        between: sizes that were not trained.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(10.4, 4.2), sharey=True)
    for axes, curves, title in (
        (panels[0], heads, "A linear head at each size"),
        (panels[1], neighbours, "The nearest training query"),
    ):
        for system, curve in curves.items():
            _curve(axes, curve, colours[system], label(system))
            if new := {size: curve[size] for size in between if size in curve}:
                means = [100 * float(np.mean(values)) for values in new.values()]
                axes.plot(list(new), means, "D", markerfacecolor="white", color=colours[system], markersize=7)
        sizes = sorted({size for curve in curves.values() for size in curve} - set(between))
        _sizes(axes, sizes)
        axes.set(title=title, xlabel="dimensions kept (diamonds: never trained)")
        axes.legend(loc="lower right")
    panels[0].set_ylabel("accuracy, 150 intents (%)")
    figure.suptitle(
        "One vector, cut anywhere, does what seven trained vectors do", fontsize=12, x=0.01, ha="left"
    )
    return figure


def staircase(
    climbed: Sequence[tuple[float, float]], fixed: Curve, alone: Curve, colours: Mapping[str, str]
) -> Any:
    """Accuracy against the dimensions that a query takes on average: the paper's Figure 6.

    Args:
        climbed: expected dimensions and accuracy, one a cap on the size, means over seeds.
        fixed: accuracy of MRL at each size.
        alone: accuracy of embeddings that were trained for one size.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.4, 4.2))
    _curve(axes, alone, colours["ff"], label("ff"))
    _curve(axes, fixed, colours["mrl"], "MRL, one size for all queries")
    x, y = zip(*climbed, strict=True)
    axes.plot(
        x,
        100 * np.array(y),
        "o-",
        color=colours["adaptive"],
        label="MRL, as many as a query needs",
        drawstyle="steps-post",
        markersize=6,
    )
    _sizes(axes, sorted(alone))
    low = 100 * min(min(y), float(np.mean(fixed[sorted(fixed)[1]])))
    axes.set(
        ylim=(low - 1, None),
        xlabel="dimensions a query takes on average",
        ylabel="accuracy (%)",
        title="Most queries are easy: the climb stops after a few dimensions",
    )
    axes.legend(loc="lower right")
    return figure


def pareto(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    points: Mapping[str, tuple[float, float]],
    colours: Mapping[str, str],
) -> Any:
    """mAP@10 against multiply-adds a query: the paper's Figure 8.

    Args:
        curves: for each system multiply-adds and mAP@10 at each size of the first search.
        points: the same of systems with one setting.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.4, 4.2))
    for system, curve in curves.items():
        x, y = zip(*sorted(curve), strict=True)
        name = "shortlist, then rank by 256" if system == "adaptive" else "one size alone"
        axes.plot(np.array(x) / 1e6, 100 * np.array(y), "o-", color=colours[system], label=name)
    for system, (cost, quality) in points.items():
        axes.plot(cost / 1e6, 100 * quality, "D", color=colours[system], markersize=8, label=label(system))
    axes.set(
        xscale="log",
        xlabel="million multiply-adds a query, 15,000 vectors",
        ylabel="mAP@10 (%)",
        title="Few dimensions find the shortlist, all of them rank it",
    )
    axes.legend(loc="lower right")
    return figure


def coarse_to_fine(
    intents: Curve, domains: Curve, by_domain: Mapping[str, Curve], colours: Mapping[str, str]
) -> Any:
    """What the first dimensions know: accuracy of domains and of intents, and of each domain by itself.

    Args:
        intents: accuracy among 150 intents at each size.
        domains: accuracy among 10 domains.
        by_domain: share of each domain's queries that are put into it.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.8, 4.2), width_ratios=(1, 1.25))
    _curve(left, domains, colours["mrl_e"], "10 domains")
    _curve(left, intents, colours["mrl"], "150 intents")
    sizes = sorted(intents)
    _sizes(left, sizes)
    left.set(title="Coarse before fine", xlabel="dimensions kept", ylabel="accuracy of MRL (%)")
    left.legend(loc="lower right")
    names = sorted(by_domain, key=lambda name: -float(np.mean(by_domain[name][sizes[0]])))
    table = 100 * np.array([[float(np.mean(by_domain[name][size])) for size in sizes] for name in names])
    right.imshow(table, cmap="viridis", vmin=20, vmax=100, aspect="auto")
    for row, values in enumerate(table):
        for column, value in enumerate(values):
            colour = "white" if value < 70 else "black"
            right.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=8.5, color=colour)
    right.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    right.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    right.grid(visible=False)
    right.set(title="Queries put into their domain (%)", xlabel="dimensions kept")
    return figure


def sentence_curves(curves: Mapping[str, Curve], colours: Mapping[str, str]) -> Any:
    """Spearman correlation with human ratings against size.

    Args:
        curves: for each system, the correlation at each size, one a seed.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.4, 4.4))
    for system, curve in curves.items():
        name = {"mrl": "fine-tuned, nested loss", "ff": "fine-tuned, whole vector only"}.get(
            system, label(system)
        )
        _curve(axes, curve, colours[system], name)
    sizes = [sorted(curve) for curve in curves.values()]
    _sizes(axes, min(sizes, key=lambda each: len(each)))
    axes.set(
        xlabel="dimensions kept of 384",
        ylabel="Spearman on STS-B test (x 100)",
        title="all-MiniLM-L6-v2 cut short",
    )
    axes.legend(loc="lower right")
    return figure


def search_times(
    alone: Mapping[str, float],
    together: Mapping[str, float],
    recall: Mapping[str, float],
    colours: Mapping[str, str],
    size: str,
) -> Any:
    """Milliseconds a query of each way to search, queries one by one and together.

    Args:
        alone: seconds a query where queries come one at a time.
        together: the same in one batch.
        recall: share of the ten true neighbours that are found.
        colours: of the systems.
        size: of the database, as it is named.
    """
    import matplotlib.pyplot as plt

    names = sorted(alone, key=lambda name: -alone[name])
    figure, panels = plt.subplots(1, 2, figsize=(10.4, 3.4), sharey=True)
    for axes, seconds, title in (
        (panels[0], alone, "One query at a time"),
        (panels[1], together, "Queries in a batch"),
    ):
        values = [1e3 * seconds[name] for name in names]
        axes.barh(names, values, color=[colours[name] for name in names])
        for row, (name, value) in enumerate(zip(names, values, strict=True)):
            axes.text(
                value * 1.08, row, f"{value:.2f} ms, recall {recall[name]:.2f}", va="center", fontsize=9
            )
        axes.set(xscale="log", title=title, xlabel="milliseconds a query")
        axes.set_xlim(min(values) / 2, max(values) * 12)
        axes.grid(visible=False, axis="y")
    panels[0].set_yticks(range(len(names)), [label(name) for name in names])
    figure.suptitle(f"Ten neighbours among {size} vectors of 256, one thread", fontsize=12, x=0.01, ha="left")
    return figure


def search_box(
    agreement: Mapping[int, float], milliseconds: Mapping[int, float], chosen: int, colours: Mapping[str, str]
) -> Any:
    """What each size finds of what the whole vector finds, beside the time and the bytes it takes.

    Args:
        agreement: share of the whole vector's neighbours at each size.
        milliseconds: a query.
        chosen: the size that the slider stands at.
        colours: of the two curves.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.4, 4.0))
    sizes = sorted(agreement)
    axes.plot(sizes, [100 * agreement[size] for size in sizes], "o-", color=colours["mrl"])
    axes.set_ylabel("of the whole vector's ten neighbours (%)", color=colours["mrl"])
    axes.set(ylim=(0, 104), xlabel="numbers kept of each vector")
    _sizes(axes, sizes)
    other = axes.twinx()
    other.plot(sizes, [milliseconds[size] for size in sizes], "s--", color=colours["ff"])
    other.set_ylabel("milliseconds a query", color=colours["ff"])
    other.set_ylim(0, None)
    other.spines["right"].set_visible(True)
    other.grid(visible=False)
    axes.axvline(chosen, color="#4D4D4D", linewidth=1, linestyle=":")
    axes.annotate(
        f" {4 * chosen} bytes a vector", (chosen, 6), fontsize=9.5, ha="left" if chosen < 64 else "right"
    )
    axes.set_title("How much of a vector a search needs")
    return figure


def rates(
    reached: Mapping[int, Mapping[str, Sequence[tuple[float, float]]]], colours: Mapping[str, str]
) -> Any:
    """Accuracy along the learning rate, a panel a size.

    Args:
        reached: for each size and system, learning rates in rising order with their accuracies.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(reached), figsize=(3.6 * len(reached), 3.6), squeeze=False)
    for axes, (size, curves) in zip(panels[0], reached.items(), strict=True):
        for system, points in curves.items():
            learning_rates, values = np.array(points).T
            style = "o-" if len(points) > 1 else "D"
            axes.plot(learning_rates, 100 * values, style, color=colours[system], label=label(system))
        axes.set(xscale="log", title=f"{size} dimensions", xlabel="learning rate")
    panels[0, 0].set_ylabel("accuracy on validation queries (%)")
    panels[0, 0].legend(loc="lower right")
    figure.suptitle("A nested loss wants a larger step", fontsize=12, x=0.01, ha="left")
    return figure
