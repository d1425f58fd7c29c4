from pathlib import Path

import numpy as np
import pytest

from octavo import data
from octavo.data import encoded


def test_vectors_are_computed_once(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def vectors(texts: list[str], *_: object) -> np.ndarray:
        asked.append(len(texts))
        return np.full((len(texts), 2), float(len(texts)), dtype=np.float32)

    monkeypatch.setattr(encoded, "_encoded", vectors)
    assert not data.encoded_before(["a", "b"])
    first = data.encode(["a", "b"])
    assert data.encoded_before(["a", "b"])
    assert (data.encode(("a", "b")) == first).all()
    data.encode(["b", "a"])
    data.encode(["ab", ""])
    assert asked == [2, 2, 2]
    data.encode(["alone"], keep=False)
    assert not data.encoded_before(["alone"])


def test_what_is_missing_is_said(folders: Path) -> None:
    with pytest.raises(data.MissingData):
        data.encode(["a"], data.Entry(
            name="none", kind="model", title="", licence="", origin="", homepage="",
            loader="octavo.data.sentence_models:load_sentence_model", folder="none", layouts=(("x",),),
        ))  # fmt: skip
