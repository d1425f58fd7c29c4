"""Labelled time series in the `.ts` format of the UEA and UCR archives."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor, from_numpy

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError


@dataclass(frozen=True)
class LabelledSplit:
    """The series of one split, each with its label.

    Args:
        values: one array a series, float32 of shape (channels, time); the times may differ.
        labels: the class of each series, counted from 0.
    """

    values: tuple[Float[np.ndarray, "channels _"], ...]
    labels: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def lengths(self) -> Int[np.ndarray, " n"]:
        """The number of time steps of each series."""
        return np.array([series.shape[1] for series in self.values], dtype=np.int64)

    def padded(
        self, length: int | None = None, *, fill: float = 0.0
    ) -> tuple[Float[Tensor, "n time channels"], Int[Tensor, " n"]]:
        """All series in one tensor, padded behind their end, with their lengths.

        Args:
            length: time steps of the result; the longest series' by default.
            fill: the value of the padding.

        Raises:
            ValueError: a series is longer than `length`.
        """
        lengths = self.lengths
        longest = int(lengths.max(initial=0))
        length = longest if length is None else length
        if longest > length:
            raise ValueError(f"length={length} cuts a series of {longest} steps; use length >= {longest}")
        channels = self.values[0].shape[0] if self.values else 0
        batch = np.full((len(self), length, channels), fill, dtype=np.float32)
        for row, series in zip(batch, self.values, strict=True):
            row[: series.shape[1]] = series.T
        return from_numpy(batch), from_numpy(lengths)

    def targets(self) -> Int[Tensor, " n"]:
        """The labels as a tensor."""
        return from_numpy(self.labels.copy())

    def take(self, indices: Int[np.ndarray, " m"]) -> "LabelledSplit":
        """The series at these positions."""
        return LabelledSplit(tuple(self.values[index] for index in indices), self.labels[indices])


@dataclass(frozen=True)
class LabelledSeries:
    """A classification problem: labelled series, split as the archive splits them.

    Args:
        name: the data set's name.
        classes: the names of the classes; a label is a position in this list.
        channel_names: the names of the channels.
        train: the archive's training split.
        test: the archive's test split.
    """

    name: str
    classes: tuple[str, ...]
    channel_names: tuple[str, ...]
    train: LabelledSplit
    test: LabelledSplit

    @property
    def n_channels(self) -> int:
        """The number of channels of every series."""
        return len(self.channel_names)

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return len(self.classes)

    @property
    def max_length(self) -> int:
        """Time steps of the longest series of both splits."""
        return int(max(self.train.lengths.max(initial=0), self.test.lengths.max(initial=0)))

    def standardised(self) -> "LabelledSeries":
        """The same series, each channel less its training mean and divided by its training deviation."""
        steps = np.concatenate(self.train.values, axis=1, dtype=np.float64)
        mean = np.nanmean(steps, axis=1, keepdims=True)
        deviation = np.nanstd(steps, axis=1, keepdims=True)
        # A constant channel stays at 0 and does not become a division by zero.
        deviation = np.where(deviation > 0, deviation, 1.0)

        def scaled(split: LabelledSplit) -> LabelledSplit:
            return replace(
                split,
                values=tuple(((series - mean) / deviation).astype(np.float32) for series in split.values),
            )

        return replace(self, train=scaled(self.train), test=scaled(self.test))

    def hold_out(self, fraction: float = 0.2, *, seed: int = 0) -> tuple[LabelledSplit, LabelledSplit]:
        """Split the training series into a smaller training and a validation split, class by class.

        Every class with two or more series gives at least one to the validation split and keeps at least one.

        Args:
            fraction: the part of each class that is held out, between 0 and 1.
            seed: the same seed gives the same split.

        Raises:
            ValueError: the fraction is not between 0 and 1.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction={fraction} is not between 0 and 1; 0.2 holds out a fifth")
        random = np.random.default_rng(seed)
        held: list[int] = []
        for label in range(self.n_classes):
            members = random.permutation(np.flatnonzero(self.train.labels == label))
            count = min(max(1, round(fraction * len(members))), len(members) - 1)
            held.extend(members[: max(count, 0)])
        validation = np.sort(np.array(held, dtype=np.int64))
        kept = np.setdiff1d(np.arange(len(self.train)), validation)
        return self.train.take(kept), self.train.take(validation)


