from dataclasses import replace
from pathlib import Path

import pytest
import torch

from octavo import data
from octavo.errors import OctavoError


def entry() -> data.Entry:
    return replace(data.entry("easyocr_english"), package="")


def test_tensors_are_read_by_their_names(folders: Path) -> None:
    (folders / "easyocr").mkdir()
    torch.save({"module.weight": torch.ones(2)}, folders / "easyocr" / "english_g2.pth")
    assert data.load(entry())["module.weight"].tolist() == [1.0, 1.0]


def test_nothing_but_tensors_is_unpickled(folders: Path) -> None:
    (folders / "easyocr").mkdir()
    torch.save({"module.weight": Path("anything")}, folders / "easyocr" / "english_g2.pth")
    with pytest.raises(OctavoError, match="is not a checkpoint of tensors"):
        data.load(entry())
