"""Strings of digits say what is in them, and the cutter finds digits that stand apart."""

import numpy as np
import pytest
import torch

from octavo.vision.crnn.digit_strings import (
    APART,
    TOUCHING,
    DigitClassifier,
    DigitStrings,
    Gaps,
    Segmenter,
    inked,
    read_in_two_steps,
    single,
    strings_of,
)


def bars() -> tuple[np.ndarray, np.ndarray]:
    """Ten digits, each a block of ink 8 to 17 columns wide."""
    pictures = np.zeros((10, 28, 28), np.uint8)
    for digit in range(10):
        pictures[digit, 4:24, 5 : 13 + digit] = 255
    return pictures, np.arange(10)


def test_a_string_is_as_wide_as_its_digits_and_gaps() -> None:
    pictures, labels = bars()
    random = np.random.default_rng(0)
    canvas, text = DigitStrings(pictures, labels, gaps=Gaps(3, 3)).draw(4, random)
    widths = [8 + int(digit) for digit in text]
    columns = (canvas > 64).any(0)
    assert columns.sum() == sum(widths)
    assert canvas.shape[0] == 32
    starts = np.flatnonzero(np.diff(columns.astype(int)) == 1)
    assert np.diff(starts).tolist() == [width + 3 for width in widths[:-1]]


def test_touching_digits_overlap_and_none_disappears() -> None:
    pictures, labels = bars()
    for seed in range(30):
        canvas, text = DigitStrings(pictures, labels, gaps=Gaps(-20, -20)).draw(
            3, np.random.default_rng(seed)
        )
        assert (canvas > 64).any(0).sum() < sum(8 + int(digit) for digit in text)
        assert (canvas > 64).any(0).sum() >= max(8 + int(digit) for digit in text) + 4


def test_the_cutter_finds_digits_apart_and_cuts_touching_ones() -> None:
    pictures, labels = bars()
    apart, text = DigitStrings(pictures, labels, gaps=APART).draw(5, np.random.default_rng(1))
    assert [inked(piece).shape[1] for piece in Segmenter(16, 1.5).cut(apart)] == [8 + int(d) for d in text]
    sevens = DigitStrings(pictures[7:8], labels[7:8], gaps=Gaps(0, 0))
    touching, _ = sevens.draw(4, np.random.default_rng(1))
    assert len(Segmenter(15, 1.5).cut(touching)) == 4
    assert Segmenter().cut(np.zeros((32, 40), np.uint8)) == []


def test_two_steps_read_what_the_classifier_sees() -> None:
    pictures, labels = bars()
    torch.manual_seed(0)
    classifier = DigitClassifier(0.05)
    assert single(pictures[0]).shape == (32, 32)
    source = DigitStrings(pictures, labels, gaps=APART)
    batch = source(torch.Generator().manual_seed(0), 3)
    read = read_in_two_steps(strings_of(batch), Segmenter(), classifier)
    assert [len(text) for text in read] == [int((row > 0).sum()) for row in batch["labels"]]
    assert read_in_two_steps([np.zeros((32, 40), np.uint8)], Segmenter(), classifier) == [""]


def test_pictures_come_back_from_a_batch() -> None:
    pictures, labels = bars()
    batch = DigitStrings(pictures, labels, (2, 2), TOUCHING)(torch.Generator().manual_seed(1), 2)
    levels = strings_of(batch)
    assert levels[0].dtype == np.uint8
    assert {0, 255} <= set(np.unique(levels[0]).tolist())
    assert batch["labels"].shape == (2, 2)
    assert int(batch["labels"].min()) >= 1


@pytest.mark.parametrize("lengths", [(7, 15), (1, 1)])
def test_lengths_are_those_asked_for(lengths: tuple[int, int]) -> None:
    pictures, labels = bars()
    source = DigitStrings(pictures, labels, lengths)
    found = {source(torch.Generator().manual_seed(seed), 1)["labels"].shape[1] for seed in range(40)}
    assert min(found) >= lengths[0]
    assert max(found) <= lengths[1]
