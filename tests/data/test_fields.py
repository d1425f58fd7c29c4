from pathlib import Path

import numpy as np
import pytest
import torch

from octavo import data
from octavo.errors import OctavoError


def put(folders: Path, kind: str, suffix: str, sizes: dict[str, int]) -> Path:
    """Tiny files of the published form, or of NumPy's."""
    folder = folders / "pde_small"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for name, size in sizes.items():
        if kind == "darcy":
            given = generator.random((3, size, size)) > 0.5
            solved = generator.random((3, size, size), dtype=np.float32)
        else:
            given, solved = generator.random((3, size)), generator.random((3, 17, size))
        if suffix == "npz":
            np.savez(folder / f"{kind}_{name}.npz", **{"a" if kind == "darcy" else "u0": given, "u": solved})
        else:
            torch.save(
                {"x": torch.from_numpy(given), "y": torch.from_numpy(solved)}, folder / f"{kind}_{name}.pt"
            )
    return folder


DARCY = {"train_16": 16, "test_16": 16, "test_32": 32}
BURGERS = {"train_16": 16, "test_16": 16}


@pytest.mark.parametrize("suffix", ["npz", "pt"])
def test_darcy_is_read_in_both_forms(folders: Path, suffix: str) -> None:
    put(folders, "darcy", suffix, DARCY)
    found = data.load("DarcySmall")
    a, u = found.train
    assert (a.shape, u.shape, a.dtype) == ((3, 1, 16, 16), (3, 1, 16, 16), torch.float32)
    assert set(a.unique().tolist()) == {0.0, 1.0}
    assert {size: pair[1].shape[-1] for size, pair in found.tests.items()} == {16: 16, 32: 32}


@pytest.mark.parametrize("suffix", ["npz", "pt"])
def test_burgers_is_read_in_both_forms(folders: Path, suffix: str) -> None:
    put(folders, "burgers", suffix, BURGERS)
    found = data.load("BurgersSmall")
    assert (found.train[0].shape, found.train[1].shape) == ((3, 1, 16), (3, 16, 16))
    assert list(found.tests) == [16]


def test_a_file_of_another_size_is_refused(folders: Path) -> None:
    put(folders, "darcy", "npz", {**DARCY, "test_32": 16})
    with pytest.raises(OctavoError, match="do not belong together on 32 points a side"):
        data.load("DarcySmall")


def test_a_file_that_is_cut_short_is_refused(folders: Path) -> None:
    folder = put(folders, "darcy", "npz", DARCY)
    whole = (folder / "darcy_test_16.npz").read_bytes()
    (folder / "darcy_test_16.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OctavoError, match="cannot be read"):
        data.load("DarcySmall")


def test_other_arrays_are_refused(folders: Path) -> None:
    folder = put(folders, "darcy", "npz", DARCY)
    np.savez(folder / "darcy_test_16.npz", pressure=np.zeros(3))
    with pytest.raises(OctavoError, match="it holds pressure; expected a and u"):
        data.load("DarcySmall")


def test_it_is_missing_where_a_file_is(folders: Path) -> None:
    (put(folders, "darcy", "npz", DARCY) / "darcy_test_32.npz").unlink()
    with pytest.raises(data.MissingData, match="octavo data get DarcySmall"):
        data.load("DarcySmall")
