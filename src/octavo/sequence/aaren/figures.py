"""The figures of the experiment, drawn from plain numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

Number = int | float
Curve = tuple[Sequence[Number], Sequence[Number]]

LABELS = {
    "aaren": "Aaren",
    "transformer": "Transformer (KV-cache)",
    "gru": "GRU",
    "lstm": "LSTM",
    "linear": "linear",
    "repeat_last": "repeat the last value",
}


def label(system: str) -> str:
    """A system's name as readers know it."""
    return LABELS.get(system, system.replace("_", " "))


def stream_costs(
    seconds: Mapping[str, Curve], kilobytes: Mapping[str, Curve], colours: Mapping[str, str]
) -> Any:
    """Cumulative time and size of the state against tokens, side by side: the paper's Figure 5.

    Args:
        seconds: for each system the tokens and the seconds that they took.
        kilobytes: for each system the tokens and the size of the state after them.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.9))
    for axes, curves, title in (
        (left, seconds, "Time of all tokens so far (s)"),
        (right, kilobytes, "Size of the state (kB)"),
    ):
        for system, (tokens, values) in curves.items():
            axes.plot(tokens, values, marker="o", color=colours[system])
        _name_the_ends(axes, curves, colours)
        axes.set(xscale="log", yscale="log", title=title, xlabel="tokens")
        axes.set_xscale("log", base=2)
        axes.set_xticks([t for t in _ticks(curves) if t > 0])
        axes.xaxis.set_major_formatter(lambda value, _: f"{int(value):,}")
        axes.minorticks_off()
        axes.grid(visible=True, which="major")
    figure.suptitle(
        "One more token costs Aaren the same, however long the stream has been",
        fontsize=12,
        x=0.01,
        ha="left",
    )
    return figure


def _ticks(curves: Mapping[str, Curve]) -> list[Number]:
    tokens = sorted({token for xs, _ in curves.values() for token in xs})
    return tokens[-1 :: -max(1, len(tokens) // 4)][::-1] if tokens else []


def _name_the_ends(axes: Any, curves: Mapping[str, Curve], colours: Mapping[str, str]) -> None:
    """Writes each system's name where its curve ends, names kept apart."""
    ends = sorted((values[-1], tokens[-1], system) for system, (tokens, values) in curves.items() if values)
    if not ends:
        return
    low, high = np.log10([ends[0][0], ends[-1][0]])
    span = max(float(high - low), 0.5)
    lowest = -np.inf
    for value, token, system in ends:
        place = max(float(np.log10(value)), lowest + 0.09 * span)
        lowest = place
        axes.annotate(
            label(system),
            (token, 10**place),
            xytext=(7, 0),
            textcoords="offset points",
            color=colours[system],
            va="center",
            fontsize=9.5,
            annotation_clip=False,
        )
    left, right = min(min(t) for t, _ in curves.values()), max(max(t) for t, _ in curves.values())
    axes.set_xlim(left * 0.8, right * (right / left) ** 0.42)


def forest(rows: Sequence[tuple[str, str, Sequence[float], float]], colour: str) -> Any:
    """Differences between Aaren and the Transformer: a dot a seed, the mean, its 95 % t interval, the margin.

    Args:
        rows: group, data set, a difference a seed (above 0: Aaren is better), margin of the claim.
        colour: of Aaren.
    """
    import matplotlib.pyplot as plt
    from scipy.stats import t as student

    groups = list(dict.fromkeys(row[0] for row in rows))
    heights = [sum(row[0] == group for row in rows) + 1.2 for group in groups]
    figure, panels = plt.subplots(
        len(groups), 1, figsize=(7.6, 0.36 * sum(heights) + 0.9), height_ratios=heights, squeeze=False
    )
    for group, axes in zip(groups, panels[:, 0], strict=True):
        members = [row for row in rows if row[0] == group]
        for height, (_, _, values, margin) in enumerate(reversed(members)):
            axes.axvspan(-margin, margin, color="#ECECEC", zorder=0)
            axes.plot(
                values,
                [height - 0.2] * len(values),
                "o",
                color=colour,
                alpha=0.45,
                markersize=4,
                clip_on=False,
            )
            mean = float(np.mean(values))
            if len(values) > 1:
                half = float(
                    student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
                )
                axes.plot([mean - half, mean + half], [height + 0.08] * 2, color=colour, linewidth=2)
            axes.plot([mean], [height + 0.08], "D", color=colour, markersize=5)
        axes.axvline(0, color="#4D4D4D", linewidth=1)
        axes.set_yticks(range(len(members)), [row[1] for row in reversed(members)])
        axes.set_ylim(-0.7, len(members) - 0.3)
        axes.set_title(group, fontsize=10)
        axes.grid(visible=False, axis="y")
        reach = 1.08 * max(abs(np.asarray(axes.get_xlim())).max(), 1.3 * max(row[3] for row in members))
        axes.set_xlim(-reach, reach)
    panels[-1, 0].set_xlabel("← Transformer better        Aaren better →")
    figure.suptitle(
        "Aaren and Transformer, seed by seed (grey: what counts as equal)", fontsize=12, x=0.01, ha="left"
    )
    return figure


