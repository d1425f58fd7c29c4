"""The figures of the experiment and the demo, drawn from plain numbers."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from octavo.interpretability.lm_head_neurons.answers import names
from octavo.interpretability.lm_head_neurons.feed_forward import Source
from octavo.interpretability.lm_head_neurons.tables import NeuronTokens

Curve = tuple[Sequence[float], Sequence[float]]

BLUE, RED, GREEN, GREY, LIGHT = "#0072B2", "#D55E00", "#009E73", "#4D4D4D", "#B8B8B8"
RULES = {
    "hidden_right_sign": "hidden value,\nright sign",
    "hidden_wrong_sign": "hidden value,\nwrong sign",
    "hidden_random": "hidden value,\nrandom neuron",
    "up_plus": "up = +20\n(the paper's)",
    "up_minus": "up = -20",
    "up_better_sign": "up, the better\nof both signs",
    "up_random": "up = +20,\nrandom neuron",
}
"""How a reader knows the rules of clamping, in the order in which they are shown."""


def by_place(records: Iterable[Any], axis: str) -> Curve:
    """Places and values of records, in order, averaged over seeds.

    Args:
        records: with `at` and `value`.
        axis: of their places.
    """
    values: dict[float, list[float]] = {}
    for record in records:
        values.setdefault(dict(record.at)[axis], []).append(record.value)
    return sorted(values), [float(np.mean(values[place])) for place in sorted(values)]


def by_layer(shares: Mapping[str, Curve]) -> Any:
    """Share of specialised neurons against the layer, over the share that chance lets through.

    Args:
        shares: `share_loud` and `share_one_concept`: layers and shares of each.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.0, 4.0))
    layers, loud = (np.asarray(values) for values in shares["share_loud"])
    _, concept = (np.asarray(values) for values in shares["share_one_concept"])
    axes.bar(
        layers, 100 * loud, color="#9ECAE1", width=0.8, label="louder than 999 of 1,000 shuffled neurons"
    )
    axes.bar(layers, 100 * concept, color=BLUE, width=0.8, label="… and its top tokens are one concept")
    axes.axhspan(0, 0.1, color=RED, alpha=0.9, zorder=3, label="what chance lets through (0.1 %)")
    axes.set(
        title="The last layers are full of neurons that say one word",
        xlabel="layer",
        ylabel="% of up neurons",
    )
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper center")
    return figure


def signs(positive: Curve, mean: Curve) -> Any:
    """Whether neurons write with or against what they read, layer by layer.

    Args:
        positive: layers and the share of strongly aligned neurons whose up and down point the same way.
        mean: layers and the mean cosine of up and down.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.0, 4.0))
    layers, shares = (np.asarray(values) for values in positive)
    axes.bar(layers, 100 * (shares - 0.5), bottom=50, width=0.8, color=np.where(shares > 0.5, GREEN, RED))
    axes.axhline(50, color=GREY, linewidth=1)
    axes.set(
        title="Early neurons write what they read, the last ones write against it",
        xlabel="layer",
        ylabel="% with cos(up, down) > 0\namong |cos| > 0.2",
        ylim=(0, 105),
    )
    axes.set_xlim(min(mean[0]) - 0.8, max(mean[0]) + 0.8)
    axes.grid(visible=False, axis="x")
    for text, height, colour in (("amplify", 93, GREEN), ("suppress", 7, RED)):
        axes.annotate(text, (0.5 * max(mean[0]), height), color=colour, ha="center", va="center", fontsize=11)
    return figure


def clamps(rules: Mapping[str, Sequence[float]], curves: Mapping[str, Curve]) -> Any:
    """What clamping does to the neuron's own token: by rule over many neurons, by value for one.

    Args:
        rules: for each rule the mean gain in nats, a value a seed.
        curves: values and gains of `up_dog`, `up_random`, `hidden_dog` and `hidden_random`.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11.0, 4.3), width_ratios=(1.25, 1))
    shown = [rule for rule in RULES if rules.get(rule)]
    for place, rule in enumerate(reversed(shown)):
        mean = float(np.mean(rules[rule]))
        colour = LIGHT if rule.endswith("random") else GREEN if mean > 0 else RED
        left.barh(place, mean, color=colour, height=0.66)
        left.plot(rules[rule], [place] * len(rules[rule]), "o", color=GREY, markersize=3.5)
        left.annotate(
            f"{mean:+.1f}",
            (mean, place),
            xytext=(9 if mean >= 0 else -9, 0),
            textcoords="offset points",
            va="center",
            ha="left" if mean >= 0 else "right",
            fontsize=9.5,
        )
    left.axvline(0, color=GREY, linewidth=1)
    left.set_yticks(range(len(shown)), [RULES[rule] for rule in reversed(shown)], fontsize=9)
    left.margins(x=0.14)
    left.grid(visible=False, axis="y")
    left.set(
        title="Specialised neurons of the last layer", xlabel="change of the own token, nats (a dot a seed)"
    )
    for name, colour, style, text in (
        ("hidden_dog", BLUE, "-", "hidden value, dog neuron"),
        ("up_dog", RED, "-", "up, dog neuron"),
        ("hidden_random", BLUE, ":", "hidden value, random"),
        ("up_random", RED, ":", "up, random"),
    ):
        if name in curves:
            right.plot(*curves[name], style, color=colour, marker="o", markersize=3.5, label=text)
    right.axhline(0, color=GREY, linewidth=1)
    right.axvline(0, color=GREY, linewidth=1, linestyle=":")
    if curves:
        right.legend(fontsize=9)
    right.set(title="The dog neuron: how likely “ dog” becomes", xlabel="held at", ylabel="nats")
    return figure


