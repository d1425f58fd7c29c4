"""The figures of the experiment and of the demo."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from octavo.vision.crnn.alphabet import BLANK
from octavo.vision.crnn.ctc import runs
from octavo.vision.crnn.lines import as_images
from octavo.vision.crnn.processor import grey
from octavo.vision.crnn.recognizer import CTCModel
from octavo.vision.crnn.scores import Engraved

LABELS = {
    "english": "CRNN (EasyOCR's weights)",
    "english_squashed": "CRNN, every word squashed to one width",
    "rendered": "CRNN (octavo's weights, rendered text alone)",
    "tesseract": "Tesseract",
    "tesseract_prepared": "Tesseract, crops made ready",
    "exact": "all words, by the tree of prefixes",
}
SHORT = {
    "english": "CRNN, EasyOCR's weights",
    "rendered": "CRNN, octavo's weights",
    "tesseract": "Tesseract",
    "rapidocr": "RapidOCR",
}
INK, READ = "#0072B2", "#D55E00"


def edit_distances(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    levels: Mapping[str, float],
    colours: Mapping[str, str],
) -> Any:
    """Accuracy of a dictionary search against the edit distance, with the time that it takes.

    Args:
        curves: of `accuracy`, `coverage` and `seconds`: pairs of distance and value.
        levels: of `accuracy` and `seconds` of the exact search.
        colours: of `english` and `exact`.
    """
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(7.2, 5.4), sharex=True, height_ratios=(3, 2))
    deltas, accuracy = zip(*curves["accuracy"], strict=True)
    _, coverage = zip(*curves["coverage"], strict=True)
    above.plot(deltas, np.array(coverage) * 100, color="#999999", marker="o", linestyle="--")
    above.plot(deltas, np.array(accuracy) * 100, color=colours["english"], marker="o")
    above.axhline(100 * levels["accuracy"], color=colours["exact"], linewidth=1.2)
    above.annotate(
        "words in reach",
        (deltas[-1], 100 * coverage[-1]),
        (0, -16),
        textcoords="offset points",
        color="#777777",
        ha="right",
    )
    above.annotate(
        "read correctly",
        (deltas[1], 100 * accuracy[1]),
        (4, -16),
        textcoords="offset points",
        color=colours["english"],
    )
    above.annotate(
        "exact search of all words",
        (deltas[-1], 100 * levels["accuracy"]),
        (0, -14),
        textcoords="offset points",
        color=colours["exact"],
        ha="right",
    )
    above.set(title="Words of real scenes, looked up in a dictionary of 50,000", ylabel="% of words")
    _, seconds = zip(*curves["seconds"], strict=True)
    below.bar(deltas, np.array(seconds) * 1e3, color=colours["english"], width=0.55)
    below.axhline(1e3 * levels["seconds"], color=colours["exact"], linewidth=1.2)
    below.set(xlabel="edit distance within which words are candidates", ylabel="ms a word")
    below.set_xticks(deltas)
    return figure


def readers(accuracy: Mapping[str, float], colours: Mapping[str, str]) -> Any:
    """Readers of the same words, best first.

    Args:
        accuracy: share of words that each reads.
        colours: of the readers.
    """
    import matplotlib.pyplot as plt

    ordered = sorted(accuracy, key=lambda system: accuracy[system])
    figure, axes = plt.subplots(figsize=(8.2, 0.55 * len(ordered) + 1.3))
    for place, system in enumerate(ordered):
        share = 100 * accuracy[system]
        axes.barh(place, share, color=colours[system], height=0.6)
        axes.text(
            share + 0.8,
            place,
            f"{share:.1f}",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            zorder=3,
        )
    axes.axvline(78.2, color="#4D4D4D", linewidth=1.2, linestyle="--")
    axes.text(78.6, -0.75, "the paper: 78.2", color="#4D4D4D", va="center", fontsize=9)
    axes.set_yticks(range(len(ordered)), [LABELS.get(system, system.replace("_", " ")) for system in ordered])
    axes.set(
        xlim=(0, 100),
        ylim=(-1, len(ordered) - 0.4),
        xlabel="% of the 3,000 words of IIIT5k, case and marks aside",
        title="Words of real scenes, read without a lexicon",
    )
    axes.grid(visible=False, axis="y")
    return figure


def size_and_accuracy(placed: Mapping[str, tuple[float, float]], colours: Mapping[str, str]) -> Any:
    """Readers by the size of their weights, and what share of words they read.

    Args:
        placed: bytes and share of words of each reader.
        colours: of the readers.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.6, 4.6))
    for system, (size, share) in placed.items():
        axes.scatter(size / 1e6, 100 * share, color=colours[system], s=60, zorder=3)
        axes.annotate(
            SHORT.get(system, system),
            (size / 1e6, 100 * share),
            (0, 9),
            textcoords="offset points",
            ha="center",
        )
    # 8.3 million parameters of four bytes, Table 2 and Table 3.
    axes.scatter(33, 78.2, facecolor="white", edgecolor="#4D4D4D", s=60, zorder=3)
    axes.annotate("the paper", (33, 78.2), (0, -18), textcoords="offset points", ha="center", color="#4D4D4D")
    axes.set(
        xscale="log",
        xlim=(0.5, 80),
        ylim=(0, 108),
        xlabel="MB of weights",
        ylabel="% of words of IIIT5k",
        title="Words of real scenes, without a lexicon (RapidOCR: 600 of the 3,000)",
    )
    return figure


