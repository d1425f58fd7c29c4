"""CRNN beside its peers: a port that reads one picture at a time, Tesseract, RapidOCR, and searches of words.

    python benchmarks/vision/crnn.py
    python benchmarks/vision/crnn.py --port FOLDER
    python benchmarks/vision/crnn.py --device cuda

FOLDER is a copy of github.com/meijieru/crnn.pytorch; without it the same layers written plainly stand in for
the port. The words are those of IIIT5k where they are here, rendered ones otherwise.

One process, one thread unless a table says otherwise. Everything of one table runs in turn (A B C A B C ...),
and medians are compared. What is not installed is left out and named. It ends with an error if an answer
differs, or if a ratio is below what it must be on an idle machine.
"""

import argparse
import platform
import runpy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
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

WORDS, DICTIONARY, DELTA, QUERIES = 48, 50_000, 3, 2
FASTER_IN_BATCHES = 1.2
"""Measured: 1.5. Four times the words a second is out of reach: one core does the convolutions, nine tenths
of the work, near its full rate for one picture already."""
FASTER_ON_A_GPU = 4.0
FASTER_THAN_ALL_WORDS = 20.0
EXACT_SECONDS = 0.06
"""A word, in a dictionary of 50,000."""
SAME = 1e-5


class Port(nn.Module):
    """What the well-known ports do: the same layers, one picture a call, in the layout that torch chooses."""

    def __init__(self, model: CRNN) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        """Scores of one picture, time first."""
        features, hidden = self.model.features, image
        for convolve, norm, pool in zip(features.convolutions, features.norms, features.pools, strict=True):
            hidden = pool(torch.relu(norm(convolve(hidden))))
        return self.model.recurrent(hidden.squeeze(2).mT).transpose(0, 1)


def port_of(model: CRNN, folder: Path | None) -> nn.Module:
    """The port with a model's weights: the file of its repository, or the same layers written plainly."""
    if folder is None:
        port = Port(CRNN().eval())
        port.model.load_state_dict(model.state_dict())
        return port
    official: nn.Module = runpy.run_path(str(folder / "models" / "crnn.py"))["CRNN"](
        32, 1, model.alphabet.classes, 256
    )
    names = {
        "features.convolutions.": "cnn.conv",
        "features.norms.": "cnn.batchnorm",
        "recurrent.layers.": "rnn.",
        ".linear.": ".embedding.",
    }
    state = {}
    for name, tensor in model.state_dict().items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        state[name] = tensor
    official.load_state_dict(state)
    return official.eval()


def pictures() -> tuple[str, list[Any]]:
    """Words of different lengths: of real scenes, or rendered where these are not here."""
    try:
        return "IIIT5k", list(data.load("IIIT5k").some(WORDS).pictures)
    except Missing:
        random = np.random.default_rng(0)
        draw = TextRenderer()
        try:
            words = list(data.load("hunspell_en_us").words(DICTIONARY))
        except Missing:
            # As long as words are; what they say makes no difference to the time.
            letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
            words = ["".join(random.choice(letters, random.integers(3, 13))) for _ in range(WORDS)]
        return "rendered", [draw(words[random.integers(len(words))], random).picture for _ in range(WORDS)]


def prepared_by_the_port(picture: Any) -> Tensor:
    """A picture as the port reads it: grey, 32 rows, its own width but at least 100, from -1 to 1."""
    grey = (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).convert("L")
    width = max(100, 4 * round(grey.width * 32 / grey.height / 4))
    levels = np.asarray(grey.resize((width, 32), Image.Resampling.BILINEAR), np.float32)
    return (torch.from_numpy(levels)[None, None] / 255).sub_(0.5).div_(0.5)


def must(name: str, value: float, least: float, timings: Timings, console: Console) -> None:
    """Prints a ratio, and ends with an error where it is too small though the machine was idle."""
    console.print(f"{name}: {value:.2f} (at least {least:g})")
    if timings.busy:
        console.print("the machine is busy: these times are not to be trusted")
    elif value < least:
        raise SystemExit(f"{name}: {value:.2f} is below {least:g}")


def reading(console: Console, threads: int, folder: Path | None, device: str) -> None:
    """Words a second of the paper's network, and of readers that others made, from picture to text."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    # Both in whole float32, which a GPU shortens unless it is told not to.
    torch.backends.cudnn.allow_tf32 = False
    model = CRNN().eval()
    # What was trained has weights in the order that a CPU's convolutions want.
    model.features.to(memory_format=torch.channels_last)
    port = port_of(model, folder).to(device)
    model.to(device)
    source, words = pictures()
    batch = model.processor()(words)
    images, widths = batch["images"], batch["widths"]

    @torch.no_grad()
    def one_by_one() -> list[Tensor]:
        return [
            port(images[row : row + 1, :, :, :width].to(device))[:, 0].log_softmax(-1).cpu()
            for row, width in enumerate(widths.tolist())
        ]

    @torch.no_grad()
    def port_from_pictures() -> list[str]:
        paths = (port(prepared_by_the_port(word).to(device))[:, 0].argmax(-1).tolist() for word in words)
        return [model.alphabet.collapse(path) for path in paths]

    def from_pictures() -> list[str]:
        own = model.processor()(words)
        paths = (each.argmax(-1).tolist() for each in model.frames_of(own["images"], own["widths"], 16))
        return [model.alphabet.collapse(path) for path in paths]

    def in_bfloat16() -> list[str]:
        with torch.autocast(device, dtype=torch.bfloat16):
            return from_pictures()

    together = model.frames_of(images, widths, 16)
    apart = max(float((a - b).abs().max()) for a, b in zip(together, one_by_one(), strict=True))
    name_of_port = "port, one by one" if folder is None else "crnn.pytorch, one by one"
    functions: dict[str, Callable[[], Any]] = {
        "octavo, batches": from_pictures,
        name_of_port: port_from_pictures,
        "octavo, batches, bfloat16": in_bfloat16,
    }
    for name, peer in (
        (("tesseract", peers.tesseract), ("rapidocr", peers.rapidocr))
        if device == "cpu" and threads == 1
        else ()
    ):
        try:
            peer(words[:1])
        except Missing as error:
            console.print(f"without {error.name}: {error.how}")
        else:
            functions[name] = partial(peer, words)
    timings = time_side_by_side(functions, repeats=7, warmup=1, device=device)
    title = f"{WORDS} words ({source}), 8.3 M parameters, {device}, {threads} threads, from picture to text"
    table = Table(title=f"{title}: milliseconds a word")
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
    faster = timings.ratio(name_of_port, "octavo, batches").value
    least = FASTER_IN_BATCHES if device == "cpu" else FASTER_ON_A_GPU
    must("batches beside the port", faster, least, timings, console)


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
    seconds = timings.median("exact: octavo's tree of prefixes") / QUERIES
    must("exact searches in the time they may take", EXACT_SECONDS / seconds, 1.0, timings, console)


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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=Path, help="a copy of github.com/meijieru/crnn.pytorch")
    parser.add_argument("--device", default="cpu", help="cuda: the network alone, without searches")
    options = parser.parse_args()
    console = Console(width=120)
    console.print(f"torch {torch.__version__}, {platform.machine()}, medians in turn")
    if options.device != "cpu":
        reading(console, 1, options.port, options.device)
        return
    searching(console)
    for threads in (1, 2):
        reading(console, threads, options.port, "cpu")


if __name__ == "__main__":
    main()
