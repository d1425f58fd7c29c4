"""Long multivariate series to be forecast, with the splits that the field uses."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float
from torch import Tensor, from_numpy

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Series:
    """One multivariate series.

    Args:
        name: the data set's name.
        columns: the names of its channels.
        timestamps: the time of each row.
        values: float32, one row a time step.
        splits: the rows of `train`, `validation` and `test`, as (start, stop).
    """

    name: str
    columns: tuple[str, ...]
    timestamps: np.ndarray
    values: Float[np.ndarray, "time columns"]
    splits: Mapping[str, tuple[int, int]]

    def part(self, part: Part) -> Float[np.ndarray, "time columns"]:
        """The rows of one split."""
        start, stop = self.splits[part]
        return self.values[start:stop]

    def standardised(self) -> "Series":
        """The same series, each column less its training mean and divided by its training deviation."""
        train = self.part("train").astype(np.float64)
        deviation = train.std(axis=0)
        # A column that is constant in training stays finite.
        deviation = np.where(deviation > 0, deviation, 1.0)
        return replace(self, values=((self.values - train.mean(axis=0)) / deviation).astype(np.float32))

    def windows(
        self, part: Part, context: int, horizon: int, *, stride: int = 1
    ) -> tuple[Float[Tensor, "windows context columns"], Float[Tensor, "windows horizon columns"]]:
        """All pairs of a context and the horizon behind it whose horizon lies in one split.

        As in the field's protocol, the first contexts of `validation` and `test` reach back into the split
        before. Both tensors are views of the series: index them, do not write into them.

        Args:
            part: the split that the horizons lie in.
            context: rows that a model sees.
            horizon: rows that it forecasts.
            stride: rows between two windows.

        Raises:
            ValueError: a size is below 1, or the split is too short for one window.

        Example:
            >>> from octavo import data
            >>> hours = np.arange(100, dtype=np.float32)[:, None]
            >>> splits = {"train": (0, 60), "test": (60, 100)}
            >>> series = data.Series("hours", ("h",), np.arange(100), hours, splits)
            >>> x, y = series.windows("test", context=8, horizon=4)
            >>> x.shape, y[0, :, 0].tolist()
            (torch.Size([37, 8, 1]), [60.0, 61.0, 62.0, 63.0])
        """
        if min(context, horizon, stride) < 1:
            raise ValueError(
                f"context={context}, horizon={horizon}, stride={stride}: each must be at least 1"
            )
        start, stop = self.splits[part]
        first = max(start - context, 0)
        count = stop - first - context - horizon + 1
        if count < 1:
            raise ValueError(
                f"{self.name} {part} has {stop - first} rows with its context, a window of context={context} "
                f"and horizon={horizon} needs {context + horizon}; use shorter ones"
            )
        rows = from_numpy(self.values[first:stop])
        pairs = rows.unfold(0, context + horizon, stride).transpose(1, 2)
        return pairs[:, :context], pairs[:, context:]


def load_ett(entry: Entry, *, rows_an_hour: int) -> Series:
    """Read a file of the Electricity Transformer Temperature sets: 12, 4 and 4 months of 30 days.

    Raises:
        OctavoError: the file is not in its format or too short.
    """
    path = next(iter(entry.files.values()))
    columns, timestamps, values = read_dated_csv(path)
    month = 30 * 24 * rows_an_hour
    if len(values) < 20 * month:
        raise OctavoError(
            f"{path}: {len(values)} rows, the standard split needs {20 * month}; "
            f"the file is cut short, fetch it again"
        )
    splits = {
        "train": (0, 12 * month),
        "validation": (12 * month, 16 * month),
        "test": (16 * month, 20 * month),
    }
    return Series(entry.name, columns, timestamps, values, splits)


def load_dated_series(entry: Entry) -> Series:
    """Read a file of the same format as the ETT sets, split 70 : 10 : 20 in time.

    Raises:
        OctavoError: the file is not in its format.
    """
    columns, timestamps, values = read_dated_csv(next(iter(entry.files.values())))
    return Series(entry.name, columns, timestamps, values, _seven_one_two(len(values)))


def load_undated_series(entry: Entry, *, start: str, step: str) -> Series:
    """Read numbers divided by commas, one line a time step and no header, split 70 : 10 : 20 in time.

    Args:
        start: the time of the first row, which the file does not hold.
        step: `hour` or `day`.

    Raises:
        OctavoError: the file is not in its format.
    """
    path = next(iter(entry.files.values()))
    values = _numbers(path, _rows(path))
    columns = tuple(f"channel {index}" for index in range(values.shape[1]))
    seconds = {"hour": 3600, "day": 86400}[step]
    timestamps = np.datetime64(start, "s") + (seconds * np.arange(len(values))).astype("timedelta64[s]")
    return Series(entry.name, columns, timestamps, values, _seven_one_two(len(values)))


def read_dated_csv(path: Path) -> tuple[tuple[str, ...], np.ndarray, Float[np.ndarray, "time columns"]]:
    """Read a table whose first column is `date` and whose others are numbers; plain or gzip.

    Returns:
        The names of the columns without the date, the times, the values.

    Raises:
        OctavoError: the file is not of this format; the message names file and line.
    """
    rows = _rows(path)
    _, header = next(rows, (0, [""]))
    if header[0].strip().lower() != "date" or len(header) < 2:
        raise OctavoError(
            f"{path}, line 1: the header is {','.join(header)[:60]!r}; expected `date` and further columns"
        )
    times: list[str] = []

    def numbers_behind_the_date() -> Iterator[tuple[int, list[str]]]:
        for number, row in rows:
            times.append(row[0].strip())
            if len(row) != len(header):
                raise OctavoError(f"{path}, line {number}: {len(row)} values under a header of {len(header)}")
            yield number, row[1:]

    values = _numbers(path, numbers_behind_the_date())
    try:
        timestamps = np.array([_iso(time) for time in times], dtype="datetime64[s]")
    except ValueError as error:
        raise OctavoError(f"{path}: a date is not of the form YYYY-MM-DD HH:MM:SS ({error})") from None
    return tuple(name.strip() for name in header[1:]), timestamps, values


def _iso(time: str) -> str:
    date, _, clock = time.replace("/", "-").partition(" ")
    year, month, day = date.split("-")
    return f"{year}-{month:0>2}-{day:0>2}" + (f"T{clock:0>5}" if clock else "")


def _numbers(path: Path, rows: Iterator[tuple[int, list[str]]]) -> Float[np.ndarray, "time columns"]:
    values: list[np.ndarray] = []
    for number, row in rows:
        try:
            values.append(np.array(row, dtype=np.float32))
        except ValueError as error:
            raise OctavoError(f"{path}, line {number}: not a number ({error})") from None
        if values[-1].shape != values[0].shape:
            raise OctavoError(f"{path}, line {number}: {len(row)} values after lines of {len(values[0])}")
        if not np.isfinite(values[-1]).all():
            raise OctavoError(
                f"{path}, line {number}: a value is not finite; a series without gaps is expected"
            )
    if not values:
        raise OctavoError(f"{path}: no rows; the file may be cut short, fetch it again")
    return np.stack(values)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    return ((number, row) for number, row in enumerate(csv.reader(lines(path)), start=1) if row)


def _seven_one_two(length: int) -> dict[str, tuple[int, int]]:
    train, test = int(length * 0.7), int(length * 0.2)
    return {"train": (0, train), "validation": (train, length - test), "test": (length - test, length)}
