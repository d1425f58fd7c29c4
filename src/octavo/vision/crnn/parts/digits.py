"""Strings of handwritten digits: read from end to end, on frozen features, and cut first."""

import torch

from octavo import data
from octavo.lab import Lab, TensorData, house_style, part, weights
from octavo.vision.crnn import figures
from octavo.vision.crnn.digit_strings import (
    ANY,
    APART,
    DIGITS,
    TOUCHING,
    DigitClassifier,
    DigitStrings,
    classifier_loss,
    read_in_two_steps,
    single,
    strings_of,
)
from octavo.vision.crnn.lines import as_images
from octavo.vision.crnn.measures import read_batch, record_reading, texts_of, tuned_segmenter
from octavo.vision.crnn.network import CRNN
from octavo.vision.crnn.parts.training import seeded, train
from octavo.vision.crnn.scales import Config


@weights
def digit_reader(lab: Lab) -> CRNN:
    """Reads strings of handwritten digits: half a million parameters, a minute or two on one core."""
    known, unseen = data.load("MNIST5k").hold_out(0.2, seed=lab.seed)
    model: CRNN = seeded(lab, lambda: CRNN(DIGITS, width_mult=0.25))
    train(lab, "digit reader", model, DigitStrings(known.pictures, known.labels), steps=900, batch_size=32)
    strings = DigitStrings(unseen.pictures, unseen.labels)
    batches = [strings(lab.generator("held out", index), 20) for index in range(25)]
    read = [text for batch in batches for text in read_batch(model, batch)]
    record_reading(
        lab, "digit_reader", "strings", read, [text for batch in batches for text in texts_of(model, batch)]
    )
    return model.half()


@part(data=("MNIST5k",))
def digit_strings(config: Config, lab: Lab) -> None:
    """Strings of digits that touch: from end to end, on frozen features, and cut first."""
    known, unseen = data.load("MNIST5k").hold_out(0.2, seed=lab.seed)
    batches = DigitStrings(known.pictures, known.labels)
    classifier = seeded(lab, lambda: DigitClassifier(config.digit_width))
    lab.fit(
        "classifier on single digits",
        classifier,
        lambda model, batch, _: classifier_loss(model, batch),
        TensorData(
            images=as_images([single(picture) for picture in known.pictures]),
            labels=torch.from_numpy(known.labels),
        ),
        steps=config.classifier_steps,
        batch_size=64,
        learning_rate=2e-3,
        schedule="cosine",
    )
    readers: dict[str, CRNN] = {}
    for system in ("crnn", "frozen_random", "frozen_digits"):
        model: CRNN = seeded(lab, lambda: CRNN(DIGITS, width_mult=config.digit_width))
        if system == "frozen_digits":
            model.features.load_state_dict(classifier.features.state_dict())
        if system != "crnn":
            model.features.requires_grad_(False)
        # A step on frozen features goes back through the recurrent layers alone: twice the steps in the time.
        steps = config.digit_steps if system == "crnn" else 2 * config.digit_steps
        train(lab, f"{system} on strings", model, batches, steps, config.digit_batch)
        readers[system] = model
    segmenter = tuned_segmenter(batches, classifier, config.tuning_strings, lab)
    for dataset, lengths, gaps in (
        ("strings", (2, 6), ANY),
        ("touching", (2, 6), TOUCHING),
        ("apart", (2, 6), APART),
        ("long_strings", (7, 15), ANY),
    ):
        source = DigitStrings(unseen.pictures, unseen.labels, lengths, gaps)
        tests = [source(lab.generator(dataset, index), 20) for index in range(-(-config.test_strings // 20))]
        written = [text for batch in tests for text in texts_of(readers["crnn"], batch)]
        for system, model in readers.items():
            read = [text for batch in tests for text in read_batch(model, batch)]
            record_reading(lab, system, dataset, read, written)
        cut = [
            text for batch in tests for text in read_in_two_steps(strings_of(batch), segmenter, classifier)
        ]
        record_reading(lab, "pipeline", dataset, cut, written)
    if lab.seed == 0:
        with house_style():
            lab.figure(
                "strings", figures.strings_read(strings_of(tests[0])[:6], readers["crnn"], written[:6])
            )
