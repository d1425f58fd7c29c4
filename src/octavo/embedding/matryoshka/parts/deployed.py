"""What is paid where it is used: seconds and parameters of the encoder, seconds of a search."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo.embedding.matryoshka.dims import truncate
from octavo.embedding.matryoshka.parts.queries import NAME, Vectors, trained
from octavo.embedding.matryoshka.retrieval import AdaptiveRetriever, FunnelRetriever
from octavo.embedding.matryoshka.scales import Config
from octavo.embedding.matryoshka.trunk import NestedClassifier
from octavo.lab import Lab, part


@part(seeds=1, timed=True)
def cost(config: Config, lab: Lab) -> None:
    """Seconds of the deployed encoder, and parameters in training and in use."""
    systems = {
        "mrl": NestedClassifier(384, config.hidden, config.dims[-1], config.dims, 150),
        "mrl_e": NestedClassifier(384, config.hidden, config.dims[-1], config.dims, 150, efficient=True),
        "ff": NestedClassifier(384, config.hidden, config.dims[-1], config.dims[-1:], 150),
    }
    # Short rounds and many of them: what disturbs the machine then meets all systems alike.
    x = torch.randn(512, 384, generator=lab.generator("x")).to(lab.device)
    for system, model in systems.items():
        model.to(lab.device)
        for dataset, measured in (("encoder", model.encoder), ("training", model)):
            number = sum(parameter.numel() for parameter in measured.parameters())
            lab.record(system=system, dataset=dataset, metric="parameters", value=number)
    rounds = {system: partial(model.embed, x) for system, model in systems.items()}
    timings = lab.time(rounds, repeats=config.cost_repeats, warmup=20)
    lab.record_seconds(timings, dataset="encoder")


@part(seeds=1, timed=True, data=(NAME, "minilm"))
def search(config: Config, lab: Lab) -> None:
    """Seconds a query in a database as large as a search engine's, queries one by one and together."""
    vectors = Vectors(config, ("train", "test"))
    model = trained(config, lab, "mrl", vectors.x["train"], vectors.y["train"], config.dims)
    z, queries = (truncate(model.embed(vectors.x[split]), config.dims[-1]) for split in ("train", "test"))
    generator = lab.generator("jitter")
    copies = [
        z + torch.randn(z.shape, generator=generator) * (0.1 / z.shape[1] ** 0.5)
        for _ in range(-(-config.database // len(z)))
    ]
    database = torch.cat(copies)[: config.database]
    queries = queries[torch.randperm(len(queries), generator=generator)[: config.timed_queries]]
    dataset, high = f"{NAME}-large", config.dims[-1]
    sizes = [dim for dim in config.dims if dim >= config.low]
    flat, peer = AdaptiveRetriever(database, config.dims), AdaptiveRetriever(database, config.dims, "faiss")
    graph, funnel = AdaptiveRetriever(database, config.dims, "hnsw"), FunnelRetriever(database, sizes)
    listed = min(config.shortlist, len(database))
    systems = {
        "full": lambda q: peer.search(q, low=high, high=high),
        "full_here": lambda q: flat.search(q, low=high, high=high),
        "short_only": lambda q: flat.search(q, low=config.low, high=config.low),
        "adaptive": lambda q: flat.search(q, shortlist=listed, low=config.low, high=high),
        "funnel": lambda q: funnel.search(q, shortlist=listed),
        "hnsw": lambda q: graph.search(q, shortlist=listed, low=config.low, high=high),
    }
    # faiss has threads of its own.
    import_module("faiss").omp_set_num_threads(lab.threads)
    lab.record(system="full", dataset=dataset, metric="vectors", value=len(database))
    exact = systems["full"](queries).ids
    for system, run in systems.items():
        found = run(queries)
        shared = [len(set(a) & set(b)) / len(a) for a, b in zip(found.ids, exact, strict=True)]
        lab.record(system=system, dataset=dataset, metric="recall_at_10", value=np.mean(shared), items=shared)
        lab.record(system=system, dataset=dataset, metric="flops", value=found.flops)
    for name, batches in ((dataset, queries.split(1)), (f"{dataset}-together", queries.split(len(queries)))):
        timings = lab.time(
            {system: partial(each, run, batches) for system, run in systems.items()},
            repeats=9,
        )
        lab.record_seconds(timings, dataset=name, calls=len(queries))


def each(run: Callable[[Tensor], Any], batches: Sequence[Tensor]) -> None:
    """Search with several batches, one after the other."""
    for some in batches:
        run(some)
