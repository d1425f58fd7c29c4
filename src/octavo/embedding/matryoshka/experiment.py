"""What the paper claims, measured: intents by a frozen encoder, sentences, labels and images."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from octavo import data
from octavo.embedding.matryoshka import figures, measures, spending
from octavo.embedding.matryoshka.adaptor import MatryoshkaAdaptor
from octavo.embedding.matryoshka.curves import by_size, placed
from octavo.embedding.matryoshka.dims import truncate
from octavo.embedding.matryoshka.disturbed import with_typos, with_words_dropped
from octavo.embedding.matryoshka.heads import MatryoshkaLoss
from octavo.embedding.matryoshka.image_batches import ImageBatches, augmented, cycle, sgd
from octavo.embedding.matryoshka.resnet import MatryoshkaResNet
from octavo.embedding.matryoshka.retrieval import AdaptiveRetriever, FunnelRetriever
from octavo.embedding.matryoshka.scales import SCALES, Config
from octavo.embedding.matryoshka.similarity import MatryoshkaRankingLoss, prefix_similarities
from octavo.embedding.matryoshka.spending import NAME, hits
from octavo.embedding.matryoshka.trunk import NestedClassifier
from octavo.embedding.matryoshka.vectors import letter_groups, long_tail
from octavo.lab import Evaluation, Lab, Records, TensorData, colours, part, plot

__all__ = ["SCALES", "Config"]


def encoded(config: Config, texts: Sequence[str]) -> Tensor:
    """Vectors of texts by the encoder of the config."""
    if config.encoder == "ngrams":
        return torch.from_numpy(letter_groups(texts))
    return torch.from_numpy(data.encode(texts))


class Vectors:
    """The queries of CLINC150 as vectors and labels, as many as the config asks for."""

    def __init__(self, config: Config, splits: Sequence[str] = ("train", "validation", "test")) -> None:
        self.intents = data.load(NAME)
        self.x: dict[str, Tensor] = {}
        self.y: dict[str, np.ndarray] = {}
        self.queries = {}
        for split in splits:
            queries = getattr(self.intents, split)
            if split == "train" and config.queries_an_intent < 100:
                queries = queries.take(long_tail(queries.labels, config.queries_an_intent, 1.0, seed=0))
            if split != "train" and config.test_queries < len(queries):
                queries = queries.take(np.arange(0, len(queries), -(-len(queries) // config.test_queries)))
            self.queries[split] = queries
            self.x[split], self.y[split] = encoded(config, queries.texts), queries.labels


def trained(
    config: Config,
    lab: Lab,
    system: str,
    x: Tensor,
    y: np.ndarray,
    dims: Sequence[int],
    *,
    efficient: bool = False,
    classes: int = 150,
    learning_rate: float | None = None,
) -> NestedClassifier:
    """A classifier of vectors; every system of a seed starts from one encoder and sees the same batches."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.key("init"))
        model = NestedClassifier(x.shape[1], config.hidden, config.dims[-1], dims, classes, efficient)
    loss = MatryoshkaLoss()
    lab.fit(
        system,
        model,
        lambda model, batch, _: loss(model(batch["x"]), batch["y"]),
        TensorData(x=x, y=torch.from_numpy(y)),
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=learning_rate or config.learning_rate,
        weight_decay=config.weight_decay,
        schedule="cosine",
    )
    return model.to("cpu")


def rival(config: Config, lab: Lab, vectors: Vectors, dim: int, **settings: Any) -> NestedClassifier:
    """The fixed-feature baseline: trained with a loss at one size only."""
    return trained(config, lab, f"ff at {dim}", vectors.x["train"], vectors.y["train"], [dim], **settings)


@part(seeds=1, data=(NAME, "minilm"))
def tuning(config: Config, lab: Lab) -> None:
    """Accuracy on the validation queries along one grid of learning rates, for both sides."""
    vectors = Vectors(config, ("train", "validation"))
    x, y = vectors.x["train"], vectors.y["train"]
    for rate in config.grid:
        models = {
            "mrl": trained(config, lab, "mrl", x, y, config.dims, learning_rate=rate),
            "ff": rival(config, lab, vectors, config.dims[-1], learning_rate=rate),
        }
        for system, model in models.items():
            z = model.embed(vectors.x["validation"])
            for dim in model.head.dims if system == "mrl" else model.head.dims[-1:]:
                lab.record(
                    system=system,
                    dataset=f"{NAME}-validation",
                    metric="accuracy",
                    value=hits(model, z, vectors.y["validation"], dim).mean(),
                    at={"learning_rate": rate, "dims": dim},
                )


