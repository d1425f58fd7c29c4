import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo import data
from octavo.errors import OctavoError

ETT_ROWS = 20 * 30 * 24


def ett_text(rows: int) -> str:
    hours = np.datetime64("2016-07-01T00:00:00") + np.arange(rows).astype("timedelta64[h]")
    lines = [f"{str(hour).replace('T', ' ')},{row}.5,{-row}.0" for row, hour in enumerate(hours)]
    return "\n".join(["date,HUFL,OT", *lines]) + "\n"


@pytest.fixture(scope="module")
def text() -> str:
    return ett_text(ETT_ROWS + 20)


def test_an_ett_file_is_read_with_the_standard_split(folders: Path, text: str) -> None:
    (folders / "ett").mkdir()
    (folders / "ett" / "ETTh1.csv.gz").write_bytes(gzip.compress(text.encode()))
    series = data.load("ETTh1")
    assert series.columns == ("HUFL", "OT")
    assert series.values.dtype == np.float32
    assert series.splits == {"train": (0, 8640), "validation": (8640, 11520), "test": (11520, 14400)}
    assert [len(series.part(part)) for part in ("train", "validation", "test")] == [8640, 2880, 2880]
    assert series.part("test")[0].tolist() == [11520.5, -11520.0]
    assert str(series.timestamps[25]) == "2016-07-02T01:00:00"


def test_plain_and_compressed_files_read_the_same(folders: Path, text: str) -> None:
    (folders / "ett").mkdir()
    (folders / "ett" / "ETTh1.csv.gz").write_bytes(gzip.compress(text.encode()))
    (folders / "ett" / "ETTh2.csv").write_text(text.replace("\n", "\r\n"))
    assert np.array_equal(data.load("ETTh1").values, data.load("ETTh2").values)


def test_standardising_uses_the_training_rows_alone(folders: Path, text: str) -> None:
    (folders / "ett").mkdir()
    (folders / "ett" / "ETTh1.csv").write_text(text)
    series = data.load("ETTh1")
    scaled = series.standardised()
    assert np.allclose(scaled.part("train").mean(axis=0), 0, atol=1e-5)
    assert np.allclose(scaled.part("train").std(axis=0), 1, atol=1e-5)
    train = series.part("train").astype(np.float64)
    expected = (series.part("test") - train.mean(axis=0)) / train.std(axis=0)
    assert np.allclose(scaled.part("test"), expected, rtol=1e-5)


def counting(length: int, start: int, stop: int) -> data.Series:
    values = np.stack([np.arange(length), -np.arange(length)], axis=1).astype(np.float32)
    return data.Series("counting", ("up", "down"), np.arange(length), values, {"test": (start, stop)})


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(1, 20), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
def test_windows_are_all_pairs_whose_horizon_lies_in_the_split(
    start: int, size: int, context: int, horizon: int, stride: int
) -> None:
    series = counting(50, start, start + size)
    firsts = [
        first
        for first in range(max(start - context, 0), 50, stride)
        if first + context + horizon <= start + size
    ]
    if not firsts:
        with pytest.raises(ValueError, match="use shorter ones"):
            series.windows("test", context, horizon, stride=stride)
        return
    x, y = series.windows("test", context, horizon, stride=stride)
    assert x.shape == (len(firsts), context, 2)
    assert y.shape == (len(firsts), horizon, 2)
    for row, first in enumerate(firsts):
        assert x[row, :, 0].tolist() == list(range(first, first + context))
        assert y[row, :, 1].tolist() == [-float(t) for t in range(first + context, first + context + horizon)]


def test_the_field_counts_2785_test_windows_of_96_to_96() -> None:
    x, _ = counting(14400, 11520, 14400).windows("test", 96, 96)
    assert len(x) == 2785


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_windows_of_no_size_are_refused(sizes: tuple[int, int, int]) -> None:
    context, horizon, stride = sizes
    with pytest.raises(ValueError, match="each must be at least 1"):
        counting(50, 0, 50).windows("test", context, horizon, stride=stride)


def test_other_dated_files_split_seven_one_two(folders: Path) -> None:
    (folders / "weather").mkdir()
    (folders / "weather" / "weather.csv").write_text(
        "date,p,T\n" + "".join(f"2020/1/{1 + row // 24} {row % 24}:00,{row},0.5\n" for row in range(101))
    )
    series = data.load("Weather")
    assert series.splits == {"train": (0, 70), "validation": (70, 81), "test": (81, 101)}
    assert str(series.timestamps[30]) == "2020-01-02T06:00:00"


def test_files_without_dates_get_them_from_their_entry(folders: Path) -> None:
    (folders / "multivariate").mkdir()
    (folders / "multivariate" / "exchange_rate.txt.gz").write_bytes(gzip.compress(b"0.5,1\n0.6,2\n0.7,3\n"))
    series = data.load("Exchange")
    assert series.values.tolist() == [[0.5, 1.0], [pytest.approx(0.6), 2.0], [pytest.approx(0.7), 3.0]]
    assert [str(time)[:10] for time in series.timestamps] == ["1990-01-01", "1990-01-02", "1990-01-03"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time,HUFL\n1,2\n", "line 1: the header is 'time,HUFL'; expected `date`"),
        ("", "line 1: the header is ''"),
        ("date,HUFL,OT\n2016-07-01 00:00:00,1\n", "line 2: 2 values under a header of 3"),
        ("date,HUFL\n2016-07-01 00:00:00,1\n2016-07-01 01:00:00,x\n", "line 3: not a number"),
        ("date,HUFL\n2016-07-01 00:00:00,nan\n", "line 2: a value is not finite"),
        ("date,HUFL\nyesterday,1\n", "a date is not of the form"),
        ("date,HUFL\n", "no rows"),
        ("date,HUFL\n2016-07-01 00:00:00,1\n", "1 rows, the standard split needs 14400"),
    ],
)
def test_a_corrupt_file_is_named_with_its_line(folders: Path, text: str, told: str) -> None:
    (folders / "ett").mkdir()
    (folders / "ett" / "ETTh1.csv").write_text(text)
    with pytest.raises(OctavoError, match=told) as caught:
        data.load("ETTh1")
    assert "ETTh1.csv" in str(caught.value)


def test_a_compressed_file_that_is_cut_short_is_a_clear_error(folders: Path, text: str) -> None:
    (folders / "ett").mkdir()
    path = folders / "ett" / "ETTh1.csv.gz"
    packed = gzip.compress(text.encode())
    for spoilt in (
        packed[: len(packed) // 2],
        b"no gzip at all",
        packed[:100] + b"\xff" * 100 + packed[200:],
    ):
        path.write_bytes(spoilt)
        with pytest.raises(OctavoError, match=r"ETTh1.csv.gz"):
            data.load("ETTh1")
