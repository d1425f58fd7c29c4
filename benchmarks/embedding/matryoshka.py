"""Matryoshka beside its peers: the official loop, sentence-transformers' loss, and the indexes of faiss.

    python benchmarks/embedding/matryoshka.py

One process, one thread. Everything of one table runs in turn (A B C A B C ...), and medians are compared.
"""

import platform
from collections.abc import Callable, Mapping
from typing import Any

import faiss
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from sentence_transformers.sentence_transformer.losses import (
    MatryoshkaLoss as PeerMatryoshkaLoss,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch import Tensor, nn

from octavo.embedding import (
    AdaptiveRetriever,
    FunnelRetriever,
    MatryoshkaLinear,
    MatryoshkaLoss,
    MatryoshkaRankingLoss,
    nested_dims,
    truncate,
)
from octavo.lab import Timings, time_side_by_side

BATCH, WIDTH, CLASSES, TARGET = 256, 2048, 1000, 1.7
PAIRS, SENTENCE_WIDTH = 256, 768
VECTORS, SIZE, QUERIES = 200_000, 256, 20


def official_loop(z: Tensor, weight: Tensor, bias: Tensor, y: Tensor, dims: tuple[int, ...]) -> Tensor:
    """MRL-E as the official code computes it: one product of slices a size, one loss each."""
    losses = [F.cross_entropy(z[:, :m] @ weight[:, :m].t() + bias, y) for m in dims]
    return torch.stack(losses).sum()


def with_gradients(loss: Callable[[], Tensor], leaves: list[Tensor]) -> Callable[[], None]:
    """Forward and backward."""

    def both() -> None:
        for leaf in leaves:
            leaf.grad = None
        loss().backward()

    return both


def largest_difference(one: Callable[[], Tensor], other: Callable[[], Tensor], leaves: list[Tensor]) -> float:
    """Between two losses and their gradients, relative to the largest gradient."""
    first, second = (torch.autograd.grad(loss(), leaves) for loss in (one, other))
    gaps = [((a - b).abs().max() / b.abs().max()).item() for a, b in zip(first, second, strict=True)]
    return max(*gaps, abs(one().item() / other().item() - 1))


def show(console: Console, title: str, timings: Timings, ours: str, peer: str, target: str) -> None:
    """A row a contestant, and the ratio that counts."""
    table = Table("", "median ms", "minimum ms", title=title)
    for name in timings.seconds:
        table.add_row(name, f"{1e3 * timings.median(name):.2f}", f"{1e3 * timings.minimum(name):.2f}")
    console.print(table)
    ratio = timings.ratio(peer, ours)
    console.print(f"{peer} / {ours}: {ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] (target {target})")
    if timings.busy:
        console.print("the machine is busy: these times are not to be trusted")


def heads(console: Console) -> None:
    """Logits of all sizes, their losses, and the gradients of both."""
    dims = nested_dims(WIDTH)
    head = MatryoshkaLinear(dims, CLASSES, efficient=True)
    criterion = MatryoshkaLoss()
    bias = head.bias
    assert bias is not None
    z, y = torch.randn(BATCH, WIDTH, requires_grad=True), torch.randint(CLASSES, (BATCH,))
    leaves = [z, head.weight, bias]

    def ours() -> Tensor:
        loss: Tensor = criterion(head(z), y)
        return loss

    def peer() -> Tensor:
        return official_loop(z, head.weight, bias, y, dims)

    console.print(f"largest relative difference: {largest_difference(ours, peer, leaves):.1e}")
    timings = time_side_by_side(
        {"prefix sums": with_gradients(ours, leaves), "official loop": with_gradients(peer, leaves)}
    )
    title = f"MRL-E, B={BATCH}, d={WIDTH}, C={CLASSES}, {len(dims)} sizes, forward and backward"
    show(console, title, timings, "prefix sums", "official loop", f">= {TARGET}")


class Embedded(nn.Module):
    """A stand-in for a SentenceTransformer whose embeddings are there already."""

    def forward(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """The features, as they came."""
        return dict(features)

    def get_embedding_dimension(self) -> int:
        """Their size."""
        return SENTENCE_WIDTH


def ranking(console: Console) -> None:
    """The in-batch ranking loss at all sizes, without the encoder."""
    dims = nested_dims(SENTENCE_WIDTH, smallest=12)
    a, b = (torch.randn(PAIRS, SENTENCE_WIDTH, requires_grad=True) for _ in range(2))
    model: Any = Embedded()
    nested, plain = MatryoshkaRankingLoss(dims), MultipleNegativesRankingLoss(model)
    peer_loss = PeerMatryoshkaLoss(model, plain, list(dims))

    def ours() -> Tensor:
        loss: Tensor = nested(a, b)
        return loss

    def peer() -> Tensor:
        loss: Tensor = peer_loss([{"sentence_embedding": a}, {"sentence_embedding": b}], torch.empty(0))
        return loss

    console.print(f"largest relative difference: {largest_difference(ours, peer, [a, b]):.1e}")
    timings = time_side_by_side(
        {
            "one Gram matrix": with_gradients(ours, [a, b]),
            "sentence-transformers": with_gradients(peer, [a, b]),
        },
        repeats=21,
    )
    title = f"nested ranking loss, {PAIRS} pairs, d={SENTENCE_WIDTH}, {len(dims)} sizes, forward and backward"
    show(console, title, timings, "one Gram matrix", "sentence-transformers", "> 1")


def retrieval(console: Console) -> None:
    """Ten neighbours of queries that come one at a time, and of all of them together."""
    faiss.omp_set_num_threads(1)
    # The spectrum falls, as that of trained embeddings does.
    scale = torch.arange(1, SIZE + 1) ** -0.5
    vectors = truncate(torch.randn(VECTORS, SIZE) * scale, SIZE)
    queries = truncate(vectors[:QUERIES] + 0.02 * torch.randn(QUERIES, SIZE), SIZE)
    dims = (16, 32, 64, 128, 256)
    flat, graph = AdaptiveRetriever(vectors, dims), AdaptiveRetriever(vectors, dims, "hnsw")
    funnel = FunnelRetriever(vectors, dims)
    exact, whole_graph = faiss.IndexFlatIP(SIZE), faiss.IndexHNSWFlat(SIZE, 32, faiss.METRIC_INNER_PRODUCT)
    exact.add(vectors.numpy())
    whole_graph.add(vectors.numpy())
    systems: dict[str, Callable[[Tensor], Any]] = {
        "matmul and topk": lambda q: (q @ vectors.mT).topk(10).indices.numpy(),
        "faiss flat": lambda q: exact.search(q.numpy(), 10)[1],
        "faiss HNSW32": lambda q: whole_graph.search(q.numpy(), 10)[1],
        "16 then 256": lambda q: flat.search(q, 10).ids,
        "funnel from 16": lambda q: funnel.search(q, 10).ids,
        "HNSW32 of 16, then 256": lambda q: graph.search(q, 10).ids,
    }
    true = systems["faiss flat"](queries)
    for name, run in systems.items():
        found = run(queries)
        share = sum(len(set(x) & set(t)) for x, t in zip(found, true, strict=True)) / true.size
        console.print(f"recall@10 of {name}: {share:.3f}")
    for title, batches in (("one query at a time", queries.split(1)), ("all together", [queries])):
        timings = time_side_by_side(
            {
                name: lambda run=run, batches=batches: [run(some) for some in batches]  # type: ignore[misc]
                for name, run in systems.items()
            }
        )
        whole = f"{QUERIES} queries, {VECTORS:,} vectors of {SIZE}, {title}"
        show(console, whole, timings, "16 then 256", "faiss flat", ">= 10 one at a time")


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    console = Console(width=120)
    console.print(f"torch {torch.__version__}, faiss {faiss.__version__}, {platform.machine()}, one thread")
    heads(console)
    ranking(console)
    retrieval(console)


if __name__ == "__main__":
    main()