def load_labelled_series(entry: Entry) -> LabelledSeries:
    """Read the two `.ts` files of an entry, `..._TRAIN.ts` and `..._TEST.ts`.

    Raises:
        OctavoError: a file is not in the `.ts` format, or the two do not fit together.
    """
    files = {Path(name).name.rsplit("_", 1)[-1]: path for name, path in entry.files.items()}
    train_path, test_path = files["TRAIN.ts"], files["TEST.ts"]
    train, classes = read_ts(train_path)
    test, test_classes = read_ts(test_path)
    if set(classes) != set(test_classes):
        raise OctavoError(
            f"{test_path}: its classes {', '.join(test_classes)} are not those of {train_path.name}, "
            f"{', '.join(classes)}; put both files from the same archive"
        )
    # The label is a position in the training file's order of classes.
    order = np.array([classes.index(name) for name in test_classes])
    test = LabelledSplit(test.values, order[test.labels])
    channels = {series.shape[0] for series in (*train.values, *test.values)}
    if len(channels) != 1:
        raise OctavoError(
            f"{test_path}: series of {sorted(channels)} channels; all must have the same number"
        )
    names = tuple(f"channel {index}" for index in range(channels.pop()))
    return LabelledSeries(entry.name, classes, names, train, test)


def read_ts(path: Path) -> tuple[LabelledSplit, tuple[str, ...]]:
    """Read one `.ts` file: its series with labels, and its classes in the header's order.

    A series is a line: channels divided by colons, values by commas, the class behind the last colon; a
    missing value is `?` and becomes NaN.

    Raises:
        OctavoError: the file is not of this format; the message names file and line.
    """
    values: list[np.ndarray] = []
    labels: list[int] = []
    classes: tuple[str, ...] = ()
    in_data = False
    for number, line in _numbered(path):
        if not in_data:
            word, _, rest = line.partition(" ")
            if word.lower() == "@classlabel":
                flag, *names = rest.split()
                classes = tuple(names) if flag.lower() == "true" else ()
            in_data = word.lower() == "@data"
            if in_data and not classes:
                raise OctavoError(
                    f"{path}, line {number}: no classes; the header needs `@classLabel true ...`"
                )
            continue
        *channels, label = line.split(":")
        try:
            # The archive writes the padding of unequal lengths as NaN, or not at all.
            series = np.array(
                [channel.replace("?", "nan").split(",") for channel in channels], dtype=np.float32
            )
        except ValueError:
            raise OctavoError(f"{path}, line {number}: {_what_is_wrong(channels)}") from None
        if label.strip() not in classes:
            raise OctavoError(
                f"{path}, line {number}: the class {label.strip()[:40]!r} is not one of the header's "
                f"{', '.join(classes)}"
            )
        if series.ndim != 2:
            raise OctavoError(
                f"{path}, line {number}: a class without a series; give values before the colon"
            )
        values.append(series)
        labels.append(classes.index(label.strip()))
    if not values:
        raise OctavoError(f"{path}: no series below `@data`; the file may be cut short, fetch it again")
    return LabelledSplit(tuple(values), np.array(labels, dtype=np.int64)), classes


def _what_is_wrong(channels: list[str]) -> str:
    lengths = sorted({channel.count(",") + 1 for channel in channels})
    if len(lengths) > 1:
        return f"channels of {lengths} values; all channels of a series must have the same number"
    return "a value is not a number; values are divided by commas and channels by colons"


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank and not comments, with their numbers from 1."""
    for number, raw in enumerate(lines(path), start=1):
        line = raw.strip()
        if line and not line.startswith(("#", "%")):
            yield number, line