@part(data=(NAME, "minilm"))
def intents(config: Config, lab: Lab) -> None:
    """Every budget from one vector: classes, neighbours, the climb, the shortlist, and disturbed queries."""
    vectors = Vectors(config)
    x, y, test = vectors.x["train"], vectors.y["train"], vectors.y["test"]
    mrl = trained(config, lab, "mrl", x, y, config.dims)
    mrl_e = trained(config, lab, "mrl_e", x, y, config.dims, efficient=True)
    rivals = {dim: rival(config, lab, vectors, dim) for dim in config.dims}
    ff = rivals[config.dims[-1]]
    z = {split: mrl.embed(vectors.x[split]) for split in vectors.x}
    z_ff = {split: ff.embed(vectors.x[split]) for split in vectors.x}
    z_e = mrl_e.embed(vectors.x["test"])

    curves: dict[str, dict[int, float]] = {}

    def record(system: str, dim: int, right: np.ndarray) -> None:
        curves.setdefault(system, {})[dim] = float(right.mean())
        lab.record(system=system, dataset=f"{NAME}-{dim}", metric="accuracy", value=right.mean(), items=right)

    cut = compressed(config, lab, ff, z_ff, y, test)
    for dim in config.dims:
        own = rivals[dim]
        z_own, z_own_train = own.embed(vectors.x["test"]), own.embed(x)
        record("mrl", dim, hits(mrl, z["test"], test, dim))
        record("mrl_e", dim, hits(mrl_e, z_e, test, dim))
        record("ff", dim, hits(own, z_own, test, dim))
        record("ff_nearest", dim, measures.nearest_hits(z_own_train, y, z_own, test, dim))
        record("ff_cut_nearest", dim, measures.nearest_hits(z_ff["train"], y, z_ff["test"], test, dim))
        for system, right in cut[dim].items():
            record(system, dim, right)
    for dim in config.between:
        record("mrl_e", dim, hits(mrl_e, z_e, test, dim))
    for dim in sorted((*config.dims, *config.between)):
        record("mrl_nearest", dim, measures.nearest_hits(z["train"], y, z["test"], test, dim))
    for system in ("mrl", "mrl_nearest", "ff_cut_nearest"):
        fall = measures.largest_drop(curves[system], config.dims)
        lab.record(system=system, dataset=NAME, metric="largest_drop", value=fall)
    for system in ("mrl_e", "mrl_nearest"):
        value = measures.outside(curves[system], config.dims, config.between)
        lab.record(system=system, dataset=NAME, metric="outside", value=value)

    held = vectors.x["validation"], vectors.y["validation"]
    known = {dim: float(hits(own, own.embed(held[0]), held[1], dim).mean()) for dim, own in rivals.items()}
    spending.climb(config, lab, mrl, z, vectors.y, known, curves)
    found = vectors.intents
    spending.domains(config, lab, mrl, z["test"], test, found.domain_of, found.domains)
    spending.retrieval(config, lab, z, y, test)
    # The disturbed texts are the same for every seed, as a published set would be.
    texts = vectors.queries["test"].texts[:: config.disturbed_every]
    disturbed = {
        "typos": encoded(config, with_typos(texts, config.typos, seed=0)),
        "words": encoded(config, with_words_dropped(texts, config.dropped, seed=0)),
    }
    others = encoded(config, found.outside_test.texts[: config.test_queries])
    spending.robustness(config, lab, {"mrl": mrl, "ff": ff}, vectors.x["test"], test, disturbed, others)


