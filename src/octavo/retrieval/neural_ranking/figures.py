"""The figures of the experiment, drawn from plain numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LABELS = {
    "drmm_title_only": "DRMM, titles alone",
    "drmm_weak_only": "DRMM, BM25's labels alone",
    "drmm_supervised": "DRMM, judgements alone",
    "drmm_title": "DRMM, titles, then judgements",
    "drmm_weak": "DRMM, BM25's labels, then judgements",
    "bm25": "BM25, tuned",
    "bm25_untuned": "BM25, untuned",
    "query_likelihood": "query likelihood",
    "lambdamart": "LambdaMART, 14 features",
    "bi_encoder": "MiniLM bi-encoder",
    "cross_encoder": "MiniLM cross-encoder",
    "knrm": "K-NRM",
    "conv_knrm": "Conv-KNRM",
    "drmm": "DRMM",
    "match_pyramid": "MatchPyramid",
    "arc_i": "ARC-I",
    "arc_ii": "ARC-II",
    "pacrr": "PACRR",
    "mv_lstm": "MV-LSTM",
    "duet": "Duet",
    "dssm": "DSSM",
    "cdssm": "CDSSM",
    "chosen": "best by held-out",
}
FAMILIES = {
    "classic": ("bm25", "bm25_untuned", "query_likelihood", "lambdamart"),
    "representation": ("dssm", "cdssm", "arc_i"),
    "interaction": (
        "knrm",
        "conv_knrm",
        "drmm",
        "match_pyramid",
        "arc_ii",
        "pacrr",
        "mv_lstm",
        "chosen",
    ),
    "hybrid": ("duet",),
    "pretrained transformer": ("bi_encoder", "cross_encoder"),
}
HUES = {
    "classic": "#4D4D4D",
    "representation": "#D55E00",
    "interaction": "#0072B2",
    "hybrid": "#CC79A7",
    "pretrained transformer": "#009E73",
}


def family(system: str) -> str:
    """The family of a system."""
    plain = system.removesuffix("+bm25")
    return next((name for name, members in FAMILIES.items() if plain in members), "interaction")


def label(system: str) -> str:
    """A system's name as readers know it."""
    plain = system.removesuffix("+bm25")
    name = LABELS.get(plain, plain.replace("_", " "))
    return f"{name} + BM25" if system.endswith("+bm25") else name


def leaderboard(rows: Sequence[tuple[str, float, float, float]], bm25: float, title: str) -> Any:
    """Every system with its interval, best first; the tuned BM25 as a line.

    Args:
        rows: system, mean, and the ends of its interval.
        bm25: of the line.
        title: of the figure.
    """
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    ordered = sorted(rows, key=lambda row: row[1])
    figure, axes = plt.subplots(figsize=(8.2, 0.27 * len(ordered) + 1.4))
    for place, (system, mean, low, high) in enumerate(ordered):
        hue = HUES[family(system)]
        together = system.endswith("+bm25")
        axes.plot([low, high], [place, place], color=hue, linewidth=1.6, alpha=0.75)
        axes.plot(mean, place, "o", color=hue, markersize=6, markerfacecolor=hue if together else "white")
    axes.axvline(bm25, color="#4D4D4D", linewidth=1, linestyle="--", zorder=0)
    axes.set_yticks(range(len(ordered)), [label(row[0]) for row in ordered], fontsize=9)
    axes.set_ylim(-0.7, len(ordered) - 0.3)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("nDCG@10, with its 95 % interval over queries")
    handles = [Line2D([], [], color=hue, marker="o", label=name) for name, hue in HUES.items()]
    handles += [
        Line2D([], [], color="#4D4D4D", marker="o", linestyle="", label="mixed with BM25"),
        Line2D([], [], color="#4D4D4D", marker="o", linestyle="", markerfacecolor="white", label="alone"),
    ]
    axes.legend(handles=handles, loc="upper left", fontsize=8.5)
    axes.set_title(title)
    return figure


