"""A picture of a line of text, of digits in a row or of a staff goes in; what stands there comes out."""

import functools
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError
from scipy import ndimage

from octavo import data
from octavo.errors import Missing, OctavoError
from octavo.lab import Drawn, house_style
from octavo.vision.crnn import figures
from octavo.vision.crnn.checkpoints import crnn_pretrained
from octavo.vision.crnn.ctc import ctc_beam
from octavo.vision.crnn.digit_strings import HEIGHT, DigitStrings, widened
from octavo.vision.crnn.folding import CaseFolded
from octavo.vision.crnn.lexicon import Lexicon
from octavo.vision.crnn.processor import grey
from octavo.vision.crnn.rendering import TextRenderer
from octavo.vision.crnn.scores import PITCHES, Fragment, Photographed, engrave

TALL, THICK = 22, 2.6
"""Rows that MNIST's digits take of the 32, and those of their lines."""
NARROWEST = 100
"""Columns that a picture needs in order not to be stretched."""
FAINTEST = 32


def demo(
    image: Annotated[
        Path | None, tyro.conf.Positional, Drawn(640, 200, pen=12, sets={"kind": "digits"})
    ] = None,
    text: str = "",
    kind: Literal["words", "digits", "music"] = "words",
    weights: Literal["best", "english", "rendered"] = "best",
    lexicon: bool = True,
    seed: int = 3,
) -> dict[str, Any]:
    """Reads a picture of one line of text, a row of digits or a staff; without a picture, one made here.

    Args:
        image: a file with a picture of one line, word, number or staff, cut out; digits may be drawn on the
            page.
        text: what is rendered where no picture is given: a word, digits such as 31415, or pitches such as
            "C4 E4 G4".
        kind: what stands in the picture.
        weights: EasyOCR's `english` ones, octavo's small `rendered` ones, or the best that are here.
        lexicon: of a word, also the five most probable of an English dictionary, where one is here, with the
            logarithms of their probabilities.
        seed: of the picture's looks, where it is made here.
    """
    random = np.random.default_rng(seed)
    picture = _opened(image) if image is not None else _made(kind, text, random)
    if kind == "words":
        model, name = _reader(weights)
    else:
        model, name = crnn_pretrained(kind), "octavo's own"
    levels = grey(picture)
    if kind == "digits":
        levels = as_learned(levels) if image is not None else levels
        # Ground behind the last digit, as in training: a narrow picture would be stretched instead.
        levels = widened(levels, max(NARROWEST, levels.shape[1]))
    batch = model.processor()(levels)
    log_probs = model(batch["images"]).log_probs[0].detach()
    reading = model.transcribe(log_probs)
    best = ctc_beam(log_probs, model.alphabet, top_k=3)
    told: dict[str, Any] = {
        "text": reading.text,
        "confidence": reading.score,
        "raw": reading.raw,
        "beam": {each.text: float(np.exp(each.log_prob)) for each in best},
        "weights": name,
    }
    if lexicon and kind == "words" and data.available("hunspell_en_us"):
        folded = CaseFolded(model).eval()
        frames = folded(batch["images"]).log_probs[0].detach()
        found = _dictionary().decode(frames, folded.alphabet, mode="exact", top_k=5)
        told["words"] = {each.text: round(each.log_prob, 3) for each in found}
    return told | {"figure": _figure(levels, log_probs, model, reading)}


@functools.cache
def _dictionary() -> Lexicon:
    return Lexicon(data.load("hunspell_en_us").words(50_000))


def _made(kind: str, text: str, random: np.random.Generator) -> Any:
    """A picture of a text: a word in some font, digits by different hands, or a photographed staff."""
    if kind == "digits":
        # Those that the weights were not trained on.
        _, unseen = data.load("MNIST5k").hold_out(0.2, seed=0)
        return DigitStrings(unseen.pictures, unseen.labels).write(text or "31415926", random)
    if kind == "music":
        pitches = tuple((text or "C4 E4 G4 C5 G4 E4 C4").split())
        strange = [pitch for pitch in pitches if pitch not in PITCHES]
        if strange:
            raise ValueError(f"{strange[0]!r} is no pitch from {PITCHES[0]} to {PITCHES[-1]}")
        return Photographed(0.6)(engrave(Fragment(pitches, (1.0,) * len(pitches))), random)
    return TextRenderer()(text or "Library", random).picture


def as_learned(levels: UInt8[np.ndarray, "rows columns"]) -> UInt8[np.ndarray, "32 width"]:
    """Digits of any pen and size as those that were learned: white on black, of their height and thickness.

    Args:
        levels: a row of digits, dark on a light ground or light on a dark one.

    Returns:
        The ink alone, about `TALL` rows of it in the middle and lines `THICK` rows thick, with a margin.

    Raises:
        OctavoError: nothing stands out from the ground.
    """
    away = levels.astype(np.float32) - np.median(levels)
    away *= 1 if away.max() >= -away.min() else -1
    if away.max() < FAINTEST:
        raise OctavoError("There are no digits in this picture: draw or choose one with dark or light lines.")
    ink = away > away.max() / 2
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = TALL / len(ink)
    ink = np.pad(ink, ceil(THICK / scale))
    depth = ndimage.distance_transform_edt(ink)
    # Along the middle of a line the depth is half of its thickness.
    middle = ink & (depth == ndimage.maximum_filter(depth, 3))
    wanted = THICK / scale / 2 - float(np.median(depth[middle]))
    ink = ndimage.distance_transform_edt(~ink) <= wanted if wanted > 0 else depth > -wanted
    small = Image.fromarray(ink.astype(np.uint8) * 255).resize(
        (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))), Image.Resampling.BOX
    )
    learned = Image.new("L", (small.width + 4, HEIGHT))
    learned.paste(small, (2, (HEIGHT - small.height) // 2))
    return np.array(learned)


def _opened(image: Path) -> Any:
    try:
        with Image.open(image) as picture:
            picture.load()
            return picture
    except FileNotFoundError:
        raise OctavoError(f"There is no file {image}.") from None
    except (UnidentifiedImageError, OSError) as error:
        raise OctavoError(f"{image} cannot be read as a picture: {error}.") from error


def _reader(weights: str) -> tuple[Any, str]:
    if weights != "rendered":
        try:
            return crnn_pretrained("english"), "EasyOCR's English ones, trained by others"
        except Missing:
            if weights == "english":
                raise
    return crnn_pretrained("rendered"), "octavo's own, trained on rendered text alone"


def _figure(levels: Any, log_probs: Any, model: Any, reading: Any) -> Any:
    import matplotlib.pyplot as plt

    with house_style():
        figure, (above, below) = plt.subplots(2, 1, figsize=(8, 4), height_ratios=(1, 1.4))
        title = f"{reading.text}     p = {reading.score:.2f}"
        figures.draw_reading(above, below, levels, log_probs, model, title)
    return figure
