"""Neural ranking beside its peers: kernel loops, histogram loops, bm25s, and cross-encoders that do not sort.

    python benchmarks/retrieval/neural_ranking.py

One process, one thread. Everything of one table runs in turn (A B C A B C ...), and medians are compared.
"""

import platform
import random
from collections.abc import Callable

import bm25s
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from octavo import data
from octavo.errors import Missing
from octavo.lab import Timings, time_side_by_side
from octavo.retrieval import BM25, DRMM, KNRM, CrossEncoder
from octavo.retrieval.neural_ranking.kernels import kernel_centres, kernel_sums
from octavo.retrieval.neural_ranking.text import tokenise

DOCS, WORDS, QUERY, VOCABULARY, SIZE = 1000, 200, 10, 8000, 200


def loop_of_kernels(model: KNRM, query: Tensor, docs: Tensor) -> Tensor:
    """K-NRM in the manner of MatchZoo-py: a loop over the kernels, all similarities for each of them.

    The mask and the logarithm are the paper's here, so that both compute the same.
    """
    asked, told = model.vectors[query].expand(len(docs), -1, -1), model.vectors[docs]
    similarity = torch.einsum("bld,brd->blr", asked, told)
    mask = (docs != 0).float()[:, None]
    pooled = []
    for mean, width in zip(model.means, model.widths, strict=True):
        soft = torch.exp(-0.5 * ((similarity - mean) ** 2) / width**2) * mask
        pooled.append(soft.sum(-1).clamp_min(1e-10).log().sum(-1) * 0.01)
    score: Tensor = model.linear(torch.stack(pooled, dim=1)).squeeze(-1).tanh()
    return score


def loop_of_histograms(model: DRMM, query: Tensor, docs: Tensor) -> Tensor:
    """DRMM's histograms with one call of torch.histc a word of the query and document."""
    rows = []
    for doc in docs:
        told = model.vectors[doc]
        histograms = []
        for word in query:
            similarity = told @ model.vectors[word]
            same = doc == word
            counts = torch.histc(similarity[~same], bins=model.bins - 1, min=-1, max=1)
            histograms.append(torch.cat([counts, same.sum()[None].float()]).log1p())
        rows.append(torch.stack(histograms))
    mask = (query != 0).expand(len(docs), -1)
    return model.head(torch.stack(rows), mask, model.word_idf[query].expand(len(docs), -1))


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


def models(console: Console) -> None:
    """1,000 documents of 200 words for one query of 10."""
    vectors = torch.randn(VOCABULARY, SIZE)
    query, docs = torch.randint(1, VOCABULARY, (QUERY,)), torch.randint(1, VOCABULARY, (DOCS, WORDS))
    docs[:, :2] = query[:2]
    knrm, drmm, some = KNRM(vectors).eval(), DRMM(vectors).eval(), docs[:20]
    with torch.no_grad():
        console.print(
            "largest difference of scores: K-NRM "
            f"{(loop_of_kernels(knrm, query, docs) - knrm.of_query(query, docs)).abs().max():.1e}, DRMM "
            f"{(loop_of_histograms(drmm, query, some) - drmm.of_query(query, some)).abs().max():.1e}"
        )
        timings = time_side_by_side(
            {
                "K-NRM, one query": lambda: knrm.of_query(query, docs),
                "K-NRM, any pairs": lambda: knrm(query.expand(DOCS, -1), docs),
                "loop over kernels": lambda: loop_of_kernels(knrm, query, docs),
            }
        )
        title = f"{DOCS} documents of {WORDS} words, a query of {QUERY}"
        show(console, title, timings, "K-NRM, one query", "loop over kernels", ">= 5, and <= 60 ms")
        timings = time_side_by_side(
            {
                "DRMM, one query": lambda: drmm.of_query(query, docs),
                "DRMM, any pairs": lambda: drmm(query.expand(DOCS, -1), docs),
                "loop of histc": lambda: loop_of_histograms(drmm, query, docs),
            },
            repeats=7,
            warmup=1,
        )
        show(console, title, timings, "DRMM, one query", "loop of histc", ">= 20, and <= 40 ms")