def sorted_gains(gains: Mapping[str, Sequence[float]]) -> Any:
    """What each query gains and loses, sorted: who wins on average may lose on many.

    Args:
        gains: by system, nDCG@10 over BM25's, query by query.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.2, 3.9))
    for (system, values), style in zip(gains.items(), ("-", "--", ":", "-."), strict=False):
        ordered = np.sort(np.asarray(values))[::-1]
        better, worse = int((ordered > 1e-9).sum()), int((ordered < -1e-9).sum())
        share = np.arange(1, len(ordered) + 1) / len(ordered) * 100
        axes.plot(
            share,
            ordered,
            style,
            color=HUES[family(system)],
            label=f"{label(system)}: {better} queries better, {worse} worse, mean {ordered.mean():+.3f}",
        )
    axes.axhline(0, color="#4D4D4D", linewidth=1)
    axes.set_xlabel("queries, those that gain most first (%)")
    axes.set_ylabel("nDCG@10 over BM25's")
    axes.legend(loc="upper right")
    axes.set_title("What each query gains")
    return figure


def groups(bars: Mapping[str, Sequence[float]], title: str, line: float | None = None) -> Any:
    """One mark a seed for each of some systems, and their mean.

    Args:
        bars: by name, the values of the seeds.
        title: of the figure.
        line: the tuned BM25.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.2, 0.38 * len(bars) + 1.3))
    for place, (name, values) in enumerate(reversed(list(bars.items()))):
        axes.plot(values, [place] * len(values), "o", color=HUES[family(name)], alpha=0.5)
        axes.plot(
            [np.mean(values)], [place], "|", color=HUES[family(name)], markersize=16, markeredgewidth=2.4
        )
    axes.set_yticks(range(len(bars)), [label(name) for name in reversed(list(bars))])
    axes.set_ylim(-0.6, len(bars) - 0.4)
    if line is not None:
        axes.axvline(line, color="#4D4D4D", linewidth=1, linestyle="--")
        axes.text(line, len(bars) - 0.42, " BM25", fontsize=9, color="#4D4D4D", va="top")
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("nDCG@10 over the queries of all collections; a dot a seed")
    axes.set_title(title)
    return figure


def objectives(values: Mapping[str, Mapping[str, Sequence[float]]]) -> Any:
    """nDCG@10 under every learning objective, one panel a model.

    Args:
        values: by model and loss, the values of the seeds.
    """
    import matplotlib.pyplot as plt

    kinds = {"pointwise": "#E69F00", "squared": "#E69F00", "hinge": "#0072B2", "ranknet": "#0072B2"}
    figure, panels = plt.subplots(1, len(values), figsize=(9.2, 3.4), sharey=True, squeeze=False)
    for axes, (model, losses) in zip(panels[0], values.items(), strict=True):
        for place, (loss, seeds) in enumerate(reversed(list(losses.items()))):
            hue = kinds.get(loss, "#009E73")
            axes.plot(seeds, [place] * len(seeds), "o", color=hue, alpha=0.5)
            axes.plot([np.mean(seeds)], [place], "|", color=hue, markersize=14, markeredgewidth=2.4)
        axes.set_yticks(range(len(losses)), list(reversed(list(losses))))
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("nDCG@10")
        axes.locator_params(axis="x", nbins=5)
        axes.set_title(label(model))
    for place, (name, hue) in enumerate(
        (("pointwise", "#E69F00"), ("pairwise", "#0072B2"), ("listwise", "#009E73"))
    ):
        panels[0][0].text(0.03, 0.04 + 0.09 * place, name, color=hue, transform=panels[0][0].transAxes)
    return figure


