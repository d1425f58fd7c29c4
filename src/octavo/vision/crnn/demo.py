"""A picture of a line of text, of digits in a row or of a staff goes in; what stands there comes out."""

import functools
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from octavo import data
from octavo.errors import Missing, OctavoError
from octavo.lab import house_style
from octavo.vision.crnn import figures
from octavo.vision.crnn.checkpoints import crnn_pretrained
from octavo.vision.crnn.ctc import ctc_beam
from octavo.vision.crnn.digit_strings import DigitStrings
from octavo.vision.crnn.folding import CaseFolded
from octavo.vision.crnn.lexicon import Lexicon
from octavo.vision.crnn.processor import grey
from octavo.vision.crnn.rendering import TextRenderer
from octavo.vision.crnn.scores import PITCHES, Fragment, Photographed, engrave


def demo(
    image: Annotated[Path | None, tyro.conf.Positional] = None,
    text: str = "",
    kind: Literal["words", "digits", "music"] = "words",
    weights: Literal["best", "english", "rendered"] = "best",
    lexicon: bool = True,
    seed: int = 3,
) -> dict[str, Any]:
    """Reads a picture of one line of text, a row of digits or a staff; without a picture, one made here.

    Args:
        image: a file with a picture of one line, word, number or staff, cut out.
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
    if kind == "digits" and image is not None and np.median(levels) > 127:
        levels = 255 - levels  # digits were learned white on black
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


def _opened(image: Path) -> Any:
    from PIL import Image, UnidentifiedImageError

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
