"""The figures of the experiment and the demo."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LABELS = {
    "paper": "the paper's rule",
    "abs": "|activation|",
    "abs_mean": "|activation|, mean for the rest",
    "energy": "energy",
    "static": "other texts' core",
    "static_mean": "other texts' core, mean for the rest",
    "random": "random neurons",
    "hindsight": "the continuation's own core",
    "token": "each token's own (oracle)",
}
_COLOURS = {
    "paper": "#D55E00",
    "abs": "#0072B2",
    "abs_mean": "#0072B2",
    "energy": "#56B4E9",
    "static": "#009E73",
    "static_mean": "#009E73",
    "random": "#4D4D4D",
    "hindsight": "#CC79A7",
    "token": "#E69F00",
}
Line = tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float]]


def kept(lines: Mapping[str, Line], title: str) -> Any:
    """Perplexity against the share of neurons, a line a rule, with its interval over texts.

    Args:
        lines: shares, ratios, and the ends of their intervals.
        title: above.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.6, 4.9))
    for rule, (x, y, low, high) in lines.items():
        bound = rule in ("hindsight", "token")
        style = "--" if rule.endswith("_mean") else ":" if bound else "-"
        axes.fill_between(x, low, high, color=_COLOURS[rule], alpha=0.10, linewidth=0)
        axes.plot(x, y, style, color=_COLOURS[rule], marker="o", markersize=4, label=LABELS[rule])
    axes.axhline(1.05, color="#888888", linewidth=1)
    axes.annotate(
        "the claim: 1.05 at two fifths",
        (0.2, 1.05),
        xytext=(0, 4),
        textcoords="offset points",
        va="bottom",
        fontsize=9,
        color="#666666",
    )
    axes.set_yscale("log")
    ticks = (1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 200)
    top = max((max(high, default=1) for _, _, _, high in lines.values()), default=10)
    axes.set_yticks([tick for tick in ticks if tick <= 1.1 * top], minor=False)
    axes.yaxis.set_major_formatter(plt.FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(plt.NullFormatter())
    axes.set_ylim(0.93, 1.1 * top)
    axes.set_xlabel("share of neurons kept, layers 6 to 26")
    axes.set_ylabel("perplexity / the whole model's")
    axes.set_title(title)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def strips(frequencies: Mapping[int, np.ndarray], layer: int) -> Any:
    """How often each neuron of a layer was core among the first tokens of a text."""
    import matplotlib.pyplot as plt

    last = frequencies[max(frequencies)]
    order = np.argsort(-last, kind="stable")
    figure, rows = plt.subplots(len(frequencies), 1, figsize=(9, 4.4), sharex=True)
    image: Any = None
    for axes, (tokens, values) in zip(np.atleast_1d(rows), sorted(frequencies.items()), strict=True):
        image = axes.imshow(values[order][None], aspect="auto", cmap="magma", vmin=0, vmax=1)
        axes.set_yticks([])
        axes.grid(False)
        axes.axvline(0.4 * len(order), color="#56B4E9", linewidth=1.4)
        axes.set_ylabel(f"{tokens}", rotation=0, ha="right", va="center")
        for side in axes.spines.values():
            side.set_visible(False)
    rows[0].set_title(f"How often a neuron is core, after so many tokens of one text (layer {layer})")
    rows[-1].set_xlabel("neurons, by their frequency in the last strip; the line is two fifths")
    figure.colorbar(image, ax=list(rows), label="share of tokens", fraction=0.025, pad=0.015)
    return figure


def pairs(cores: np.ndarray, words: np.ndarray, scores: np.ndarray, name: str) -> Any:
    """What people think of pairs, against what their cores and their words have in common."""
    import matplotlib.pyplot as plt
    from scipy.stats import spearmanr

    figure, both = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
    jitter = np.random.default_rng(0).uniform(-0.06, 0.06, len(scores))
    for axes, values, what, colour in (
        (both[0], cores, "cores", "#0072B2"),
        (both[1], words, "words", "#009E73"),
    ):
        axes.scatter(values, scores + jitter, s=13, alpha=0.45, color=colour, linewidths=0)
        edges = np.unique(np.quantile(values, np.linspace(0, 1, 9)))
        bins = np.clip(np.digitize(values, edges[1:-1]), 0, len(edges) - 2)
        middle = [(values[bins == b].mean(), scores[bins == b].mean()) for b in np.unique(bins)]
        axes.plot(*zip(*middle, strict=True), color="black", marker="o", markersize=4, linewidth=1.4)
        axes.set_title(f"{what}: rank correlation {spearmanr(values, scores).statistic:.2f}")
        axes.set_xlabel(f"Jaccard index of the {what}")
    both[0].set_ylabel(f"people's score, {name}")
    return figure


def topic_map(closeness: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> Any:
    """Texts as points whose distances are those of their cores as nearly as a plane allows."""
    import matplotlib.pyplot as plt

    squares = (1 - closeness) ** 2
    centred = -0.5 * (squares - squares.mean(0) - squares.mean(1)[:, None] + squares.mean())
    values, vectors = np.linalg.eigh(centred)
    place = vectors[:, -2:] * np.sqrt(np.clip(values[-2:], 0, None))
    figure, axes = plt.subplots(figsize=(6.4, 4.8))
    for label in np.unique(labels):
        some = labels == label
        axes.scatter(place[some, 1], place[some, 0], s=34, alpha=0.8, label=names[label % len(names)])
    axes.set_title("Posts by their core neurons")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(loc="best")
    return figure


def grows(prefix: Line, foreign: float, layers: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Any:
    """How the core settles, and own against other texts layer by layer.

    Args:
        prefix: tokens, overlaps with the core of the whole text, and the ends of their intervals.
        foreign: the overlap with other texts.
        layers: layers and overlaps, by system.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.9), sharey=True)
    x, y, low, high = prefix
    left.fill_between(x, low, high, alpha=0.15, color="#0072B2", linewidth=0)
    left.plot(x, y, marker="o", color="#0072B2")
    left.axhline(foreign, color="#4D4D4D", linestyle="--", linewidth=1.2)
    left.annotate(
        "another text", (x[-1], foreign), xytext=(0, -5), textcoords="offset points", ha="right", va="top"
    )
    left.set_xlabel("tokens of the text that were read")
    left.set_ylabel("share of the core that is the same")
    left.set_title("with the core of all 512 tokens")
    for system, colour, label in (
        ("own", "#0072B2", "the same text"),
        ("foreign", "#4D4D4D", "another text"),
    ):
        if system in layers:
            right.plot(*layers[system], color=colour, marker="o", markersize=3, label=label)
    right.set_xlabel("layer")
    right.set_title("first 256 tokens with the next 256 of …")
    right.legend()
    return figure


def speed(measured: Line, bounds: Sequence[float], two: Line | None, dense: float) -> Any:
    """Speed-up against the share of neurons, below the bound that the bytes set.

    Args:
        measured: shares, speed-ups and the ends of their intervals, one thread.
        bounds: at the same shares.
        two: the same with two threads.
        dense: milliseconds of a token of the whole model.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    x, y, low, high = measured
    axes.plot(x, bounds, color="#4D4D4D", linestyle="--", label="bound: bytes that are read")
    axes.fill_between(x, low, high, alpha=0.15, color="#0072B2", linewidth=0)
    axes.plot(x, y, color="#0072B2", marker="o", label="measured, one thread")
    if two is not None:
        axes.plot(two[0], two[1], color="#56B4E9", marker="o", label="measured, two threads")
    axes.axhline(1, color="#888888", linewidth=1)
    axes.set_xlabel("share of neurons kept, all layers")
    axes.set_ylabel("times faster")
    axes.set_title(f"Decoding; the whole model takes {dense:.0f} ms a token")
    axes.legend()
    return figure


def task(
    lines: Mapping[str, Line], dense: float, agreement: Mapping[str, tuple[Sequence[float], Sequence[float]]]
) -> Any:
    """Accuracy of a task, and of the next token by kind of text, against the share of neurons."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.9))
    left.axhline(dense, color="#888888", linewidth=1)
    for rule, (x, y, low, high) in lines.items():
        left.fill_between(x, low, high, alpha=0.1, color=_COLOURS[rule], linewidth=0)
        left.plot(x, y, color=_COLOURS[rule], marker="o", label=LABELS[rule])
    left.annotate("the whole model", (0.2, dense), xytext=(0, 4), textcoords="offset points", color="#666666")
    left.set_ylim(0, 1)
    left.set_xlabel("share of neurons kept")
    left.set_ylabel("accuracy")
    left.set_title("Queries sorted by topic")
    left.legend(fontsize=8.5)
    for kind, (shares, values) in agreement.items():
        right.plot(shares, values, marker="o", label=kind)
    right.axhline(0.9, color="#888888", linewidth=1, linestyle="--")
    right.set_ylim(0, 1)
    right.set_xlabel("share of neurons kept")
    right.set_ylabel("same next token")
    right.set_title("Next token as the whole model's")
    right.legend(fontsize=8.5)
    return figure


def written(
    prompt: str, texts: Mapping[str, str], milliseconds: Mapping[float, float], common: float, keep: float
) -> Any:
    """What was written with all neurons and with some, how fast, and what two cores have in common."""
    import textwrap

    import matplotlib.pyplot as plt

    figure, (page, bars) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=(3, 1))
    page.axis("off")
    lines = [("#4D4D4D", "prompt", prompt)]
    lines += [(("#0072B2", "#D55E00")[n % 2], name, text) for n, (name, text) in enumerate(texts.items())]
    height = 1.0
    for colour, name, text in lines:
        page.text(0, height, name, color=colour, weight="bold", va="top", fontsize=9.5)
        shown = textwrap.wrap(" ".join(text.split()), 92)[:4]
        page.text(0, height - 0.07, "\n".join(shown).replace("$", r"\$"), va="top", fontsize=9, color=colour)
        height -= 0.15 + 0.075 * len(shown)
    names = [f"{share:.0%}" for share in milliseconds]
    bars.bar(names, list(milliseconds.values()), color=["#0072B2", "#D55E00"][: len(names)], width=0.6)
    for place, value in enumerate(milliseconds.values()):
        shown_value = f"{value:.0f}" if value >= 10 else f"{value:.1f}"
        bars.annotate(shown_value, (place, value), ha="center", va="bottom")
    bars.margins(y=0.14)
    bars.set_title("ms a token")
    bars.set_xlabel(f"{common:.0%} of the core are the other\ntext's, too; by chance {keep:.0%}")
    return figure
