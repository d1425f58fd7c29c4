"""The search of the page and of the command line: words and meaning, fused, each rank explained."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from octavo import data
from octavo.page.search.encoders import Encoder, EncoderLost, MiniLM
from octavo.page.search.fusion import standardised as fused
from octavo.page.search.keyword import KeywordIndex
from octavo.page.search.marking import Marker, Snippet
from octavo.page.search.meaning import Vectors, vectors_of
from octavo.page.search.query import Query, parse, tokenise
from octavo.page.search.similar import spread_out
from octavo.page.search.vectors import FloatArray
from octavo.page.store import Filters, ListedPaper, Store

Mode = Literal["hybrid", "words", "meaning"]
BROAD = 100_000
"""Rows of a filter up to which they are searched alone."""
DEPTH = 200
"""How many papers each list brings to the fusion."""
KNOWN = 10_000
"""Queries whose vectors are kept, of 1.5 kB each: encoding one takes longer than the rest of its search."""
WAITING = 16
"""Queries that may wait for their vectors at a time."""
FRESH, MOST_FILTERS = 10.0, 32
"""Seconds that the rows of a filter are kept, and filters that are kept."""


@dataclass(frozen=True)
class Hit:
    """One paper of a result, and why it stands where it does.

    Args:
        paper: the paper.
        score: by which the result is ordered.
        word_rank, meaning_rank: its place in each list, from 1; None where the list does not have it.
        similarity: the cosine to the query, None without a vector.
        words: which words of the query its title, authors and abstract have.
        snippet: where in the abstract.
    """

    paper: ListedPaper
    score: float
    word_rank: int | None = None
    meaning_rank: int | None = None
    similarity: float | None = None
    words: tuple[str, ...] = ()
    snippet: Snippet | None = None

    @property
    def why(self) -> str:
        """Why this rank, as a sentence."""
        parts = []
        if self.word_rank is not None:
            parts.append(
                f"{_nth(self.word_rank)} by words" + (f" ({', '.join(self.words)})" if self.words else "")
            )
        if self.meaning_rank is not None and self.similarity is not None:
            parts.append(f"{_nth(self.meaning_rank)} by meaning (cosine {self.similarity:.2f})")
        return "; ".join(parts) or "named by its id"


@dataclass(frozen=True)
class Results:
    """One page of what a search found.

    Args:
        query: as it was understood.
        mode: how it was searched; `words` where the encoder is not there yet.
        hits: this page.
        found: how many the lists brought in all.
    """

    query: Query
    mode: Mode
    hits: tuple[Hit, ...] = ()
    found: int = 0


@dataclass
class Search:
    """Searches a store.

    Args:
        store: the papers.
        vectors: their vectors; those of the store where it is left out.
        load: makes the encoder of queries; None searches by words alone. It is called once, by `warm` or by
        the
            first search that needs it.
    """

    store: Store
    vectors: Vectors | None = None
    load: Callable[[], Encoder] | None = None
    _encoder: Encoder | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[str, FloatArray] = field(default_factory=dict)
    _filtered: dict[Filters, tuple[float, NDArray[np.int64] | None]] = field(default_factory=dict)
    _aside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(WAITING, "query"))

    def __post_init__(self) -> None:
        if self.vectors is None:
            self.vectors = vectors_of(self.store)
        self.words = KeywordIndex(self.store.database)

    @property
    def ready(self) -> bool:
        """Whether a search by meaning would be answered now."""
        return self._encoder is not None and not self._index.empty

    @property
    def encoder(self) -> Encoder | None:
        """The encoder, where it is loaded."""
        return self._encoder

    @property
    def _index(self) -> Vectors:
        """The vectors as they stand; a newer index takes the place of this one whole."""
        assert self.vectors is not None
        self.vectors = self.vectors.current()
        return self.vectors

    def warm(self, *, wait: bool = False) -> None:
        """Loads the encoder, in the background unless `wait`; searches by words are answered meanwhile.

        What the most frequent words find is read in the background too.
        """
        if not wait:
            threading.Thread(target=self.words.warm, daemon=True).start()
        if wait:
            self._load()
        elif self.load is not None and self._encoder is None:
            threading.Thread(target=self._load, daemon=True).start()

    def _load(self) -> None:
        with self._lock:
            if self._encoder is None and self.load is not None:
                self._encoder = self.load()

    def _lost(self) -> None:
        """The encoder is gone: words are searched until another one is loaded."""
        self._encoder = None
        self.warm()

    def search(
        self,
        typed: str,
        filters: Filters | None = None,
        *,
        mode: Mode = "hybrid",
        limit: int = 20,
        offset: int = 0,
    ) -> Results:
        """The papers that a text finds.

        Args:
            typed: what a person typed; see `octavo.page.search.query.parse`.
            filters: what the search is narrowed to besides.
            mode: by words, by meaning or both.
            limit, offset: which part of the result.
        """
        query = parse(typed, filters)
        if query.id is not None:
            paper = self.store.papers.get(query.id)
            return Results(query, "words", (Hit(paper, 1.0),) if paper else (), int(paper is not None))
        if query.empty:
            papers = self.store.papers.listed(query.filters, limit=limit, offset=offset)
            hits = tuple(Hit(paper, paper.heat) for paper in papers)
            return Results(query, "words", hits, self.store.papers.count(query.filters))
        narrowed = None if query.filters.empty else query.filters
        among = self._among(narrowed) if narrowed else None
        by_meaning = mode != "words" and self.ready and bool(query.text)
        # The encoder works elsewhere while words are looked for here.
        vector = self._aside.submit(self._vector, query.text) if by_meaning else None
        words = (
            self.words.search(query, narrowed, DEPTH, among) if mode != "meaning" or not by_meaning else []
        )
        try:
            meaning = self._by_meaning(query, vector.result(), narrowed, among) if vector else []
        except EncoderLost:
            self._lost()
            meaning = []
        if meaning and words:
            order = fused(words, meaning)
        else:
            order = meaning or words
        shown = order[offset : offset + limit]
        there = {paper.row: paper for paper in self.store.papers.by_rows([row for row, _ in shown])}
        word_ranks = {row: rank for rank, (row, _) in enumerate(words, start=1)}
        meaning_ranks = {row: rank for rank, (row, _) in enumerate(meaning, start=1)}
        cosines = dict(meaning)
        marker = Marker(query)
        hits = tuple(
            Hit(
                there[row],
                score,
                word_ranks.get(row),
                meaning_ranks.get(row),
                cosines.get(row),
                marker.words(there[row]),
                marker.snippet(there[row].abstract),
            )
            for row, score in shown
            if row in there
        )
        used: Mode = "hybrid" if words and meaning else "meaning" if meaning else "words"
        return Results(query, used, hits, len(order))

    def _among(self, filters: Filters) -> NDArray[np.int64] | None:
        """The rows that filters leave, kept for some seconds; None where they are very many."""
        begin = time.monotonic()
        known = self._filtered.get(filters)
        if known is None or begin - known[0] > FRESH:
            rows = self.store.papers.rows(filters, limit=BROAD + 1)
            known = begin, np.array(rows, np.int64) if len(rows) <= BROAD else None
            if len(self._filtered) >= MOST_FILTERS:
                self._filtered.clear()
            self._filtered[filters] = known
        return known[1]

    def _by_meaning(
        self, query: Query, vector: FloatArray, filters: Filters | None, among: NDArray[np.int64] | None
    ) -> list[tuple[int, float]]:
        found = self._nearest(vector, filters, among)
        if not query.without and not any(term.required for group in query.groups for term in group):
            return found
        # Operators are promises: what must or must not be there is asked of the words.
        papers = {paper.row: paper for paper in self.store.papers.by_rows([row for row, _ in found])}
        return [(row, score) for row, score in found if row in papers and _allowed(query, papers[row])]

    def _nearest(
        self, vector: FloatArray, filters: Filters | None, among: NDArray[np.int64] | None
    ) -> list[tuple[int, float]]:
        if filters is None or among is not None:
            return self._index.search(vector, DEPTH, among=among)
        # A filter that leaves very many is asked about the nearest papers only.
        near = self._index.search(vector, 5 * DEPTH)
        left = set(self.store.papers.rows(filters, among=[row for row, _ in near]))
        return [pair for pair in near if pair[0] in left][:DEPTH]

    def _vector(self, text: str) -> FloatArray:
        if (known := self._known.get(text)) is not None:
            return known
        if (encoder := self._encoder) is None:
            raise EncoderLost
        vector = encoder.encode([text])[0]
        with self._lock:
            if len(self._known) >= KNOWN:
                self._known.pop(next(iter(self._known)))
            self._known[text] = vector
        return vector

    def complete(self, typed: str, limit: int = 8) -> list[tuple[str, str]]:
        """(id, title) of papers whose title begins to be typed."""
        return self.words.complete(typed, limit)

    def similar(self, paper: ListedPaper, limit: int = 6) -> list[tuple[ListedPaper, float]]:
        """Papers like one, with their cosine: near to it, and not all the same; none without a vector."""
        index = self._index
        if not index.tiers_of(np.array([paper.row], np.int64))[0]:
            return []
        found = index.near(paper.row, 60)
        chosen = spread_out(found, index.unit_vectors([row for row, _ in found]), limit)
        papers = {each.row: each for each in self.store.papers.by_rows([row for row, _ in chosen])}
        return [(papers[row], score) for row, score in chosen if row in papers]


def _allowed(query: Query, paper: ListedPaper) -> bool:
    texts = {
        "title": tokenise(paper.title),
        "authors": tokenise(" ".join(paper.authors)),
        "abstract": tokenise(paper.abstract),
    }

    def has(tokens: tuple[str, ...], where: str) -> bool:
        chosen = [texts[where]] if where else list(texts.values())
        size = len(tokens)
        return any(
            tuple(text[at : at + size]) == tokens for text in chosen for at in range(len(text) - size + 1)
        )

    if any(has(term.tokens, term.field) for term in query.without):
        return False
    required = [group for group in query.groups if any(term.required for term in group)]
    return all(any(has(term.tokens, term.field) for term in group) for group in required)


def _nth(rank: int) -> str:
    ending = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def search_of(store: Store, load: Callable[[], Encoder] = MiniLM) -> Search:
    """The search over a store: by meaning too where MiniLM is on this machine and the store has vectors.

    Args:
        store: the papers.
        load: makes the encoder; the page gives one in a process of its own.
    """
    return Search(store, load=load if data.available("minilm") else None)
