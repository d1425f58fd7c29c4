"""CRNN beside its peers: a port that reads one picture at a time, Tesseract, RapidOCR, and searches of words.

    python benchmarks/vision/crnn.py

One process, one thread unless a table says otherwise. Everything of one table runs in turn (A B C A B C ...),
and medians are compared. What is not installed is left out and named. It ends with an error if an answer
differs, or if a ratio is below what it must be on an idle machine.
"""

import platform
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from octavo import data
from octavo.errors import Missing
from octavo.lab import Timings, time_side_by_side
from octavo.vision import CRNN, BKTree, Lexicon, TextRenderer
from octavo.vision.crnn import peers
from octavo.vision.crnn.alphabet import Alphabet

WORDS, DICTIONARY, DELTA, QUERIES = 32, 50_000, 3, 2
FASTER_IN_BATCHES = 1.0
"""Convolutions take five sixths of the time of one word, and one core does them at its full rate already."""
FASTER_THAN_ALL_WORDS = 20.0
SAME = 1e-5


class Port(nn.Module):
    """What the well-known ports do: the same layers, one picture a call, in the layout that torch chooses."""

    def __init__(self, model: CRNN) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        """Log-probabilities of one picture."""
        features, hidden = self.model.features, image
        for convolve, norm, pool in zip(features.convolutions, features.norms, features.pools, strict=True):
            hidden = pool(torch.relu(norm(convolve(hidden))))
        return self.model.recurrent(hidden.squeeze(2).mT).log_softmax(-1)


def pictures() -> list[Any]:
    """Rendered words of different lengths."""
    random = np.random.default_rng(0)
    draw, words = TextRenderer(), data.load("hunspell_en_us").words(DICTIONARY)
    return [draw(words[random.integers(len(words))], random).picture for _ in range(WORDS)]


def must(name: str, value: float, least: float, timings: Timings, console: Console) -> None:
    """Prints a ratio, and ends with an error where it is too small though the machine was idle."""
    console.print(f"{name}: {value:.2f} (at least {least:g})")
    if timings.busy:
        console.print("the machine is busy: these times are not to be trusted")
    elif value < least:
        raise SystemExit(f"{name}: {value:.2f} is below {least:g}")