def compressed(
    config: Config, lab: Lab, ff: NestedClassifier, z: dict[str, Tensor], y: np.ndarray, wanted: np.ndarray
) -> dict[int, dict[str, np.ndarray]]:
    """What is left of the embedding that was trained whole, when it is made smaller afterwards.

    Along its axes of variance or in random columns, each with a linear head trained on it; and, as the paper
    has it, with the head that there is, brought to a lower rank.
    """
    mean, axes = measures.principal_axes(z["train"])
    columns = torch.randperm(config.dims[-1], generator=lab.generator("columns"))
    left, values, right = torch.linalg.svd(ff.head.weight.detach())
    found: dict[int, dict[str, np.ndarray]] = {}
    for dim in config.dims:
        projections = {
            "svd": lambda v, dim=dim: (v - mean) @ axes[:, :dim],
            "random_columns": lambda v, dim=dim: v[:, columns[:dim]],
        }
        found[dim] = {
            system: probed(config, lab, f"{system} at {dim}", pick(z["train"]), y, pick(z["test"])) == wanted
            for system, pick in projections.items()
        }
        lower = (left[:, :dim] * values[:dim]) @ right[: min(dim, len(values))]
        scores = F.linear(z["test"], lower, ff.head.bias)
        found[dim]["svd_of_head"] = scores.argmax(1).numpy() == wanted
    return found


