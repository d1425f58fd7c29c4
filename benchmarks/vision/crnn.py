"""CRNN beside its peers: a port that reads one picture at a time, Tesseract, RapidOCR, and searches of words.

    python benchmarks/vision/crnn.py

One process, one thread. Everything of one table runs in turn (A B C A B C ...), and medians are compared.
What is not installed is left out and named.
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

from octavo import data
from octavo.errors import Missing
from octavo.lab import time_side_by_side
from octavo.vision import CRNN, BKTree, Lexicon, TextRenderer
from octavo.vision.crnn import peers
from octavo.vision.crnn.alphabet import Alphabet
from octavo.vision.crnn.lexicon import score_words
from octavo.vision.crnn.recognizer import buckets

WORDS, DICTIONARY, DELTA, QUERIES = 64, 50_000, 3, 2
TARGETS = {"batches": 4.0, "exact": 20.0}


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


def reading(console: Console) -> None:
    """Words a second of the paper's network, and of readers that others made."""
    torch.manual_seed(0)
    model = CRNN().eval()
    port = Port(model)
    words = pictures()
    batch = model.processor()(words)
    images, widths = batch["images"], batch["widths"].tolist()

    @torch.no_grad()
    def in_batches() -> list[Tensor]:
        found: list[Tensor] = [torch.empty(0)] * len(words)
        for rows in buckets(widths, 16):
            output = model(images[rows, :, :, : widths[rows[0]]]).log_probs
            for row, log_probs in zip(rows, output, strict=True):
                found[row] = log_probs
        return found

    @torch.no_grad()
    def one_by_one() -> list[Tensor]:
        return [port(images[row : row + 1, :, :, :width])[0] for row, width in enumerate(widths)]

    apart = max(float((a - b).abs().max()) for a, b in zip(in_batches(), one_by_one(), strict=True))
    functions: dict[str, Callable[[], Any]] = {"octavo, batches": in_batches, "port, one by one": one_by_one}
    for name, peer in (("tesseract", peers.tesseract), ("rapidocr", peers.rapidocr)):
        try:
            peer(words[:1])
        except Missing as error:
            console.print(f"without {error.name}: {error.how}")
        else:
            functions[name] = partial(peer, words)
    timings = time_side_by_side(functions, repeats=7, warmup=1)
    table = Table(title=f"{WORDS} rendered words, 8.3 M parameters, float32: milliseconds a word")
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
    console.print(
        f"largest difference of log-probabilities, octavo and port: {apart:.1e} (at most 1e-5 wanted)"
    )
    console.print(f"target beside the port: {TARGETS['batches']} times")
    if timings.busy:
        console.print("the machine is busy: these times are not to be trusted")


def searching(console: Console) -> None:
    """Milliseconds to find the most probable of 50,000 words, and the words near a text."""
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import extract

    words = data.load("hunspell_en_us").words(DICTIONARY)
    alphabet = Alphabet("0-9a-z")
    lexicon, tree = Lexicon(words), BKTree(words)
    random = np.random.default_rng(1)
    queries = [words[random.integers(len(words))] for _ in range(QUERIES)]
    frames = [noisy_frames(word, alphabet, random) for word in queries]
    functions: dict[str, Callable[[], Any]] = {
        "exact: octavo's tree of prefixes": lambda: [
            lexicon.decode(each, alphabet, mode="exact")[0].text for each in frames
        ],
        "exact: every word by ctc_loss": lambda: [
            words[int(score_words(each, list(words), alphabet).argmax())] for each in frames
        ],
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
        console.print("without pybktree: `pip install pybktree`")
    else:
        peer = Peer(Levenshtein.distance, words)
        functions["near: pybktree"] = lambda: [
            sorted(word for _, word in peer.find(query, DELTA)) for query in queries
        ]
    answers = {name: function() for name, function in functions.items()}
    for kind in ("exact", "near"):
        told = [answer for name, answer in answers.items() if name.startswith(kind)]
        assert all(answer == told[0] for answer in told), f"{kind}: the answers differ"
    timings = time_side_by_side(functions, repeats=3, warmup=0)
    table = Table(title=f"{DICTIONARY:,} words, {QUERIES} queries, distance {DELTA}: milliseconds a query")
    for column in ("search", "ms"):
        table.add_column(column, justify="left" if column == "search" else "right")
    for name in functions:
        table.add_row(name, f"{1e3 * timings.median(name) / QUERIES:.1f}")
    console.print(table)
    ratio = timings.ratio("exact: every word by ctc_loss", "exact: octavo's tree of prefixes")
    console.print(
        f"exact search, same winners: {ratio.value:.0f} times faster (target {TARGETS['exact']:.0f})"
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
    torch.set_num_threads(1)
    console = Console(width=120)
    console.print(f"torch {torch.__version__}, {platform.machine()}, one thread, medians in turn")
    reading(console)
    searching(console)


if __name__ == "__main__":
    main()
