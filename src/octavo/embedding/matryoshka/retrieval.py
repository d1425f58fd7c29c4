"""Nearest neighbours found with few dimensions and ranked with many."""

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from numbers import Integral
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from octavo.embedding.matryoshka.dims import checked_dims, truncate
from octavo.errors import Missing

IndexName = Literal["flat", "hnsw", "faiss"]
BLOCK = 64
"""Scores that share one maximum in the search for the largest."""
SCORES_AT_ONCE = 2_000_000


class SearchResult(NamedTuple):
    """The nearest vectors of each query, best first.

    Args:
        ids: rows of the database.
        scores: cosine similarities at the last size that ranked them.
        flops: multiply-adds a query, of the search and of all rankings.
    """

    ids: Int[np.ndarray, "queries k"]
    scores: Float[np.ndarray, "queries k"]
    flops: float


class _Vectors:
    """A database whose prefixes lie in memory by themselves, normalised at every size."""

    def __init__(self, vectors: Any, dims: Sequence[int], index: IndexName) -> None:
        whole = torch.as_tensor(vectors, dtype=torch.float32)
        if whole.ndim != 2 or not len(whole):
            raise ValueError(f"vectors (n, d) are needed, got an array of shape {tuple(whole.shape)}")
        if not whole.isfinite().all():
            raise ValueError("the database holds numbers that are not finite")
        self.dims = checked_dims(dims)
        if self.dims[-1] > whole.shape[1]:
            raise ValueError(f"dims={self.dims} goes beyond the vectors, which have {whole.shape[1]} numbers")
        if index not in ("flat", "hnsw", "faiss"):
            raise ValueError(f"index={index!r} must be 'flat', 'hnsw' or 'faiss'")
        self.index: IndexName = index
        self._whole = whole
        self._rows: dict[int, Tensor] = {}
        self._columns: dict[int, Tensor] = {}
        self._indexes: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._whole)

    def check(self, dim: int) -> int:
        """The size, once it is known to be one that the vectors have."""
        if not 1 <= dim <= self._whole.shape[1]:
            raise ValueError(f"size {dim} cannot be cut from vectors of {self._whole.shape[1]} numbers")
        return dim

    def rows(self, dim: int) -> Float[Tensor, "n dim"]:
        """A prefix as an array of its own: a slice of the whole would read the rest from memory as well."""
        if dim not in self._rows:
            self._rows[dim] = truncate(self._whole, self.check(dim)).contiguous()
        return self._rows[dim]

    def search(
        self, queries: Float[Tensor, "queries d"], dim: int, k: int
    ) -> tuple[Float[Tensor, "queries k"], Int[Tensor, "queries k"], float]:
        """The k nearest at one size: similarities, rows, multiply-adds a query."""
        cut = truncate(queries, self.check(dim)).contiguous()
        if self.index == "flat":
            scores, ids = self._exact(cut, k)
            return scores, ids, float(dim * len(self))
        return self._by_faiss(cut, k)

    def _exact(
        self, queries: Float[Tensor, "queries dim"], k: int
    ) -> tuple[Float[Tensor, "queries k"], Int[Tensor, "queries k"]]:
        dim = queries.shape[1]
        if dim not in self._columns:
            # One dimension after the other: a single query then runs along memory, many times as fast.
            columns = truncate(self._whole, dim).mT
            padding = columns.new_zeros(dim, -len(self) % BLOCK)
            self._columns[dim] = torch.cat([columns, padding], dim=1).contiguous()
        columns = self._columns[dim]
        found = []
        for some in queries.split(max(1, SCORES_AT_ONCE // columns.shape[1])):
            scores = some @ columns
            scores[:, len(self) :] = -torch.inf
            found.append(largest(scores, k))
        return torch.cat([values for values, _ in found]), torch.cat([ids for _, ids in found])

    def _by_faiss(
        self, queries: Float[Tensor, "queries dim"], k: int
    ) -> tuple[Float[Tensor, "queries k"], Int[Tensor, "queries k"], float]:
        try:
            faiss: Any = import_module("faiss")
        except ImportError as error:
            raise Missing(
                "faiss", f"index={self.index!r} is that of faiss: `pip install 'octavo[retrieval]'`."
            ) from error
        dim = queries.shape[1]
        if dim not in self._indexes:
            if self.index == "hnsw":
                made = faiss.IndexHNSWFlat(dim, 32, faiss.METRIC_INNER_PRODUCT)
            else:
                made = faiss.IndexFlatIP(dim)
            made.add(self.rows(dim).cpu().numpy())
            self._indexes[dim] = made
        index = self._indexes[dim]
        asked = queries.cpu().numpy()
        if self.index == "faiss":
            scores, ids = (torch.from_numpy(each).to(queries.device) for each in index.search(asked, k))
            return scores, ids, float(dim * len(self))
        # A list as long as what is asked for is the least that can hold it.
        index.hnsw.efSearch = max(k, 64)
        faiss.cvar.hnsw_stats.reset()
        scores, ids = (torch.from_numpy(each).to(queries.device) for each in index.search(asked, k))
        compared = faiss.cvar.hnsw_stats.ndis / max(1, len(queries))
        return scores, ids, float(dim * compared)

    def ranked(
        self, queries: Float[Tensor, "queries d"], ids: Int[Tensor, "queries listed"], dim: int, k: int
    ) -> tuple[Float[Tensor, "queries k"], Int[Tensor, "queries k"]]:
        """The k best of each query's list at another size."""
        cut = truncate(queries, self.check(dim))
        rows = self.rows(dim)
        best = []
        # Query by query, so that the list's vectors stay in the cache.
        for query, listed in zip(cut, ids, strict=True):
            # HNSW fills up with -1 where it found fewer.
            scores = rows.index_select(0, listed.clamp_min(0)) @ query
            scores = scores.masked_fill(listed < 0, -torch.inf)
            values, places = scores.topk(k)
            best.append((values, listed[places]))
        if not best:
            return cut.new_zeros(0, k), ids[:, :k]
        return torch.stack([values for values, _ in best]), torch.stack([listed for _, listed in best])

    def queries(self, q: Any) -> Float[Tensor, "queries d"]:
        """Queries as float32 rows beside the database, as wide as it or wider than its largest size."""
        queries = torch.as_tensor(q, dtype=torch.float32, device=self._whole.device)
        if queries.ndim == 1:
            queries = queries[None]
        if queries.ndim != 2 or queries.shape[1] != self._whole.shape[1]:
            wanted = self._whole.shape[1]
            raise ValueError(f"queries of {wanted} numbers are needed, got shape {tuple(queries.shape)}")
        if not queries.isfinite().all():
            raise ValueError("a query holds numbers that are not finite")
        return queries


def largest(scores: Float[Tensor, "rows n"], k: int) -> tuple[Float[Tensor, "rows k"], Int[Tensor, "rows k"]]:
    """The k largest of each row, best first, exactly, without ordering the row.

    The k largest lie in the k blocks with the largest maxima, so only these blocks are looked through.

    Args:
        scores: a multiple of `BLOCK` wide.
        k: how many.

    Example:
        >>> values, places = largest(torch.arange(2560.0)[None], 2)
        >>> places
        tensor([[2559, 2558]])
    """
    number = scores.shape[1] // BLOCK
    if not len(scores):
        return scores.new_zeros(0, k), torch.zeros(0, k, dtype=torch.long, device=scores.device)
    within = torch.arange(BLOCK, device=scores.device)
    found = []
    # Row by row: torch orders many rows at once several times as slowly.
    for row in scores:
        if 8 * k >= number:
            found.append(row.topk(k))
            continue
        blocks = rearrange(row, "(blocks within) -> blocks within", within=BLOCK)
        chosen = blocks.amax(dim=1).topk(k).indices
        values, places = blocks.index_select(0, chosen).flatten().topk(k)
        candidates = (BLOCK * chosen[:, None] + within).flatten()
        found.append((values, candidates[places]))
    return torch.stack([values for values, _ in found]), torch.stack([places for _, places in found])


class AdaptiveRetriever:
    """Shortlists with few dimensions and ranks the shortlist with many.

    Args:
        vectors: the database ``(n, d)``, a tensor on any device or an array; prefixes are normalised here.
        dims: the nesting list.
        index: what makes the shortlist: exact search here, or that of faiss, or its graph HNSW32.

    Raises:
        ValueError: vectors or dims are not as they should be.
        Missing: faiss is asked for and not installed.

    Example:
        >>> vectors = torch.randn(1000, 32, generator=torch.Generator().manual_seed(0))
        >>> found = AdaptiveRetriever(vectors, [8, 16, 32]).search(vectors[:2], k=1, shortlist=50)
        >>> found.ids.tolist(), found.flops
        ([[0], [1]], 9600.0)

    Source: arXiv 2205.13147, section 4.3.1.
    """

    def __init__(self, vectors: Any, dims: Sequence[int], index: IndexName = "flat") -> None:
        self._vectors = _Vectors(vectors, dims, index)
        self.dims = self._vectors.dims

    def search(
        self, q: Any, k: int = 10, *, shortlist: int = 200, low: int | None = None, high: int | None = None
    ) -> SearchResult:
        """The k nearest vectors of each query.

        Args:
            q: queries ``(queries, d)``, or one ``(d,)``.
            k: neighbours a query.
            shortlist: candidates that are ranked again; the whole database makes the search exact.
            low: size of the shortlist's search; the smallest of `dims` unless given. Any size will do.
            high: size that ranks; the largest unless given. Equal to `low`, nothing is ranked again.

        Raises:
            ValueError: shortlist < k, k beyond the database, a size that the vectors do not have, or queries
                that are not as wide as they or not finite.
        """
        low = self._vectors.check(self.dims[0] if low is None else low)
        high = self._vectors.check(self.dims[-1] if high is None else high)
        listed = _checked_list(k, shortlist, len(self._vectors))
        queries = self._vectors.queries(q)
        if low == high:
            scores, ids, flops = self._vectors.search(queries, low, k)
            return _result(ids, scores, flops)
        _, ids, flops = self._vectors.search(queries, low, listed)
        scores, ids = self._vectors.ranked(queries, ids, high, k)
        return _result(ids, scores, flops + high * listed)


class FunnelRetriever:
    """Shortlists with the fewest dimensions, then doubles them while it halves the list.

    Args:
        vectors: the database ``(n, d)``, a tensor on any device or an array; prefixes are normalised here.
        dims: the sizes of the funnel in turn: the first searches, the others rank.
        index: what makes the first list: exact search here, or that of faiss, or its graph HNSW32.

    Raises:
        ValueError: vectors or dims are not as they should be.
        Missing: faiss is asked for and not installed.

    Example:
        >>> vectors = torch.randn(1000, 32, generator=torch.Generator().manual_seed(0))
        >>> found = FunnelRetriever(vectors, [8, 16, 32]).search(vectors[:2], k=5, shortlist=64)
        >>> found.ids[:, 0].tolist(), found.flops
        ([0, 1], 10048.0)

    Source: arXiv 2205.13147, section 4.3.1 and the appendix on funnel retrieval.
    """

    def __init__(self, vectors: Any, dims: Sequence[int], index: IndexName = "flat") -> None:
        self._vectors = _Vectors(vectors, dims, index)
        self.dims = self._vectors.dims

    def search(
        self, q: Any, k: int = 10, *, shortlist: int = 200, lists: Sequence[int] | None = None
    ) -> SearchResult:
        """The k nearest vectors of each query.

        Args:
            q: queries ``(queries, d)``, or one ``(d,)``.
            k: neighbours a query.
            shortlist: candidates of the first search; each ranking sees half as many as the one before.
            lists: how many each ranking sees, in place of the halves: as (200, 100, 50, 25, 10) in the paper.

        Raises:
            ValueError: shortlist < k, k beyond the database, or lists that grow or are not
                as many as the rankings.
        """
        listed = _checked_list(k, shortlist, len(self._vectors))
        sizes = self.dims[1:]
        if lists is None:
            lists = [max(k, listed >> step) for step in range(len(sizes))]
        if len(lists) != len(sizes) or any(a < b for a, b in pairwise(lists)):
            raise ValueError(
                f"lists={tuple(lists)} must be {len(sizes)} falling numbers, one for each of {sizes}"
            )
        lists = [_checked_list(k, number, len(self._vectors)) for number in lists]
        queries = self._vectors.queries(q)
        if not sizes:
            lists = [k]
        scores, ids, flops = self._vectors.search(queries, self.dims[0], lists[0])
        for place, dim in enumerate(sizes):
            flops += dim * lists[place]
            kept = lists[place + 1] if place + 1 < len(sizes) else k
            scores, ids = self._vectors.ranked(queries, ids, dim, kept)
        return _result(ids, scores, flops)


def _result(ids: Int[Tensor, "queries k"], scores: Float[Tensor, "queries k"], flops: float) -> SearchResult:
    return SearchResult(ids.cpu().numpy(), scores.cpu().numpy(), flops)


def _checked_list(k: int, shortlist: int, n: int) -> int:
    if any(isinstance(number, bool) or not isinstance(number, Integral) for number in (k, shortlist)):
        raise ValueError(f"k={k} and the shortlist of {shortlist} must be whole numbers")
    if k < 1 or k > n:
        raise ValueError(f"k={k} neighbours cannot be found among {n} vectors")
    if shortlist < k:
        raise ValueError(f"shortlist={shortlist} is shorter than k={k}; make it longer")
    return min(shortlist, n)


def average_precision(
    relevant: Float[np.ndarray, "queries k"] | Int[np.ndarray, "queries k"],
) -> Float[np.ndarray, " queries"]:
    """AP@k of ranked lists, as the paper's code computes it: precision at each hit, over k.

    Args:
        relevant: 1 where the neighbour of that rank is of the query's class.

    Example:
        >>> average_precision(np.array([[1, 0, 1, 0]]))
        array([0.41666667])
    """
    hits = np.asarray(relevant, dtype=np.float64)
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return cast(np.ndarray, (precision * hits).sum(axis=1) / hits.shape[1])