def squashed(curve: Sequence[tuple[float, float]], native: float, colours: Mapping[str, str]) -> Any:
    """What squashing every word to one width costs.

    Args:
        curve: widths and share of words.
        native: share of words at their own proportions.
        colours: of `english` and `english_squashed`.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4))
    widths, accuracy = zip(*curve, strict=True)
    axes.plot(widths, 100 * np.array(accuracy), color=colours["english_squashed"], marker="o")
    axes.axhline(100 * native, color=colours["english"], linewidth=1.2)
    axes.annotate(
        "every word at its own proportions",
        (widths[0], 100 * native),
        (0, 5),
        textcoords="offset points",
        color=colours["english"],
    )
    axes.set(
        xlabel="width to which every word is squashed, at height 64",
        ylabel="% of words",
        title="Words of real scenes, squashed to one width",
    )
    return figure


def posteriors(shown: Sequence[tuple[Any, Float[Tensor, "time classes"]]], model: CTCModel) -> Any:
    """Pictures, and below each what the network thinks of every column: a line for each symbol.

    Args:
        shown: pictures with their log-probabilities.
        model: the reader.
    """
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(
        2, len(shown), figsize=(3.6 * len(shown), 3.6), height_ratios=(1, 2), squeeze=False
    )
    for (above, below), (picture, log_probs) in zip(rows.T, shown, strict=True):
        reading = model.transcribe(log_probs)
        draw_reading(
            above, below, grey(picture), log_probs, model, f"{reading.text}   p = {reading.score:.2f}"
        )
    return figure


def draw_reading(
    above: Any,
    below: Any,
    levels: UInt8[np.ndarray, "rows columns"],
    log_probs: Float[Tensor, "time classes"],
    model: CTCModel,
    title: str,
) -> None:
    """One picture with the columns of its symbols, over the probabilities of these symbols.

    Args:
        above, below: axes.
        levels: the picture.
        log_probs: of its frames.
        model: the reader.
        title: over the picture.
    """
    frames = len(log_probs)
    found = runs(log_probs.argmax(-1).tolist())
    above.imshow(levels, cmap="gray", aspect="auto", extent=(0, frames, 1, 0), vmin=0, vmax=255)
    above.set_title(title)
    above.set_axis_off()
    probabilities = log_probs.exp().numpy()
    place = np.arange(frames) + 0.5
    below.fill_between(place, probabilities[:, BLANK], color="#DDDDDD", linewidth=0)
    for index, first, last in found:
        above.axvspan(first, last, color=READ, alpha=0.25, linewidth=0)
        below.plot(place, probabilities[:, index], color=INK, linewidth=1.2)
        top = first + int(probabilities[first:last, index].argmax())
        symbol = model.alphabet.symbols[index - 1]
        below.text(
            top + 0.5,
            probabilities[top, index] + 0.04,
            "␣" if symbol == " " else symbol,
            ha="center",
            color=READ,
            fontsize=11,
        )
    below.set(xlim=(0, frames), ylim=(0, 1.22), xlabel="frame", yticks=(0, 0.5, 1))


@torch.no_grad()
def strings_read(
    pictures: Sequence[UInt8[np.ndarray, "32 columns"]], model: CTCModel, written: Sequence[str]
) -> Any:
    """Strings of digits with what was read of them, and where.

    Args:
        pictures: of strings.
        model: the reader.
        written: what they should be.
    """
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(len(pictures), 1, figsize=(8, 0.95 * len(pictures)), squeeze=False)
    for (axes,), picture, text in zip(rows, pictures, written, strict=True):
        log_probs = model(as_images([picture]).to(next(model.parameters()).device)).log_probs[0].cpu()
        reading = model.transcribe(log_probs)
        axes.imshow(picture, cmap="gray_r", extent=(0, reading.frames, 1, 0), aspect="auto")
        for symbol, (first, last) in zip(reading.text, reading.spans, strict=True):
            axes.axvspan(first, last, color=INK, alpha=0.2, linewidth=0)
            axes.text((first + last) / 2, -0.05, symbol, ha="center", va="bottom", color=READ, fontsize=10)
        axes.set_axis_off()
        if reading.text != text:
            axes.text(reading.frames * 1.01, 0.5, f"it is {text}", va="center", fontsize=9, color="#777777")
    figure.suptitle("Strings longer than any it was trained on, and what was read where", fontsize=11.5)
    return figure


@torch.no_grad()
def scores_read(fragments: Sequence[Engraved], model: CTCModel) -> Any:
    """Photographed staves, the notes that were read over them.

    Args:
        fragments: the staves.
        model: the reader.
    """
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(len(fragments), 1, figsize=(9, 1.5 * len(fragments)), squeeze=False)
    for (axes,), fragment in zip(rows, fragments, strict=True):
        log_probs = (
            model(as_images([fragment.picture]).to(next(model.parameters()).device)).log_probs[0].cpu()
        )
        reading = model.transcribe(log_probs)
        axes.imshow(
            fragment.picture, cmap="gray", extent=(0, reading.frames, 1, 0), aspect="auto", vmin=0, vmax=255
        )
        wanted = fragment.text.split()
        for index, (pitch, (first, last)) in enumerate(zip(reading.text.split(), reading.spans, strict=True)):
            right = index < len(wanted) and wanted[index] == pitch
            axes.text(
                (first + last) / 2,
                -0.03,
                pitch,
                ha="center",
                va="bottom",
                color=INK if right else READ,
                fontsize=9,
            )
        axes.set_axis_off()
    figure.suptitle("Photographed staves of tunes that were not trained on", fontsize=11.5)
    return figure
