from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo import data
from octavo.data.labelled_series import LabelledSplit, read_ts
from octavo.data.listing.labelled_series import LABELLED_SERIES
from octavo.errors import OctavoError

HEADER = "#made here\n@problemName Toy\n@univariate false\n@classLabel true left right\n@data\n"
TRAIN = HEADER + "1,2,3:4,5,6:left\n7,8:9,?:right\n\n1,1,1:2,2,2:right\n"
TEST = "@problemName Toy\n@classLabel true right left\n@data\n0.5:-0.5:right\n"


def place(folders: Path, train: str = TRAIN, test: str = TEST, name: str = "Handwriting") -> Path:
    folder = folders / name
    folder.mkdir(exist_ok=True)
    (folder / f"{name}_TRAIN.ts").write_text(train)
    (folder / f"{name}_TEST.ts").write_text(test)
    return folder


def test_series_of_unequal_length_are_read_as_the_files_have_them(folders: Path) -> None:
    place(folders)
    series = data.load("Handwriting")
    assert series.classes == ("left", "right")
    assert (series.n_channels, series.n_classes, series.max_length) == (2, 2, 3)
    assert series.train.lengths.tolist() == [3, 2, 3]
    assert series.train.values[0].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert np.isnan(series.train.values[1][1, 1])
    assert series.train.labels.tolist() == [0, 1, 1]
    # The test file lists its classes in another order; a label means the same class in both.
    assert series.test.labels.tolist() == [1]


def test_padding_is_behind_the_end_and_lengths_tell_it(folders: Path) -> None:
    place(folders)
    x, lengths = data.load("Handwriting").train.padded(5, fill=-1.0)
    assert x.shape == (3, 5, 2)
    assert x.dtype == torch.float32
    assert lengths.tolist() == [3, 2, 3]
    assert x[0].tolist() == [[1, 4], [2, 5], [3, 6], [-1, -1], [-1, -1]]
    with pytest.raises(ValueError, match="length=2 cuts a series of 3 steps"):
        data.load("Handwriting").train.padded(2)


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 3), st.integers(0, 4))
def test_padding_loses_nothing(lengths: list[int], channels: int, extra: int) -> None:
    random = np.random.default_rng(0)
    values = tuple(random.normal(size=(channels, length)).astype(np.float32) for length in lengths)
    x, found = LabelledSplit(values, np.zeros(len(values), dtype=np.int64)).padded(max(lengths) + extra)
    assert found.tolist() == lengths
    for row, series in zip(x.numpy(), values, strict=True):
        assert np.array_equal(row[: series.shape[1]].T, series)
        assert not row[series.shape[1] :].any()


def test_an_empty_split_pads_to_an_empty_tensor() -> None:
    x, lengths = LabelledSplit((), np.zeros(0, dtype=np.int64)).padded()
    assert (tuple(x.shape), tuple(lengths.shape)) == ((0, 0, 0), (0,))


def test_standardising_uses_the_training_split_alone(folders: Path) -> None:
    place(folders, train=TRAIN.replace("?", "9"), test=TEST.replace("0.5", "1000"))
    before = data.load("Handwriting")
    after = before.standardised()
    steps = np.concatenate(after.train.values, axis=1)
    assert np.allclose(steps.mean(axis=1), 0, atol=1e-6)
    assert np.allclose(steps.std(axis=1), 1, atol=1e-6)
    train = np.concatenate(before.train.values, axis=1)
    expected = (before.test.values[0] - train.mean(1, keepdims=True)) / train.std(1, keepdims=True)
    assert np.allclose(after.test.values[0], expected, rtol=1e-5)


def test_holding_out_takes_from_every_class_and_repeats() -> None:
    pytest.importorskip("aeon", reason="the series come with the package aeon")
    series = data.load("JapaneseVowels")
    train, validation = series.hold_out(0.2, seed=3)
    assert len(train) + len(validation) == len(series.train) == 270
    assert np.bincount(validation.labels).tolist() == [6] * 9
    again = series.hold_out(0.2, seed=3)[1]
    assert all(np.array_equal(a, b) for a, b in zip(validation.values, again.values, strict=True))
    other = series.hold_out(0.2, seed=4)[1]
    assert any(
        a.shape != b.shape or not np.array_equal(a, b)
        for a, b in zip(validation.values, other.values, strict=True)
    )
    with pytest.raises(ValueError, match=r"fraction=1\.5"):
        series.hold_out(1.5)


def test_a_class_of_one_series_stays_in_training(folders: Path) -> None:
    place(folders)
    train, validation = data.load("Handwriting").hold_out(0.5)
    assert train.labels.tolist() == [0, 1]
    assert validation.labels.tolist() == [1]


@pytest.mark.parametrize(
    ("train", "told"),
    [
        (TRAIN + "1,2:3,x:left\n", "line 10: a value is not a number"),
        (TRAIN + "1,2:3:left\n", r"line 10: channels of \[1, 2\] values"),
        (TRAIN + "1,2:3,4:up\n", "line 10: the class 'up' is not one of the header's left, right"),
        (TRAIN + "left\n", "line 10: a class without a series"),
        (HEADER, "no series below `@data`"),
        ("", "no series below `@data`"),
        (TRAIN.replace("true left right", "false"), "line 5: no classes"),
        (TRAIN.replace(":4,5,6:left", ":left"), r"series of \[1, 2\] channels"),
    ],
)
def test_a_corrupt_file_is_named_with_its_line(folders: Path, train: str, told: str) -> None:
    place(folders, train=train)
    with pytest.raises(OctavoError, match=told) as caught:
        data.load("Handwriting")
    assert "Handwriting_T" in str(caught.value)


def test_files_of_two_sets_do_not_fit_together(folders: Path) -> None:
    place(folders, test=TEST.replace("right left", "right up"))
    with pytest.raises(OctavoError, match=r"its classes right, up are not those of Handwriting_TRAIN\.ts"):
        data.load("Handwriting")


def test_bytes_that_are_no_text_are_a_clear_error(folders: Path) -> None:
    folder = place(folders)
    (folder / "Handwriting_TRAIN.ts").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(OctavoError, match=r"Handwriting_TRAIN.ts: cannot be read"):
        data.load("Handwriting")


EMBEDDED = [entry.name for entry in LABELLED_SERIES if entry.package]


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_embedded_sets_read_as_aeon_reads_them(name: str) -> None:
    pytest.importorskip("aeon", reason="the series come with the package aeon")
    from aeon.datasets import load_from_ts_file

    for split, path in zip(("train", "test"), data.entry(name).files.values(), strict=True):
        expected, labels = load_from_ts_file(str(path))
        found, classes = read_ts(path)
        assert len(found) == len(expected), split
        for ours, theirs in zip(found.values, expected, strict=True):
            assert np.allclose(ours, theirs, rtol=1e-6, atol=1e-6)
        # aeon writes the classes in small letters.
        assert [classes[label].lower() for label in found.labels] == list(labels)