def drift(curves: Mapping[str, Curve]) -> Any:
    """Top tokens kept against how far the weights moved.

    Args:
        curves: relative steps and agreements of `full`, `lora` and their random counterparts.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.0, 4.0))
    for name, colour, style, text in (
        ("full", BLUE, "-", "all weights tuned"),
        ("full_random", BLUE, ":", "random steps as long"),
        ("lora", GREEN, "-", "low rank, merged"),
        ("lora_random", GREEN, ":", "random steps as long"),
    ):
        if name in curves:
            moved, kept = curves[name]
            axes.plot(
                [0, *(100 * value for value in moved)],
                [100, *(100 * value for value in kept)],
                style,
                color=colour,
                marker="o",
                label=text,
            )
    axes.axhline(75, color=GREY, linewidth=1, label="the paper's bound for base and instructed")
    axes.set(
        title="What tuning does to the tokens that neurons say",
        xlabel="length of the step, % of the weights' length",
        ylabel="% of neurons with the same top token",
        ylim=(0, 103),
    )
    axes.legend()
    return figure


def token_cloud(said: NeuronTokens, source: Source = "up") -> Any:
    """What a neuron says, both signs, as words whose size and place is their score.

    Args:
        said: from a map or `decode_neuron`.
        source: which reading.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.0, 3.6))
    _cloud(axes, said, source)
    return figure


def _cloud(axes: Any, said: NeuronTokens, source: Source) -> None:
    largest = max((abs(score) for reading in said.readings for score in reading.scores), default=1.0)
    for sign, colour in ((1, GREEN), (-1, RED)):
        reading = said.reading(source, sign)
        for rank, (token, score) in enumerate(zip(reading.tokens, reading.scores, strict=True)):
            axes.annotate(
                token.replace("\n", "⏎").strip(" ").replace("$", r"\$") or "␣",
                (score, rank),
                fontsize=8 + 12 * abs(score) / largest,
                color=colour,
                ha="center",
                va="center",
            )
    rows = max(len(reading.tokens) for reading in said.readings)
    axes.set_xlim(-1.25 * largest, 1.25 * largest)
    axes.set_ylim(rows - 0.3, -0.7)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set(
        title=f"What neuron {said.neuron} of layer {said.layer} says ({source})",
        xlabel="away from the token  ←  score  →  towards it",
    )


def answers(questions: Sequence[str], given: Mapping[str, Sequence[str]], words: Sequence[str]) -> Any:
    """Questions with an answer of each system, those in colour that name one of the words.

    Args:
        questions: a row each.
        given: for each system its answers.
        words: what is looked for.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(12.0, 0.8 * len(questions) + 0.7))
    axes.axis("off")
    columns = {
        "question": list(questions),
        **{name: list(some)[: len(questions)] for name, some in given.items()},
    }
    width = 1 / len(columns)
    for column, (name, texts) in enumerate(columns.items()):
        axes.text(column * width, 0.35, name.replace("_", " "), weight="bold", fontsize=11)
        for row, text in enumerate(texts):
            shown = textwrap.fill(text.strip().replace("$", r"\$"), int(118 / len(columns)), max_lines=4)
            named = column > 0 and names(text, words)
            axes.text(
                column * width,
                -row - 0.1,
                shown,
                va="top",
                fontsize=8.5,
                color=RED if named else GREY if column else "black",
            )
    axes.set(xlim=(0, 1), ylim=(-len(questions), 0.8))
    return figure


def found_and_chat(
    said: NeuronTokens | None,
    neurons: Sequence[tuple[str, float, bool]],
    word: str,
    chat: Mapping[str, str],
) -> Any:
    """The demo: neurons of a word with decoys greyed, what the first one says, and a chat with it clamped.

    Args:
        said: what the first neuron says.
        neurons: name, score and whether it is a decoy.
        word: that was looked up.
        chat: answers by title.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplot_mosaic(
        [["neurons", "cloud"], ["chat", "chat"]], figsize=(11.0, 6.6), height_ratios=(1.5, 1)
    )
    bars = axes["neurons"]
    for place, (_, score, decoy) in enumerate(reversed(neurons)):
        bars.barh(place, abs(score), color=LIGHT if decoy else BLUE, height=0.7)
    bars.set_yticks(range(len(neurons)), [name for name, _, _ in reversed(neurons)], fontsize=9)
    bars.grid(visible=False, axis="y")
    bars.set(
        title=f"Neurons nearest to “{word.strip()}” (grey: decoys)", xlabel="|cosine| of the up-projection"
    )
    if said is None:
        axes["cloud"].axis("off")
    else:
        _cloud(axes["cloud"], said, "up")
    talk = axes["chat"]
    talk.axis("off")
    height = 0.98
    for title, text in chat.items():
        lines = textwrap.wrap(text.strip().replace("$", r"\$"), 118, max_lines=3) or ["(nothing)"]
        talk.text(0, height, title, weight="bold", fontsize=10, va="top", transform=talk.transAxes)
        talk.text(0, height - 0.12, "\n".join(lines), fontsize=10, va="top", transform=talk.transAxes)
        height -= 0.2 + 0.12 * len(lines)
    return figure
