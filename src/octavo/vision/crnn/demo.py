"""A picture of a line of text goes in, the text comes out, with its probability and its letters' places."""

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
from octavo.vision.crnn.folding import CaseFolded
from octavo.vision.crnn.lexicon import Lexicon
from octavo.vision.crnn.processor import grey
from octavo.vision.crnn.rendering import TextRenderer


def demo(
    image: Annotated[Path | None, tyro.conf.Positional] = None,
    text: str = "Library",
    weights: Literal["best", "english", "rendered"] = "best",
    lexicon: bool = False,
    seed: int = 3,
) -> dict[str, Any]:
    """Reads a picture of one line of text; without a picture, one that is rendered here.

    Args:
        image: a file with a picture of one line or word, cut out.
        text: what is rendered where no picture is given.
        weights: EasyOCR's `english` ones, octavo's small `rendered` ones, or the best that are here.
        lexicon: also give the most probable words of an English dictionary.
        seed: of the rendered picture's looks.
    """
    picture = (
        _opened(image) if image is not None else TextRenderer()(text, np.random.default_rng(seed)).picture
    )
    model, name = _reader(weights)
    levels = grey(picture)
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
    if lexicon:
        words = Lexicon(data.load("hunspell_en_us").words(50_000))
        folded = CaseFolded(model).eval()
        frames = folded(batch["images"]).log_probs[0].detach()
        found = words.decode(frames, folded.alphabet, mode="exact", top_k=5)
        told["words"] = {each.text: float(np.exp(each.log_prob)) for each in found}
    return told | {"figure": _figure(levels, log_probs, model, reading)}


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
