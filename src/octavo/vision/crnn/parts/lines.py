"""Rendered lines of text: the reader that comes with octavo, and one that is trained here."""

from pathlib import Path

from octavo import data
from octavo.lab import Lab, part, weights
from octavo.vision.crnn.checkpoints import crnn_pretrained
from octavo.vision.crnn.lines import RenderedLines
from octavo.vision.crnn.measures import log_probs_of, read_batch, record_reading, record_words, texts_of
from octavo.vision.crnn.network import CRNN
from octavo.vision.crnn.parts.scenes import scene_words
from octavo.vision.crnn.parts.training import seeded, train
from octavo.vision.crnn.rendering import (
    TextRenderer,
    TextSource,
    fonts_everywhere,
    fonts_of_this_machine,
)
from octavo.vision.crnn.scales import Config

READER = "0-9A-Za-z !$%&',.:?-"
"""The characters of the reader that comes with octavo."""


@weights
def reader(lab: Lab) -> CRNN:
    """Reads rendered lines of English text: half a million parameters, some minutes on one core."""
    model: CRNN = seeded(lab, lambda: CRNN(READER, width_mult=0.25))
    train(
        lab,
        "reader on rendered lines",
        model,
        rendered_lines(model, fonts_of_this_machine(), strength=0.6),
        steps=2500,
        batch_size=32,
    )
    measure_rendered(lab, "reader", model, rendered_lines(model, fonts_everywhere()), 500)
    return model.half()


def rendered_lines(model: CRNN, fonts: tuple[Path, ...], strength: float = 1.0) -> RenderedLines:
    """Lines of English words, numbers and strings."""
    words = data.load("hunspell_en_us").stems
    return RenderedLines(TextRenderer(fonts, strength=strength), TextSource(words, READER), model.alphabet)


def measure_rendered(lab: Lab, system: str, model: CRNN, lines: RenderedLines, number: int) -> None:
    """Share of fresh lines that are read without an error, and errors a character."""
    read: list[str] = []
    written: list[str] = []
    for index in range(-(-number // 50)):
        batch = lines(lab.generator("held out", index), min(50, number))
        read += read_batch(model, batch)
        written += texts_of(model, batch)
    record_reading(lab, system, "rendered_lines", read, written)


@part(seeds=1, data=("hunspell_en_us",))
def rendered(config: Config, lab: Lab) -> None:
    """A reader that has seen rendered lines alone; trained here, or as it comes with octavo."""
    if config.rendered_steps:
        model: CRNN = seeded(lab, lambda: CRNN(READER, width_mult=config.rendered_width))
        train(
            lab,
            "on rendered lines",
            model,
            rendered_lines(model, fonts_of_this_machine() if config.all_fonts else fonts_everywhere()),
            config.rendered_steps,
            config.rendered_batch,
            config.optimizer,
        )
    else:
        model = crnn_pretrained("rendered").to(lab.device)
    measure_rendered(lab, "rendered", model, rendered_lines(model, fonts_everywhere()), config.rendered_test)
    words = scene_words(config)
    frames = log_probs_of(model, words.pictures, 2 * config.batch_size)
    read = [model.transcribe(each).text for each in frames]
    record_words(lab, "rendered", "IIIT5k", read, words.texts)