def kernel_weights(means: Sequence[float], weights: Sequence[Sequence[float]]) -> Any:
    """What K-NRM makes of each level of similarity.

    Args:
        means: of the kernels.
        weights: of each seed, a weight a kernel.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.4, 3.4))
    places = np.arange(len(means))
    average = np.mean(weights, axis=0)
    axes.bar(places, average, color=["#D55E00" if value < 0 else "#0072B2" for value in average], width=0.7)
    for row in weights:
        axes.plot(places, row, "o", color="#4D4D4D", markersize=3, alpha=0.6)
    axes.axhline(0, color="#4D4D4D", linewidth=1)
    names = ["same word" if mean == 1.0 else f"{mean:+.1f}" for mean in means]
    axes.set_xticks(places, names, fontsize=9)
    axes.set_xlabel("kernel, by its cosine")
    axes.set_ylabel("weight")
    axes.set_title("K-NRM: what a soft match at each level of similarity is worth")
    return figure


def heat_map(query: Sequence[str], doc: Sequence[str], similarity: Any, histograms: Any, score: float) -> Any:
    """The similarities of a query's words with a document's, and the histogram of each row.

    Args:
        query, doc: words.
        similarity: of each with each.
        histograms: counts in the bins of DRMM, a row a word of the query.
        score: of the pair.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1,
        2,
        figsize=(12.4, 0.42 * len(query) + 2.4),
        width_ratios=[3.2, 1],
    )
    shown = left.imshow(np.asarray(similarity), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    left.set_yticks(range(len(query)), query)
    left.set_xticks(range(len(doc)), doc, rotation=70, ha="right", rotation_mode="anchor", fontsize=7.5)
    left.grid(visible=False)
    left.set_title(f"A query against a document it finds (DRMM: {score:.2f})")
    figure.colorbar(shown, ax=left, pad=0.01, label="cosine")
    counts = np.asarray(histograms)
    right.imshow(np.log1p(counts), cmap="Blues", aspect="auto")
    right.set_yticks([])
    ends = counts.shape[1] - 1
    right.set_xticks([0, ends // 2, ends], ["-1", "0", "same"])
    right.grid(visible=False)
    right.set_title("What DRMM sees of it")
    return figure


def table(rows: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Any:
    """Numbers with their intervals, systems down, collections across; darker is better within a column.

    Args:
        rows: for each system and collection the system, its mean and the ends of its interval, or None.
        names: of the collections.
    """
    import matplotlib.pyplot as plt

    ordered = sorted(rows.items(), key=lambda row: -np.mean([cell[1] for cell in row[1] if cell] or [0]))
    values = np.array([[cell[1] if cell else np.nan for cell in cells] for _, cells in ordered])
    spread = np.nanmax(values, axis=0) - np.nanmin(values, axis=0)
    shade = (values - np.nanmin(values, axis=0)) / np.maximum(spread, 1e-9)
    figure, axes = plt.subplots(figsize=(8.6, 0.27 * len(ordered) + 1.0))
    axes.imshow(shade * 0.75, cmap="Blues", vmin=0, vmax=1.4, aspect="auto")
    for down, (_, cells) in enumerate(ordered):
        for across, cell in enumerate(cells):
            if cell:
                text = f"{cell[1]:.3f}  [{cell[2]:.2f}, {cell[3]:.2f}]"
                axes.text(across, down, text, ha="center", va="center", fontsize=8.2)
    axes.set_xticks(range(len(names)), names)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(ordered)), [label(system) for system, _ in ordered], fontsize=8.6)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def thirds(gains: Mapping[str, Sequence[tuple[float, float]]]) -> Any:
    """What is gained over BM25 in each third of the queries, by how many of their words are met.

    Args:
        gains: by system, the mean and half of the interval of each third.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.8, 3.8))
    shift = np.linspace(-0.24, 0.24, len(gains))
    shades = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7")
    for (system, values), move, hue in zip(gains.items(), shift, shades, strict=False):
        means, halves = zip(*values, strict=True)
        axes.errorbar(
            np.arange(3) + move, means, yerr=halves, fmt="o", color=hue, capsize=2, label=label(system)
        )
    axes.axhline(0, color="#4D4D4D", linewidth=1)
    axes.set_xticks(range(3), ["fewest words met", "middle", "most words met"])
    axes.set_ylabel("nDCG@10 over BM25's")
    if gains:
        axes.legend(fontsize=8.5, ncols=len(gains), loc="upper center", bbox_to_anchor=(0.5, -0.1))
    axes.set_title("Gain by how many of the query's words are in what is relevant")
    return figure