def memory(console: Console) -> None:
    """Bytes that kernel pooling takes besides the similarities, beside the tensor of all exponentials."""
    means, widths = kernel_centres(11)
    similarity, mask = torch.rand(DOCS, QUERY, WORDS) * 2 - 1, torch.ones(DOCS, 1, WORDS)

    def naive() -> Tensor:
        every = similarity[..., None] - torch.tensor(means)
        return (torch.exp(-0.5 * (every / torch.tensor(widths)) ** 2) * mask[..., None]).sum(2)

    peaks = {}
    for name, function in (
        ("blocks", lambda: kernel_sums(similarity, mask, means, widths)),
        ("all exponentials", naive),
    ):
        peaks[name] = _peak(function)
    share = peaks["all exponentials"] / peaks["blocks"]
    console.print(
        f"most memory of kernel pooling: {peaks['blocks'] / 2**20:.1f} MiB in blocks, "
        f"{peaks['all exponentials'] / 2**20:.1f} MiB at once, {share:.0f} times (target >= 8)"
    )


def _peak(function: Callable[[], Tensor]) -> float:
    """The most bytes that torch holds at a time while a function runs."""
    from torch.profiler import ProfilerActivity, profile

    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        function()
    held = most = 0
    for event in profiled.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return float(most)


def first_stages(console: Console) -> None:
    """The ten best of 10,000 documents."""
    drawn = random.Random(0)
    weights = [1 / rank for rank in range(1, 5001)]
    docs = [" ".join(f"w{n}" for n in drawn.choices(range(5000), weights, k=60)) for _ in range(10_000)]
    queries = [" ".join(f"w{n}" for n in drawn.choices(range(5000), k=6)) for _ in range(100)]
    ours = BM25(docs)
    peer = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    peer.index([tokenise(text) for text in docs], show_progress=False)

    def bare() -> None:
        for query in queries:
            peer.retrieve([tokenise(query)], k=10, show_progress=False)

    timings = time_side_by_side({"BM25.top": lambda: ours.top(queries, 10), "bm25s alone": bare})
    show(console, "100 queries, 10 of 10,000 documents", timings, "BM25.top", "bm25s alone", ">= 1 / 1.3")


def cross_encoders(console: Console) -> None:
    """Documents of very different lengths, read in the order of their lengths or as they come."""
    try:
        encoder = data.load("minilm")
    except Missing as error:
        console.print(f"cross-encoder: {error}")
        return
    drawn = random.Random(0)
    words = ["flow", "heat", "wing", "shock", "plate", "body", "layer", "speed", "pressure", "theory"]
    docs = [" ".join(drawn.choices(words, k=int(np.exp(drawn.uniform(2, 5))))) for _ in range(64)]
    model = CrossEncoder(encoder, batch_size=16)
    sorted_scores, unsorted = model.scores("heat", docs), model.scores("heat", docs, sort=False)
    console.print(f"largest difference of scores: {(sorted_scores - unsorted).abs().max():.1e}")
    systems: dict[str, Callable[[], object]] = {
        "sorted by length": lambda: model.scores("heat", docs),
        "as they come": lambda: model.scores("heat", docs, sort=False),
    }
    from sentence_transformers import CrossEncoder as Peer

    peer = Peer(str(data.entry("minilm").place), num_labels=1, max_length=256, device="cpu")
    systems["sentence-transformers"] = lambda: peer.rank("heat", docs, batch_size=16, show_progress_bar=False)
    timings = time_side_by_side(systems, repeats=7, warmup=1)
    show(console, "cross-encoder, 64 documents", timings, "sorted by length", "as they come", ">= 1.5")


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    console = Console(width=120)
    console.print(f"torch {torch.__version__}, bm25s {bm25s.__version__}, {platform.machine()}, one thread")
    models(console)
    memory(console)
    first_stages(console)
    cross_encoders(console)


if __name__ == "__main__":
    main()