def recall_curves(
    accuracy: Mapping[str, Mapping[Number, Sequence[float]]], chance: float, colours: Mapping[str, str]
) -> Any:
    """Share of values recalled against the pairs to choose from, a dot a seed.

    Args:
        accuracy: for each system and number of pairs, a value a seed.
        chance: what guessing gives.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.9))
    for system, curve in accuracy.items():
        pairs = sorted(curve)
        axes.plot(
            pairs, [float(np.mean(curve[p])) for p in pairs], color=colours[system], label=label(system)
        )
        for p in pairs:
            axes.plot([p] * len(curve[p]), curve[p], "o", color=colours[system], alpha=0.5, markersize=4)
    axes.axhline(chance, color="#4D4D4D", linestyle=":", linewidth=1.2)
    axes.annotate(
        "chance",
        (min(min(c) for c in accuracy.values()), chance),
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=9,
    )
    axes.set_xscale("log", base=2)
    ticks = sorted({p for curve in accuracy.values() for p in curve})
    axes.set_xticks(ticks, [f"{int(p)}" for p in ticks])
    axes.minorticks_off()
    axes.set(
        ylim=(0, 1.03),
        xlabel="pairs of key and value",
        title="What the query fixed in advance costs: values recalled",
    )
    axes.legend()
    return figure


def forecasts(
    past: Float[np.ndarray, " context"],
    future: Float[np.ndarray, " horizon"],
    predicted: Mapping[str, Float[np.ndarray, " horizon"]],
    colours: Mapping[str, str],
    title: str,
) -> Any:
    """One window: what was seen, what came, and what was forecast.

    Args:
        past: the context.
        future: what came.
        predicted: what each system forecast.
        colours: of the systems.
        title: of the figure.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.4, 3.5))
    axes.plot(range(-len(past), 0), past, color="#4D4D4D")
    ahead = range(len(future))
    axes.plot(ahead, future, color="#4D4D4D", label="what came", alpha=0.6)
    for system, values in predicted.items():
        axes.plot(ahead, values, color=colours[system], label=label(system))
    axes.axvline(-0.5, color="#4D4D4D", linewidth=1, linestyle=":")
    axes.set(title=title, xlabel="hours from now", ylabel="standardised")
    axes.legend(ncols=len(predicted) + 1, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return figure


def prefix_weights(weights: Float[np.ndarray, "prefix token"], title: str) -> Any:
    """Which tokens the output after each prefix is made of.

    Args:
        weights: a row a prefix; each sums to 1.
        title: of the figure.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.6, 4.6))
    shown = np.where(np.tri(len(weights), dtype=bool), weights, np.nan)
    image = axes.imshow(shown**0.5, cmap="magma_r", aspect="auto", interpolation="nearest", vmin=0)
    bar = figure.colorbar(image, ax=axes, label="weight")
    ticks = np.linspace(0, float(np.nanmax(shown)) ** 0.5, 5)
    bar.set_ticks(list(ticks), labels=[f"{tick**2:.2f}" for tick in ticks])
    bar.outline.set_visible(False)
    axes.set(title=title, xlabel="token", ylabel="output after token")
    axes.grid(visible=False)
    return figure


def live_stream(
    stream: Float[np.ndarray, " time"],
    forecasts: Float[np.ndarray, "values horizon"],
    context: int,
    sizes: Mapping[str, Sequence[int]],
    colours: Mapping[str, str],
) -> Any:
    """A stream with the forecasts made while it came in, over the bytes that each model remembers.

    Args:
        stream: the values, those before the first forecast among them.
        forecasts: what was forecast after each value.
        context: values before the first forecast.
        sizes: for each system the bytes of its state after each value.
        colours: of the systems.
    """
    import matplotlib.pyplot as plt

    values, horizon = forecasts.shape
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(9.0, 5.2), height_ratios=(1.4, 1), sharex=True, layout="constrained"
    )
    above.plot(
        np.arange(len(stream)) - context + 1, stream, color="#9A9A9A", linewidth=1.4, label="what came"
    )
    for index in range(values - 1, -1, -max(horizon + 4, values // 6)):
        ahead = np.arange(index + 2, index + 2 + horizon)
        above.plot(
            ahead, forecasts[index], color=colours["aaren"], label="forecast" if index == values - 1 else None
        )
        above.plot([index + 1], [stream[context + index]], "o", color=colours["aaren"], markersize=4)
    above.set(title="A value in, a forecast out")
    # Room for the legend above the highest value.
    bottom, top = above.get_ylim()
    above.set_ylim(bottom, top + 0.2 * (top - bottom))
    above.legend(ncols=2, loc="upper right")
    for system, size in sizes.items():
        below.plot(range(1, values + 1), size, color=colours[system])
        below.annotate(
            f"{label(system)}: {size[-1]:,} bytes",
            (values, size[-1]),
            xytext=(0, 7),
            textcoords="offset points",
            color=colours[system],
            ha="right",
            fontsize=9.5,
        )
    below.set_ylim(0.5 * min(map(min, sizes.values())), 3 * max(map(max, sizes.values())))
    below.set(title="Bytes remembered", xlabel="values streamed in", yscale="log")
    return figure