def reading(console: Console, threads: int) -> None:
    """Words a second of the paper's network, and of readers that others made."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = CRNN().eval()
    # What was trained has weights in the order that a CPU's convolutions want.
    model.features.to(memory_format=torch.channels_last)
    port = Port(CRNN().eval())
    port.model.load_state_dict(model.state_dict())
    words = pictures()
    batch = model.processor()(words)
    images, widths = batch["images"], batch["widths"]

    def in_batches() -> list[Tensor]:
        return model.frames_of(images, widths, 16)

    @torch.no_grad()
    def one_by_one() -> list[Tensor]:
        return [port(images[row : row + 1, :, :, :width])[0] for row, width in enumerate(widths.tolist())]

    apart = max(float((a - b).abs().max()) for a, b in zip(in_batches(), one_by_one(), strict=True))
    functions: dict[str, Callable[[], Any]] = {"octavo, batches": in_batches, "port, one by one": one_by_one}
    for name, peer in (("tesseract", peers.tesseract), ("rapidocr", peers.rapidocr)) if threads == 1 else ():
        try:
            peer(words[:1])
        except Missing as error:
            console.print(f"without {error.name}: {error.how}")
        else:
            functions[name] = partial(peer, words)
    timings = time_side_by_side(functions, repeats=5, warmup=0)
    title = f"{WORDS} rendered words, 8.3 M parameters, float32, {threads} threads: milliseconds a word"
    table = Table(title=title)
    for column in ("reader", "ms", "octavo is faster by"):
        table.add_column(column, justify="left" if column == "reader" else "right")
    for name in functions:
        ratio = timings.ratio(name, "octavo, batches")
        table.add_row(
            name,
            f"{1e3 * timings.median(name) / WORDS:.1f}",
            f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]",
        )
    console.print(table)
    if apart > SAME:
        raise SystemExit(f"log-probabilities of octavo and the port differ by {apart:.1e}, more than {SAME}")
    console.print(f"largest difference of log-probabilities, octavo and port: {apart:.1e}")
    must(
        "batches beside the port",
        timings.ratio("port, one by one", "octavo, batches").value,
        FASTER_IN_BATCHES,
        timings,
        console,
    )


def searching(console: Console) -> None:
    """Milliseconds to find the most probable of 50,000 words, and the words near a text."""
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import extract

    torch.set_num_threads(1)
    words = data.load("hunspell_en_us").words(DICTIONARY)
    alphabet = Alphabet("0-9a-z")
    lexicon, tree = Lexicon(words), BKTree(words)
    random = np.random.default_rng(1)
    queries = [words[random.integers(len(words))] for _ in range(QUERIES)]
    frames = [noisy_frames(word, alphabet, random) for word in queries]
    # The peer gets the classes of all words beforehand, as the tree does.
    targets, lengths = alphabet.targets(list(words))

    def all_words(log_probs: Tensor) -> str:
        many = log_probs[:, None].expand(-1, len(words), -1)
        time = torch.full((len(words),), len(log_probs))
        losses = functional.ctc_loss(many, targets, time, lengths, reduction="none")
        return words[int(losses.argmin())]

    functions: dict[str, Callable[[], Any]] = {
        "exact: octavo's tree of prefixes": lambda: [
            lexicon.decode(each, alphabet, mode="exact")[0].text for each in frames
        ],
        "exact: every word by ctc_loss": lambda: [all_words(each) for each in frames],
        "near: octavo's BK-tree": lambda: [sorted(tree.within(query, DELTA)) for query in queries],
        "near: octavo's scan": lambda: [sorted(lexicon.nearest(query, DELTA)) for query in queries],
        "near: rapidfuzz extract": lambda: [
            sorted(
                word
                for word, *_ in extract(
                    query, words, scorer=Levenshtein.distance, limit=None, score_cutoff=DELTA
                )
            )
            for query in queries
        ],
    }
    try:
        from pybktree import BKTree as Peer
    except ImportError:
        console.print("without pybktree: `pip install 'octavo[vision-peers]'`")
    else:
        peer = Peer(Levenshtein.distance, words)
        functions["near: pybktree"] = lambda: [
            sorted(word for _, word in peer.find(query, DELTA)) for query in queries
        ]
    answers = {name: function() for name, function in functions.items()}
    for kind in ("exact", "near"):
        told = [answer for name, answer in answers.items() if name.startswith(kind)]
        if any(answer != told[0] for answer in told):
            raise SystemExit(f"{kind}: the answers differ")
    timings = time_side_by_side(functions, repeats=5, warmup=0)
    table = Table(title=f"{DICTIONARY:,} words, {QUERIES} queries, distance {DELTA}: milliseconds a query")
    for column in ("search", "ms"):
        table.add_column(column, justify="left" if column == "search" else "right")
    for name in functions:
        table.add_row(name, f"{1e3 * timings.median(name) / QUERIES:.1f}")
    console.print(table)
    must(
        "exact search beside scoring all words, same winners",
        timings.ratio("exact: every word by ctc_loss", "exact: octavo's tree of prefixes").value,
        FASTER_THAN_ALL_WORDS,
        timings,
        console,
    )


def noisy_frames(word: str, alphabet: Alphabet, random: np.random.Generator) -> Tensor:
    """Frames in which a word can be read, with doubts."""
    scores = torch.from_numpy(random.normal(size=(max(26, 2 * len(word) + 4), alphabet.classes)))
    for place, index in enumerate(alphabet.encode(word)):
        scores[2 * place, index] += 5
        scores[2 * place + 1, 0] += 5
    scores[2 * len(word) :, 0] += 7
    return scores.float().log_softmax(-1)


def main() -> None:
    """Measure and print."""
    console = Console(width=120)
    console.print(f"torch {torch.__version__}, {platform.machine()}, medians in turn")
    searching(console)
    for threads in (1, 2):
        reading(console, threads)


if __name__ == "__main__":
    main()
