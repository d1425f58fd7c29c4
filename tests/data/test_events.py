import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo import data
from octavo.data.events import EventSequence, pad_events
from octavo.errors import OctavoError

BADGES = "id, badge\n2, Good Answer\n1, Nice Question\n3, Guru\n"


def user(number: int) -> tuple[str, str]:
    """Three events with gaps of 10 and 30, which is a mean gap of 20."""
    return f"{1000 + number}.0 {1010 + number}.0 {1040 + number}.0", "1 3 2"


def place(folders: Path, **changed: str) -> Path:
    folder = folders / "stackoverflow_badges"
    folder.mkdir()
    files = {
        "train.time": "\n".join(user(number)[0] for number in range(20)) + "\n",
        "train.event": "\n".join(user(number)[1] for number in range(20)) + "\n",
        "test.time": "500 600\n",
        "test.event": "2 1\n",
        **{name.replace("_", "."): text for name, text in changed.items()},
    }
    for name, text in files.items():
        (folder / f"{name}.txt.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "badges.csv").write_text(BADGES)
    return folder


def test_events_are_read_rescaled_and_split(folders: Path) -> None:
    place(folders)
    events = data.load("StackOverflow")
    assert events.mark_names == ("Nice Question", "Good Answer", "Guru")
    assert events.n_marks == 3
    assert events.scale == 20.0
    assert [len(part) for part in (events.train, events.validation, events.test)] == [18, 2, 1]
    first = events.train[0]
    assert first.times.tolist() == [0.0, 0.5, 2.0]
    assert first.marks.tolist() == [0, 2, 1]
    assert (first.start, first.end) == (1000.0, 2.0)
    # The tenth and the twentieth user are held out.
    assert [sequence.start for sequence in events.validation] == [1009.0, 1019.0]
    assert events.test[0].times.tolist() == [0.0, 5.0]


def test_the_scale_is_of_the_users_that_stay_in_training(folders: Path) -> None:
    times = [user(number)[0] for number in range(20)]
    times[9] = "0 1 1000000"
    place(folders, train_time="\n".join(times) + "\n")
    assert data.load("StackOverflow").scale == 20.0


def test_the_public_folds_make_the_same_set_as_the_joined_files(folders: Path) -> None:
    folder = folders / "stackoverflow_badges"
    folder.mkdir()
    (folder / "badges.csv").write_text(BADGES)
    folds = {1: [100], 2: [0, 1, 100], 3: [2, 1], 4: [3], 5: [0, 4]}
    for fold, users in folds.items():
        (folder / f"time-{fold}-test.txt").write_text("".join(user(number)[0] + " \n" for number in users))
        (folder / f"event-{fold}-test.txt").write_text("".join(user(number)[1] + " \n" for number in users))
    events = data.load("StackOverflow")
    assert [sequence.start for sequence in events.train] == [1000.0, 1001.0, 1002.0, 1003.0, 1004.0]
    assert [sequence.start for sequence in events.test] == [1100.0]
    assert not data.available("StackOverflowFull")
    (folder / "time-1-train.txt").write_text(user(0)[0] + "\n" + user(7)[0] + "\n")
    (folder / "event-1-train.txt").write_text(user(0)[1] + "\n" + user(7)[1] + "\n")
    assert [sequence.start for sequence in data.load("StackOverflowFull").train] == [1000.0, 1007.0]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"test_time": "500 500\n"}, r"test.time.txt.gz, line 1: times must increase and be finite; event 2"),
        ({"test_time": "500\n"}, r"test.time.txt.gz, line 1: 1 times, but 2 events"),
        ({"test_time": "500 x\n"}, r"test.time.txt.gz, line 1: not a number"),
        ({"test_time": "500 nan\n"}, r"test.time.txt.gz, line 1: times must increase"),
        ({"test_time": "inf\n", "test_event": "1\n"}, r"times must increase and be finite; event 1"),
        ({"test_event": "2 1.5\n"}, r"test.event.txt.gz, line 1: not a number"),
        ({"test_event": "0 1\n"}, r"test.event.txt.gz, line 1: the mark 0; marks are counted from 1"),
        ({"test_time": "500 600\n\n", "test_event": "1 2\n\n"}, r"test.time.txt.gz, line 2: no event"),
        ({"test_time": "500 600\n1 2\n"}, "2 users, but 1 in test.event.txt.gz"),
        ({"test_time": "", "test_event": ""}, "no users"),
    ],
)
def test_corrupt_files_are_named_with_their_line(folders: Path, changed: dict[str, str], told: str) -> None:
    place(folders, **changed)
    with pytest.raises(OctavoError, match=told):
        data.load("StackOverflow")


def test_a_corrupt_table_of_names_is_named(folders: Path) -> None:
    (place(folders) / "badges.csv").write_text("id, badge\nGuru\n")
    with pytest.raises(OctavoError, match=r"badges.csv, line 2: 'Guru'; expected a number and a name"):
        data.load("StackOverflow")


@settings(deadline=None)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=5), st.one_of(st.none(), st.integers(1, 9)))
def test_padding_keeps_the_events_and_never_goes_back_in_time(counts: list[int], length: int | None) -> None:
    random = np.random.default_rng(1)
    sequences = [
        EventSequence(np.cumsum(random.uniform(0.1, 1, count)), random.integers(0, 4, count), 0.0, 9.0)
        for count in counts
    ]
    times, marks, valid = pad_events(sequences, length)
    assert (
        times.shape == marks.shape == valid.shape == (len(counts), max(counts) if length is None else length)
    )
    assert (times.diff(dim=1) >= 0).all()
    for row, sequence in enumerate(sequences):
        kept = int(valid[row].sum())
        assert kept == min(len(sequence), times.shape[1])
        assert valid[row, :kept].all()
        assert np.allclose(times[row, :kept].numpy(), sequence.times[:kept])
        assert marks[row, :kept].tolist() == sequence.marks[:kept].tolist()
