import errno
import json
import logging
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.lab import checkpoint
from octavo.lab.checkpoint import Checkpoints


def two_saved(folder: Path) -> Checkpoints:
    checkpoints = Checkpoints(folder)
    for step in (10, 20):
        checkpoints.save(step, {"step": step, "weight": torch.full((4,), float(step))})
    return checkpoints


def test_the_newest_is_loaded_and_two_are_kept(tmp_path: Path) -> None:
    checkpoints = two_saved(tmp_path)
    checkpoints.save(30, {"step": 30, "weight": torch.zeros(1)})
    state = checkpoints.load()
    assert state is not None
    assert state["step"] == 30
    assert sorted(path.name for path in tmp_path.glob("step-*")) == [f"step-{step:012d}" for step in (20, 30)]
    assert (tmp_path / "latest").read_text() == f"step-{30:012d}"


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "nowhere").load() is None
    assert Checkpoints(tmp_path / "nowhere").load_final() is None


FILES = ("tensors.safetensors", "state.json", "checksums.json")


@settings(max_examples=25, deadline=None)
@given(file=st.sampled_from(FILES), share=st.floats(0, 1, exclude_max=True))
def test_truncated_at_any_byte_falls_back(
    tmp_path_factory: pytest.TempPathFactory, file: str, share: float
) -> None:
    checkpoints = two_saved(tmp_path_factory.mktemp("cut"))
    path = checkpoints.folder / f"step-{20:012d}" / file
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    state = checkpoints.load()
    assert state is not None
    assert state["step"] == 10
    assert state["weight"].tolist() == [10.0] * 4


@settings(max_examples=25, deadline=None)
@given(file=st.sampled_from(FILES), share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_loaded(
    tmp_path_factory: pytest.TempPathFactory, file: str, share: float, bit: int
) -> None:
    checkpoints = two_saved(tmp_path_factory.mktemp("flip"))
    path = checkpoints.folder / f"step-{20:012d}" / file
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 1 << bit
    path.write_bytes(content)
    state = checkpoints.load()
    assert state is not None
    # A flipped bit in the white space between two checksums leaves them as they were.
    assert state["weight"].tolist() == [float(state["step"])] * 4


def test_a_damaged_checkpoint_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = two_saved(tmp_path)
    (tmp_path / f"step-{20:012d}" / "state.json").write_text("{}")
    with caplog.at_level(logging.WARNING):
        checkpoints.load()
    assert "state.json" in caplog.text
    assert "is damaged" in caplog.text
    assert "falling back" in caplog.text


def test_all_damaged_is_none(tmp_path: Path) -> None:
    checkpoints = two_saved(tmp_path)
    for path in tmp_path.glob("step-*/state.json"):
        path.write_text("")
    assert checkpoints.load() is None


def test_a_damaged_checkpoint_is_replaced(tmp_path: Path) -> None:
    checkpoints = two_saved(tmp_path)
    (tmp_path / f"step-{20:012d}" / "state.json").write_text("")
    checkpoints.save(20, {"step": 20, "again": True})
    state = checkpoints.load()
    assert state == {"step": 20, "again": True}


@pytest.mark.parametrize("written", range(4))
def test_a_full_disk_is_one_line_and_the_last_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    checkpoints = two_saved(tmp_path)
    files = []

    def full(path: Path, content: bytes) -> None:
        files.append(path)
        if len(files) > written:
            path.write_bytes(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        path.write_bytes(content)

    monkeypatch.setattr(checkpoint, "_write_file", full)
    with pytest.raises(OctavoError, match=r"No space left on device; free space") as caught:
        checkpoints.save(30, {"step": 30})
    assert "\n" not in str(caught.value)
    state = checkpoints.load()
    assert state is not None
    assert state["step"] == 20
    monkeypatch.undo()
    checkpoints.save(40, {"step": 40})
    assert not list(tmp_path.glob(".step-*"))


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    # A file where the folder should be: permissions do not stop a superuser.
    (tmp_path / "file").write_text("")
    with pytest.raises(OctavoError, match="cannot write a checkpoint"):
        Checkpoints(tmp_path / "file" / "run").save(1, {"step": 1})


def test_the_final_state_replaces_the_checkpoints(tmp_path: Path) -> None:
    checkpoints = two_saved(tmp_path)
    (tmp_path / ".step-000000000015").mkdir()
    checkpoints.save_final({"status": "done"})
    assert checkpoints.load_final() == {"status": "done"}
    assert checkpoints.load() is None
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_nothing_in_a_checkpoint_is_a_pickle(tmp_path: Path) -> None:
    two_saved(tmp_path)
    folder = tmp_path / f"step-{20:012d}"
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    json.loads((folder / "state.json").read_text())