def probed(config: Config, lab: Lab, name: str, train: Tensor, y: np.ndarray, test: Tensor) -> np.ndarray:
    """Classes by a linear head that is trained on vectors which stay as they are."""
    head, scale = torch.nn.Linear(train.shape[1], 150), train.std()
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    lab.fit(
        name,
        head,
        lambda head, batch, _: F.cross_entropy(head(batch["x"]), batch["y"]),
        TensorData(x=train / scale, y=torch.from_numpy(y)),
        epochs=max(1, config.epochs // 2),
        batch_size=4 * config.batch_size,
        learning_rate=3e-2,
        schedule="cosine",
    )
    with torch.no_grad():
        return np.asarray(head.to("cpu")(test / scale).argmax(1).numpy())


@part(seeds=5, data=(NAME, "minilm"))
def rare(config: Config, lab: Lab) -> None:
    """A long tail: accuracy on the rarest third of the intents, by the nearest class mean."""
    vectors = Vectors(config)
    order = np.random.default_rng(lab.key("order")).permutation(150)
    rows = long_tail(
        vectors.y["train"],
        config.queries_an_intent,
        config.tail_least / config.queries_an_intent,
        seed=lab.key("tail"),
        order=order,
    )
    x, y = vectors.x["train"][torch.from_numpy(rows)], vectors.y["train"][rows]
    rarest = set(order[-50:].tolist())
    mine = {split: np.isin(vectors.y[split], list(rarest)) for split in ("validation", "test")}

    def right(z: Tensor, model: NestedClassifier | None, split: str, dim: int) -> np.ndarray:
        queries = vectors.x[split][torch.from_numpy(mine[split])]
        queries = queries if model is None else model.embed(queries)
        return measures.mean_hits(z, y, queries, vectors.y[split][mine[split]], dim)

    mrl, ff = (
        trained(config, lab, "mrl", x, y, config.dims),
        trained(config, lab, "ff", x, y, config.dims[-1:]),
    )
    z, z_ff, high = mrl.embed(x), ff.embed(x), config.dims[-1]
    best = max(config.dims, key=lambda dim: right(z, mrl, "validation", dim).mean())
    for system, found in (
        ("mrl", right(z, mrl, "test", best)),
        ("mrl_whole", right(z, mrl, "test", high)),
        ("ff", right(z_ff, ff, "test", high)),
        ("frozen", right(x, None, "test", x.shape[1])),
    ):
        lab.record(system=system, dataset=f"{NAME}-tail", metric="accuracy", value=found.mean(), items=found)
    lab.record(system="mrl", dataset=f"{NAME}-tail", metric="dims", value=best)


@part(seeds=1, timed=True)
def cost(config: Config, lab: Lab) -> None:
    """Seconds of the deployed encoder, and parameters in training and in use."""
    systems = {
        "mrl": NestedClassifier(384, config.hidden, config.dims[-1], config.dims, 150),
        "mrl_e": NestedClassifier(384, config.hidden, config.dims[-1], config.dims, 150, efficient=True),
        "ff": NestedClassifier(384, config.hidden, config.dims[-1], config.dims[-1:], 150),
    }
    x = torch.randn(4096, 384, generator=lab.generator("x")).to(lab.device)
    for system, model in systems.items():
        model.to(lab.device)
        for dataset, measured in (("encoder", model.encoder), ("training", model)):
            number = sum(parameter.numel() for parameter in measured.parameters())
            lab.record(system=system, dataset=dataset, metric="parameters", value=number)
    timings = lab.time({system: partial(model.embed, x) for system, model in systems.items()}, repeats=41)
    for system in systems:
        lab.record(
            system=system,
            dataset="encoder",
            metric="seconds",
            value=timings.median(system),
            unit="s",
            items=timings.seconds[system],
        )


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
        for system in systems:
            a_query = [seconds / len(queries) for seconds in timings.seconds[system]]
            lab.record(
                system=system,
                dataset=name,
                metric="seconds",
                value=np.median(a_query),
                unit="s",
                items=a_query,
            )


def each(run: Callable[[Tensor], Any], batches: Sequence[Tensor]) -> None:
    """Search with several batches, one after the other."""
    for some in batches:
        run(some)


def share(part: Any, whole: Any) -> float:
    """One number of another; not a number where there is nothing to have a share of."""
    return float(part / whole) if whole else float("nan")


@part(data=("SICK", "STSB", "minilm"))
def sentences(config: Config, lab: Lab) -> None:
    """A real sentence encoder, trained through its own trainer on entailed pairs and tested on rated ones."""
    rated, sick = data.load("STSB"), data.load("SICK")
    test = rated.test
    texts = (*test.first[: config.rated_pairs], *test.second[: config.rated_pairs])
    scores, number = test.scores[: config.rated_pairs], min(config.rated_pairs, len(test))
    held = rated.validation.first[: config.adaptor_pairs] + rated.validation.second[: config.adaptor_pairs]

    def record(system: str, vectors: Tensor) -> None:
        reached = {}
        for dim in config.sentence_dims:
            reached[dim] = measures.spearman(vectors[:number], vectors[number:], scores, dim)
            lab.record(system=system, dataset=f"STSB-{dim}", metric="spearman", value=reached[dim])
        eighth, whole = config.sentence_dims[-1] // 8, config.sentence_dims[-1]
        lab.record(system=system, dataset="STSB", metric="kept", value=share(reached[eighth], reached[whole]))

    plain, others = encoded(config, texts), encoded(config, held)
    record("untrained", plain)
    mean, axes = measures.principal_axes(others)
    record("pca", (plain - mean) @ axes)
    width = plain.shape[1]
    for system, hidden in (("adaptor", None), ("adaptor_deep", width)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(lab.key("init"))
            adaptor = MatryoshkaAdaptor(width, config.sentence_dims, hidden=hidden)
        record(
            system, torch.from_numpy(adaptor.fit(others, seed=lab.key("adaptor") % 2**31).transform(plain))
        )
    order = np.random.default_rng(lab.key("pairs")).permutation(len(sick.train.related("ENTAILMENT")))
    pairs = [sick.train.related("ENTAILMENT")[row] for row in order[: config.sentence_pairs]]
    if config.encoder == "ngrams":
        a, b = (encoded(config, column) for column in zip(*pairs, strict=True))
        adaptor = MatryoshkaAdaptor(width, config.sentence_dims).fit(a, pairs=b, epochs=1)
        record("mrl", torch.from_numpy(adaptor.transform(plain)))
        return
    fine_tuned(config, lab, pairs, texts, record)


def fine_tuned(config: Config, lab: Lab, pairs: Any, texts: Sequence[str], record: Any) -> None:
    """The encoder itself, trained with the nested loss and with the plain one."""
    from octavo.embedding.matryoshka.sentence_loss import EmbeddingLoss
    from octavo.embedding.matryoshka.sentence_training import fine_tune

    for system, dims in (("mrl", config.sentence_dims), ("ff", config.sentence_dims[-1:])):
        model = data.load("minilm", device=lab.device)
        lab.say(f"{system}: {len(pairs)} pairs through the trainer")
        fine_tune(
            model,
            EmbeddingLoss(model, MatryoshkaRankingLoss(dims)),
            pairs,
            epochs=config.sentence_epochs,
            batch_size=config.sentence_batch,
            learning_rate=config.sentence_learning_rate,
            seed=lab.key("trainer"),
        )
        record(system, torch.from_numpy(model.encode(list(texts), batch_size=128, show_progress_bar=False)))


@part(data=(NAME, "minilm"))
def labels(config: Config, lab: Lab) -> None:
    """Two towers: queries find the name of their intent, at every size."""
    vectors = Vectors(config)
    names = encoded(config, [name.replace("_", " ") for name in vectors.intents.intents])
    for system, dims in (("mrl", config.dims), ("ff", config.dims[-1:])):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(lab.key("init"))
            towers = torch.nn.ModuleList(
                NestedClassifier(names.shape[1], config.hidden, config.dims[-1], [1], 1).encoder
                for _ in range(2)
            )

        def loss(towers: Any, batch: Any, _: Any, dims: Any = dims) -> Tensor:
            scores = 20 * prefix_similarities(towers[0](batch["x"]), towers[1](names.to(batch["x"])), dims)
            return torch.stack([F.cross_entropy(each, batch["y"]) for each in scores]).sum()

        lab.fit(
            f"{system}: queries and labels",
            towers,
            loss,
            TensorData(x=vectors.x["train"], y=torch.from_numpy(vectors.y["train"])),
            epochs=max(1, config.epochs // 2),
            batch_size=config.batch_size,
            learning_rate=config.label_learning_rate,
            schedule="cosine",
        )
        towers.to("cpu")
        with torch.no_grad():
            found = prefix_similarities(towers[0](vectors.x["test"]), towers[1](names), config.dims).argmax(2)
        reached = {}
        for dim, row in zip(config.dims, found.numpy(), strict=True):
            right = row == vectors.y["test"]
            reached[dim] = float(right.mean())
            lab.record(
                system=system,
                dataset=f"{NAME}-labels-{dim}",
                metric="accuracy",
                value=right.mean(),
                items=right,
            )
        kept = share(reached[config.dims[-1] // 8], reached[config.dims[-1]])
        lab.record(system=system, dataset=f"{NAME}-labels", metric="kept", value=kept)


@part
def images(config: Config, lab: Lab) -> None:
    """Real images from their pixels on: a residual network, nested or of one size."""
    found = data.load(config.image_set, **({"every": config.image_every} if config.image_every > 1 else {}))
    train = ImageBatches.of(found, "train", config.image_size, config.images)
    test = ImageBatches.of(found, "test", config.image_size, config.images)
    width = (config.image_width << (len(config.image_depths) - 1)) * (
        4 if config.image_block == "bottleneck" else 1
    )
    nested = [
        dim for dim in (width >> step for step in range(12)) if dim >= min(4 if width < 512 else 8, width)
    ]
    for system, dims in (("mrl", nested), *((f"ff_{dim}", [dim]) for dim in config.image_rivals)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(lab.key("init"))
            model = MatryoshkaResNet(
                len(found.classes),
                depths=config.image_depths,
                width=config.image_width,
                block=config.image_block,
                dims=dims,
                stem=config.image_stem,
                blur=config.image_stem == "large",
            )
        # Convolutions on a CPU read images twice as fast with their channels innermost.
        cast(Any, model).to(memory_format=torch.channels_last)
        smoothed = MatryoshkaLoss(lambda scores, y: F.cross_entropy(scores, y, label_smoothing=0.1))
        lab.fit(
            f"{system} on {config.image_set}",
            model,
            lambda model, batch, context, loss=smoothed: loss(
                model(augmented(batch["image"], context.generator("augment"))), batch["label"]
            ),
            train,
            epochs=config.image_epochs,
            batch_size=config.image_batch,
            optimizer=lambda parameters: sgd(parameters, config.image_learning_rate),
            schedule=cycle,
        )
        right = Evaluation(
            test,
            lambda model, batch: {
                str(dim): scores.argmax(1) == batch["label"]
                for dim, scores in zip(model.head.dims, model(batch["image"]), strict=True)
            },
        ).items(model)
        for dim, values in right.items():
            lab.record(
                system=system.partition("_")[0],
                dataset=f"{config.image_set}-{dim}",
                metric="accuracy",
                value=values.mean(),
                items=values,
            )
        if system == "mrl":
            kept = share(right[str(max(nested[-1], width // 8))].mean(), right[str(width)].mean())
            lab.record(system=system, dataset=config.image_set, metric="kept", value=kept)


@plot
def one_vector(records: Records) -> Any:
    """Accuracy against size, of heads and of neighbours."""
    heads = {
        system: by_size(records, system, f"{NAME}-")
        for system in ("mrl", "mrl_e", "ff", "svd", "random_columns", "svd_of_head")
    }
    near = {
        system: by_size(records, system, f"{NAME}-")
        for system in ("mrl_nearest", "ff_nearest", "ff_cut_nearest")
    }
    between = sorted(set(heads["mrl_e"]) - set(heads["mrl"]))
    hues = colours(list(heads))
    hues |= {"mrl_nearest": hues["mrl"], "ff_nearest": hues["ff"], "ff_cut_nearest": hues["svd"]}
    return figures.accuracy_by_size(heads, near, between, hues)


@plot
def as_many_as_needed(records: Records) -> Any:
    """The staircase of adaptive classification."""
    found = records.where(part="intents", dataset=NAME, system="adaptive")
    used, reached = (placed(found.where(metric=metric), "largest") for metric in ("dims", "accuracy"))
    climbed = [(float(np.mean(used[cap])), float(np.mean(reached[cap]))) for cap in sorted(used)]
    fixed, alone = (by_size(records, system, f"{NAME}-") for system in ("mrl", "ff"))
    return figures.staircase(climbed, fixed, alone, colours(["mrl", "mrl_e", "ff", "adaptive"]))


@plot
def short_then_long(records: Records) -> Any:
    """mAP@10 against the cost of a query."""
    found = records.where(part="intents", dataset=NAME)
    curves: dict[str, list[tuple[float, float]]] = {}
    points: dict[str, tuple[float, float]] = {}
    for system in ("short_only", "adaptive"):
        cost, quality = (placed(found.where(system=system, metric=m), "dims") for m in ("flops", "map_at_10"))
        curves[system] = [(float(np.mean(cost[low])), float(np.mean(quality[low]))) for low in cost]
    for system in ("full", "funnel", "hnsw"):
        one, other = (found.where(system=system, metric=m, at={}) for m in ("flops", "map_at_10"))
        points[system] = (float(np.mean(one.values())), float(np.mean(other.values())))
    return figures.pareto(curves, points, colours([*curves, *points]))


@plot
def coarse_to_fine(records: Records) -> Any:
    """What the first dimensions know."""
    found = records.where(part="intents", system="mrl")
    prefix = f"{NAME}-domain-"
    by_domain = {
        name.removeprefix(prefix): placed(found.where(dataset=name), "dims")
        for name in found.datasets
        if name.startswith(prefix)
    }
    return figures.coarse_to_fine(
        by_size(records, "mrl", f"{NAME}-"),
        placed(found.where(dataset=f"{NAME}-domains"), "dims"),
        by_domain,
        colours(["mrl", "mrl_e"]),
    )


@plot
def sentences_cut_short(records: Records) -> Any:
    """Spearman against size."""
    found = records.where(part="sentences", metric="spearman")
    curves = {system: by_size(found, system, "STSB-") for system in found.systems}
    return figures.sentence_curves(curves, colours(list(curves)))


@plot
def milliseconds(records: Records) -> Any:
    """Time of a query, every way to search."""
    found = records.where(part="search")
    together = next(name for name in found.datasets if name.endswith("-together"))
    alone = together.removesuffix("-together")
    seconds = [
        {r.system: r.value for r in found.where(dataset=name, metric="seconds")} for name in (alone, together)
    ]
    recall = {r.system: r.value for r in found.where(dataset=alone, metric="recall_at_10")}
    size = found.where(dataset=alone, metric="vectors").values()[0]
    return figures.search_times(seconds[0], seconds[1], recall, colours(list(recall)), f"{size:,.0f}")
