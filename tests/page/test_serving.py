"""The page put together: the application searches by the fused search, its job completes the vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from octavo.errors import OctavoError
from octavo.page import serving
from octavo.page.finding import LOADING, Fused, complete_vectors
from octavo.page.search import FULL, Search
from octavo.page.search.vectors import FloatArray
from octavo.page.settings import Settings, from_environment
from octavo.page.store import Filters, ListedPaper, Store


class Lengths:
    """Texts by their letters, which is enough to tell them apart."""

    tier = FULL

    def encode(self, texts: Sequence[str]) -> FloatArray:
        draw = [np.random.default_rng(crc32(text.encode())) for text in texts]
        return np.stack([each.normal(size=384) for each in draw]).astype(np.float32)


def test_a_finder_over_the_fused_search(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)
    search = Search(store, load=Lengths)
    finder = Fused(search)
    found = finder.find("study attention", Filters(), 2, 0)
    assert found.hits[0].id == "2401.00003"
    assert found.hits[0].snippet == "We [[study]] [[attention]] at depth 3."
    assert found.hits[0].why.startswith("1st by words (study, attention)")
    assert (found.more, found.note) == (True, LOADING)
    assert complete_vectors(search) == 6
    assert complete_vectors(search) == 0
    assert finder.find("study attention", Filters(), 10, 0).note == ""
    assert finder.find("study", Filters(category="cs.IR"), 10, 0).hits[0].id in (
        "2401.00002",
        "2401.00004",
        "2401.00006",
    )
    similar = finder.similar("2401.00001", 3)
    assert len(similar) == 3
    assert "2401.00001" not in similar
    assert finder.similar("no such", 3) == []


def test_without_an_encoder_words_are_all(store: Store, papers: list[ListedPaper], tmp_path: Path) -> None:
    store.papers.put(papers)
    search = Search(store)
    assert complete_vectors(search) == 0
    found = Fused(search).find("attention", Filters(), 5, 0)
    assert ([hit.id for hit in found.hits], found.note) == (["2401.00003"], "")


class Scheduled:
    """A page's settings and store, without the page."""

    def __init__(self, store: Store, *arxiv: str) -> None:
        self.settings = Settings("secret" * 8, arxiv=arxiv)
        self.store = store


def test_changes_of_arxiv_come_in_by_the_day_where_that_is_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def delta(_: Store, which: str, sleep: object) -> None:
        asked.append(which)
        if which == "cs":
            raise OctavoError("arXiv failed.")

    monkeypatch.setattr(serving, "import_delta", delta)
    page: Any = Scheduled(store, "cs", "stat")
    with pytest.raises(OctavoError, match="cs: arXiv failed"):
        serving.changes(page, asked.append)
    # One set that fails does not keep the others from coming in.
    assert asked == ["cs", 3.0, "stat"]
    assert from_environment(dev=True, environment={}).arxiv == ()
    assert from_environment(dev=True, environment={"OCTAVO_PAGE_ARXIV": "cs,stat"}).arxiv == ("cs", "stat")


@pytest.mark.parametrize("arxiv", [(), ("cs",)])
def test_the_scheduler_has_the_job_only_then(
    store: Store, arxiv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from apscheduler.schedulers.background import BackgroundScheduler

    hours: list[object] = []
    monkeypatch.setattr(BackgroundScheduler, "start", lambda self: None)
    monkeypatch.setattr(BackgroundScheduler, "shutdown", lambda self, wait: None)
    monkeypatch.setattr(
        BackgroundScheduler, "add_job", lambda self, job, *kind, **when: hours.append(when.get("hour"))
    )
    page: Any = Scheduled(store, *arxiv)
    page.finder = None
    serving._schedule(page)()
    assert (4 in hours) == bool(arxiv)
