"""Sequences of events in continuous time, each with a mark."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor, arange, from_numpy

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError


@dataclass(frozen=True)
class EventSequence:
    """The events of one user or one draw.

    Args:
        times: float64, increasing, counted from `start` in units of the data set's `scale`.
        marks: the kind of each event, counted from 0.
        start: the time of zero, as the file has it.
        end: the time up to which the sequence was watched; the last event's where the data do not say.
    """

    times: Float[np.ndarray, " events"]
    marks: Int[np.ndarray, " events"]
    start: float
    end: float

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True)
class EventSequences:
    """Event sequences of many users, no user in two splits.

    Args:
        name: the data set's name.
        mark_names: the names of the marks; a mark is a position in this list.
        scale: the file's time units that make one unit of `times`: the mean gap between training events.
        train: the sequences to learn from.
        validation: held out of the training file.
        test: the test file's.
    """

    name: str
    mark_names: tuple[str, ...]
    scale: float
    train: tuple[EventSequence, ...]
    validation: tuple[EventSequence, ...]
    test: tuple[EventSequence, ...]

    @property
    def n_marks(self) -> int:
        """The number of kinds of events."""
        return len(self.mark_names)


def pad_events(
    sequences: Sequence[EventSequence], length: int | None = None
) -> tuple[Float[Tensor, "n events"], Int[Tensor, "n events"], Bool[Tensor, "n events"]]:
    """Times, marks and validity of many sequences, in tensors padded behind their end.

    The padding repeats the last time, so that times never decrease, and has mark 0.

    Args:
        sequences: what to put together.
        length: events of the result; longer sequences are cut to their first events.

    Example:
        >>> short = EventSequence(np.array([0.5, 2.0]), np.array([1, 0]), 0.0, 2.0)
        >>> times, marks, valid = pad_events([short], length=3)
        >>> times.tolist(), marks.tolist(), valid.tolist()
        ([[0.5, 2.0, 2.0]], [[1, 0, 0]], [[True, True, False]])
    """
    length = max((len(sequence) for sequence in sequences), default=0) if length is None else length
    times = np.zeros((len(sequences), length), dtype=np.float64)
    marks = np.zeros((len(sequences), length), dtype=np.int64)
    counts = np.array([min(len(sequence), length) for sequence in sequences], dtype=np.int64)
    for row, (sequence, count) in enumerate(zip(sequences, counts, strict=True)):
        times[row, :count] = sequence.times[:count]
        times[row, count:] = sequence.times[count - 1] if count else 0.0
        marks[row, :count] = sequence.marks[:count]
    valid = arange(length) < from_numpy(counts)[:, None]
    return from_numpy(times).float(), from_numpy(marks), valid


def load_event_files(entry: Entry, *, mark_names_file: str = "") -> EventSequences:
    """Read `train` and `test` files of times and of events, one line a user, values divided by spaces.

    Every tenth user of the training file is held out for validation. Times are counted from each user's first
    event and divided by the mean gap between the events of the users that stay in training.

    Args:
        mark_names_file: a table of mark and name; without it a mark is named by its number.

    Raises:
        OctavoError: a file is not of this format; the message names file and line.
    """
    files = entry.files
    if "train.time.txt" in files:
        train = read_event_files(files["train.time.txt"], files["train.event.txt"])
        test = read_event_files(files["test.time.txt"], files["test.event.txt"])
    elif "time-1-train.txt" in files:
        train = read_event_files(files["time-1-train.txt"], files["event-1-train.txt"])
        test = read_event_files(files["time-1-test.txt"], files["event-1-test.txt"])
    else:
        train, test = _from_folds(files)
    names = _mark_names(files[mark_names_file]) if mark_names_file else {}
    last = max(int(marks.max()) for _, marks in (*train, *test))
    mark_names = tuple(names.get(mark, str(mark)) for mark in range(1, max(last, *names, 1) + 1))

    learned = [user for index, user in enumerate(train) if index % 10 != 9]
    held_out = train[9::10]
    gaps = sum(len(times) - 1 for times, _ in learned)
    scale = float(sum(times[-1] - times[0] for times, _ in learned) / gaps) if gaps else 1.0

    def sequences(users: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[EventSequence, ...]:
        return tuple(
            EventSequence(
                (times - times[0]) / scale, marks - 1, float(times[0]), float(times[-1] - times[0]) / scale
            )
            for times, marks in users
        )

    return EventSequences(
        entry.name, mark_names, scale, sequences(learned), sequences(held_out), sequences(test)
    )


def read_event_files(times_path: Path, marks_path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """The times and the marks of each user, as the files have them.

    Raises:
        OctavoError: the files do not fit together, a value is not a number, or times do not increase.
    """
    users: list[tuple[np.ndarray, np.ndarray]] = []
    all_times, all_marks = list(lines(times_path)), list(lines(marks_path))
    for number, (times_line, marks_line) in enumerate(zip(all_times, all_marks, strict=False), start=1):
        where = f"{times_path}, line {number}"
        times = _parse(times_line, np.float64, where)
        marks = _parse(marks_line, np.int64, f"{marks_path}, line {number}")
        if len(times) != len(marks):
            raise OctavoError(f"{where}: {len(times)} times, but {len(marks)} events in {marks_path.name}")
        # Written so that a time that is no number counts as a step back.
        steps_on = np.diff(times) > 0
        if not (steps_on.all() and np.isfinite(times).all()):
            event = int(np.argmin(steps_on)) + 2 if len(times) > 1 else 1
            raise OctavoError(f"{where}: times must increase and be finite; event {event} does not")
        if np.any(marks < 1):
            raise OctavoError(
                f"{marks_path}, line {number}: the mark {int(marks.min())}; marks are counted from 1"
            )
        users.append((times, marks))
    if len(all_times) != len(all_marks):
        raise OctavoError(
            f"{times_path}: {len(all_times)} users, but {len(all_marks)} in {marks_path.name}; "
            "take both from one source"
        )
    if not users:
        raise OctavoError(f"{times_path}: no users; the file may be cut short, fetch it again")
    return users


def _from_folds(
    files: dict[str, Path],
) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[tuple[np.ndarray, np.ndarray]]]:
    """The first test fold, and the users of the other test folds that are in no fold before."""
    folds = [
        read_event_files(files[f"time-{fold}-test.txt"], files[f"event-{fold}-test.txt"])
        for fold in range(1, 6)
    ]
    test, *others = folds
    seen = {(times.tobytes(), marks.tobytes()) for times, marks in test}
    train = []
    for times, marks in (user for fold in others for user in fold):
        key = (times.tobytes(), marks.tobytes())
        if key not in seen:
            seen.add(key)
            train.append((times, marks))
    return train, test


def _mark_names(path: Path) -> dict[int, str]:
    names: dict[int, str] = {}
    for number, row in enumerate(csv.reader(lines(path)), start=1):
        if number == 1:
            continue
        try:
            names[int(row[0])] = row[1].strip()
        except (ValueError, IndexError):
            raise OctavoError(
                f"{path}, line {number}: {','.join(row)!r}; expected a number and a name"
            ) from None
    return names


def _parse(line: str, dtype: type, where: str) -> np.ndarray:
    try:
        values: np.ndarray = np.array(line.split(), dtype=dtype)
    except ValueError as error:
        raise OctavoError(f"{where}: not a number ({error})") from None
    if not len(values):
        raise OctavoError(f"{where}: no event; every line is a user with at least one")
    return values
