"""Vectors for the papers that have none yet, or one of a lower tier; stopped and started again it goes on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from octavo.page.search.encoders import Encoder, text_of
from octavo.page.search.meaning import Vectors
from octavo.page.store import ListedPaper, Store

SAMPLE = 5000
"""Papers from which the mean and the axes are taken."""
CHUNK = 1024
"""Papers whose vectors are written at a time."""


@dataclass(frozen=True)
class Embedded:
    """How many papers got a vector, and what calibration reached; NaN where it was not due."""

    papers: int
    recall: float = float("nan")


def embed(
    store: Store,
    index: Vectors,
    encoder: Encoder,
    *,
    limit: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Embedded:
    """Encodes every paper whose row has no vector of the encoder's tier or a higher one.

    Args:
        store: the papers.
        index: where the vectors go.
        encoder: makes them.
        limit: at most so many papers, for a job that should end.
        progress: is told how many are done.
    """
    if not index.fitted:
        _fit(store, index, encoder)
    done, at = 0, 0
    while limit is None or done < limit:
        papers = store.papers.after(at, CHUNK)
        if not papers:
            break
        at = papers[-1].row
        due = _due(index, papers, encoder.tier)[: None if limit is None else limit - done]
        if not due:
            continue
        vectors = encoder.encode([text_of(paper.title, paper.abstract) for paper in due])
        index.add([paper.row for paper in due], vectors, encoder.tier)
        done += len(due)
        if progress is not None:
            progress(done)
    if not done:
        return Embedded(0)
    return Embedded(done, index.tune())


def _due(index: Vectors, papers: list[ListedPaper], tier: int) -> list[ListedPaper]:
    there = index.tiers_of(np.array([paper.row for paper in papers], np.int64))
    return [paper for paper, known in zip(papers, there, strict=True) if known < tier]


def _fit(store: Store, index: Vectors, encoder: Encoder) -> None:
    """Takes the axes from papers spread over the whole store."""
    rows = store.papers.rows()
    if len(rows) < 2:
        return
    chosen = np.random.default_rng(0).permutation(rows)[:SAMPLE].tolist()
    papers = store.papers.by_rows(chosen)
    index.fit(encoder.encode([text_of(paper.title, paper.abstract) for paper in papers]))
