"""What the parts of the experiment share: reading batches and pictures, and recording how well."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from octavo.vision.crnn.digit_strings import (
    DigitClassifier,
    DigitStrings,
    Segmenter,
    read_in_two_steps,
    strings_of,
)
from octavo.vision.crnn.errors import correct, edits, plain
from octavo.vision.crnn.recognizer import CTCModel


def texts_of(model: CTCModel, batch: dict[str, Tensor]) -> list[str]:
    """The labels of a batch as texts."""
    return [model.alphabet.decode(row[row > 0].tolist()) for row in batch["labels"]]


@torch.no_grad()
def read_batch(model: CTCModel, batch: dict[str, Tensor]) -> list[str]:
    """Lexicon-free texts of a batch."""
    device = next(model.parameters()).device
    output = model.eval()(batch["images"].to(device))
    return [model.transcribe(log_probs).text for log_probs in output.log_probs.cpu()]


def log_probs_of(model: CTCModel, pictures: Sequence[Any], batch_size: int, **settings: Any) -> list[Tensor]:
    """Frames of each picture, those of like width read together."""
    batch = model.processor(**settings)(list(pictures))
    return model.frames_of(batch["images"], batch["widths"], batch_size)


def record_reading(
    lab: Any, system: str, dataset: str, read: Sequence[str], written: Sequence[str], separator: str = ""
) -> None:
    """Accuracy of whole texts, and edits a symbol."""
    right = correct(read, written)
    lab.record(system=system, dataset=dataset, metric="accuracy", value=right.mean(), items=right)
    split: Callable[[str], list[str]] = str.split if separator else list
    symbols = [split(text) for text in written]
    wrong = edits([split(text) for text in read], symbols)
    total = max(1, sum(len(text) for text in symbols))
    lab.record(system=system, dataset=dataset, metric="cer", value=wrong.sum() / total)
    lab.record(system=system, dataset=dataset, metric="edit_distance", value=wrong.mean())


def record_words(lab: Any, system: str, dataset: str, read: Sequence[str], written: Sequence[str]) -> None:
    """Accuracy of words, case and marks aside."""
    record_reading(lab, system, dataset, [plain(text) for text in read], [plain(text) for text in written])


def chance_of_no_rival(
    rivals: Int64[np.ndarray, " pictures"], others: int, drawn: int
) -> Float[np.ndarray, " pictures"]:
    """The chance that a lexicon of the true word and others has none that is more probable than the true one.

    Lexica are drawn from the other words of the test set. Of all that could be drawn this is the share in
    which a picture is read right, so that no draw has to be made.

    Args:
        rivals: of each picture, how many of the other words are at least as probable as the true one.
        others: words that could be drawn.
        drawn: words that are.

    Example:
        >>> chance_of_no_rival(np.array([0, 1, 3]), others=4, drawn=1).tolist()
        [1.0, 0.75, 0.25]
    """
    from scipy.stats import hypergeom

    return np.asarray(hypergeom.pmf(0, others, rivals, drawn), np.float64)


def tuned_segmenter(batches: DigitStrings, classifier: DigitClassifier, number: int, lab: Any) -> Segmenter:
    """The cutter that serves best on training strings."""
    tests = [batches(lab.generator("tuning", index), 20) for index in range(-(-number // 20))]
    alphabet = batches.alphabet
    written = [alphabet.decode(row[row > 0].tolist()) for batch in tests for row in batch["labels"]]
    pictures = [picture for batch in tests for picture in strings_of(batch)]
    choices = [
        Segmenter(typical, widest) for typical in (14.0, 16.0, 18.0, 20.0) for widest in (1.2, 1.4, 1.6)
    ]
    return max(
        choices,
        key=lambda choice: correct(read_in_two_steps(pictures, choice, classifier), written).mean(),
    )
