"""Matryoshka beside its peers: the official loop, sentence-transformers' loss, and the indexes of faiss.

    python benchmarks/embedding/matryoshka.py
    python benchmarks/embedding/matryoshka.py --official FOLDER

FOLDER holds `MRL.py` of github.com/RAIVNLab/MRL; without it the same loop written plainly stands in for the
authors' own. hnswlib is compared where it is installed.

One process, one thread. Everything of one table runs in turn (A B C A B C ...), and medians are compared. It
ends with an error where a result differs from the peer's by more than 1e-5, or a target is missed on a quiet
machine.
"""

import argparse
import importlib.util
import platform
import runpy
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import faiss
import numpy as np
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

BATCH, WIDTH, CLASSES = 256, 2048, 1000
TOLERANCE, FASTER_LOSS, FASTER_SEARCH = 1e-5, 1.7, 10
PAIRS, SENTENCE_WIDTH = 256, 768
VECTORS, SIZE, QUERIES = 200_000, 256, 20


def official_module(folder: Path) -> Any:
    """The authors' module of heads and losses."""
    return types.SimpleNamespace(**runpy.run_path(str(folder / "MRL.py")))


def official_loss(official: Any, head: MatryoshkaLinear, z: Tensor, y: Tensor) -> Callable[[], Tensor]:
    """The authors' own head and loss, on the parameters of ours."""
    layer = official.MRL_Linear_Layer(list(head.dims), head.num_classes, efficient=True)
    layer.nesting_classifier_0 = head.heads[0]
    criterion = official.Matryoshka_CE_Loss()

    def loss() -> Tensor:
        value: Tensor = criterion(layer(z), y)
        return value

    return loss


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


def equal(
    console: Console, one: Callable[[], Tensor], other: Callable[[], Tensor], leaves: list[Tensor]
) -> None:
    """Two losses and their gradients are the same."""
    gap = largest_difference(one, other, leaves)
    console.print(f"largest relative difference: {gap:.1e} (at most {TOLERANCE:.0e})")
    assert gap <= TOLERANCE, f"ours and the peer's differ by {gap:.1e}"


def show(
    console: Console, title: str, timings: Timings, ours: str, peer: str, target: float | None = None
) -> None:
    """A row a contestant, and the ratio that counts; with a target, it must be reached on a quiet machine."""
    table = Table("", "median ms", "minimum ms", title=title)
    for name in timings.seconds:
        table.add_row(name, f"{1e3 * timings.median(name):.2f}", f"{1e3 * timings.minimum(name):.2f}")
    console.print(table)
    ratio = timings.ratio(peer, ours)
    wanted = "no target" if target is None else f"target: >= {target}"
    console.print(f"{peer} / {ours}: {ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] ({wanted})")
    if timings.busy:
        console.print("the machine is busy: these times are not to be trusted")
    elif target is not None:
        assert ratio.value >= target, f"{title}: {ratio.value:.2f} times, and not {target}"


def heads(console: Console, official: Any) -> None:
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

    def plain() -> Tensor:
        return official_loop(z, head.weight, bias, y, dims)

    peer = plain if official is None else official_loss(official, head, z, y)
    name = "official loop, written plainly" if official is None else "authors' code"
    equal(console, ours, peer, leaves)
    timings = time_side_by_side(
        {"prefix sums": with_gradients(ours, leaves), name: with_gradients(peer, leaves)}, repeats=15
    )
    title = f"MRL-E, B={BATCH}, d={WIDTH}, C={CLASSES}, {len(dims)} sizes, forward and backward"
    show(console, title, timings, "prefix sums", name, FASTER_LOSS)


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

    equal(console, ours, peer, [a, b])
    timings = time_side_by_side(
        {
            "one Gram matrix": with_gradients(ours, [a, b]),
            "sentence-transformers": with_gradients(peer, [a, b]),
        },
        repeats=21,
    )
    title = f"nested ranking loss, {PAIRS} pairs, d={SENTENCE_WIDTH}, {len(dims)} sizes, forward and backward"
    show(console, title, timings, "one Gram matrix", "sentence-transformers", 1)


def by_numpy(queries: Any, vectors: Any) -> Any:
    """The ten nearest by one product of matrices and a partition."""
    scores = queries @ vectors.T
    rows = np.arange(len(queries))[:, None]
    found = np.argpartition(-scores, 10, axis=1)[:, :10]
    return found[rows, np.argsort(-scores[rows, found], axis=1)]


def by_hnswlib(vectors: Tensor) -> Callable[[Tensor], Any]:
    """A graph of hnswlib as connected as that of faiss, with the same width of search."""
    hnswlib: Any = importlib.import_module("hnswlib")
    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=40, M=32)
    index.set_num_threads(1)
    index.add_items(vectors.numpy())
    index.set_ef(16)
    return lambda q: index.knn_query(q.numpy(), k=10)[0]


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
        "numpy": lambda q: by_numpy(q.numpy(), vectors.numpy()),
        "torch": lambda q: (q @ vectors.mT).topk(10).indices.numpy(),
        "faiss flat": lambda q: exact.search(q.numpy(), 10)[1],
        "faiss HNSW32": lambda q: whole_graph.search(q.numpy(), 10)[1],
        "16 then 256": lambda q: flat.search(q, 10).ids,
        "funnel from 16": lambda q: funnel.search(q, 10).ids,
        "HNSW32 of 16, then 256": lambda q: graph.search(q, 10).ids,
    }
    if importlib.util.find_spec("hnswlib") is not None:
        systems["hnswlib"] = by_hnswlib(vectors)
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
        target = FASTER_SEARCH if len(batches) > 1 else None
        show(console, whole, timings, "16 then 256", "faiss flat", target)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--official", type=Path, help="folder of the authors' MRL.py")
    options = parser.parse_args()
    official = official_module(options.official) if options.official else None
    torch.set_num_threads(1)
    torch.manual_seed(0)
    console = Console(width=120)
    console.print(f"torch {torch.__version__}, faiss {faiss.__version__}, {platform.machine()}, one thread")
    heads(console, official)
    ranking(console)
    retrieval(console)


if __name__ == "__main__":
    main()
