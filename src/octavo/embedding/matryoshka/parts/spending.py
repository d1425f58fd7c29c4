"""What one embedding of intents is spent on: the climb, domains, neighbours, and disturbed queries."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo.embedding.matryoshka import measures
from octavo.embedding.matryoshka.adaptive import AdaptiveClassifier, softmax
from octavo.embedding.matryoshka.parts.queries import NAME, hits
from octavo.embedding.matryoshka.retrieval import AdaptiveRetriever, FunnelRetriever, average_precision
from octavo.embedding.matryoshka.scales import Config
from octavo.embedding.matryoshka.trunk import NestedClassifier


def climb(
    config: Config,
    lab: Any,
    mrl: NestedClassifier,
    z: dict[str, Tensor],
    y: Mapping[str, np.ndarray],
    known: dict[int, float],
    curves: dict[str, dict[int, float]],
) -> None:
    """Adaptive classification: thresholds, cap and comparison are chosen on the validation queries.

    Args:
        config: of the experiment.
        lab: takes the records.
        mrl: the model.
        z: its embeddings of each split.
        y: the classes of each split.
        known: accuracy on the validation queries of embeddings that were trained for one size.
        curves: accuracy of each system on the test queries at each size.
    """
    held = y["validation"]
    with torch.no_grad():
        classifier = AdaptiveClassifier(mrl.head)
        classifier.calibrate(mrl.head(z["validation"]), held)

    def gained(split: str, largest: int, curve: dict[int, float]) -> tuple[float, float, float]:
        labels, used = classifier.predict(z[split], largest)
        accuracy = float((labels == y[split]).mean())
        return float(used.mean()), accuracy, measures.size_of_equal_accuracy(curve, accuracy)

    caps = [gained("validation", largest, known) for largest in config.dims]
    best = int(np.argmax([equal / used for used, _, equal in caps]))
    for place, largest in enumerate(config.dims):
        used, accuracy, equal = gained("test", largest, curves["ff"])
        for system, metric, value in (
            ("adaptive", "dims", used),
            ("adaptive", "accuracy", accuracy),
            ("ff_equal", "dims", equal),
        ):
            lab.record(system=system, dataset=NAME, metric=metric, value=value, at={"largest": largest})
            if place == best:
                lab.record(system=system, dataset=NAME, metric=metric, value=value)
    # The control: MRL cut to one size for all, at the accuracy of the climb.
    _, accuracy, _ = gained("test", config.dims[best], curves["ff"])
    fixed = measures.size_of_equal_accuracy(curves["mrl"], accuracy)
    lab.record(system="fixed", dataset=NAME, metric="dims", value=fixed)


def domains(
    config: Config,
    lab: Any,
    mrl: NestedClassifier,
    z: Tensor,
    y: np.ndarray,
    home: np.ndarray,
    names: tuple[str, ...],
) -> None:
    """Which domains each size already tells apart."""
    wanted = home[y]
    for dim in config.dims:
        found = home[mrl.scores(z, dim).argmax(1).numpy()]
        lab.record(
            system="mrl",
            dataset=f"{NAME}-domains",
            metric="accuracy",
            value=(found == wanted).mean(),
            at={"dims": dim},
        )
        for place, name in enumerate(names):
            rows = wanted == place
            if rows.any():
                share = (found[rows] == place).mean()
                lab.record(
                    system="mrl",
                    dataset=f"{NAME}-domain-{name}",
                    metric="recall",
                    value=share,
                    at={"dims": dim},
                )


def retrieval(config: Config, lab: Any, z: dict[str, Tensor], y: np.ndarray, wanted: np.ndarray) -> None:
    """Neighbours of the same intent among the training queries, and what finding them costs."""
    high, k = config.dims[-1], 10
    listed = min(config.shortlist, len(y))

    def record(system: str, found: Any, at: Any = None) -> None:
        values = average_precision((y[found.ids] == wanted[:, None]).astype(float))
        for metric, value, items in (
            ("map_at_10", values.mean(), None if at else values),
            ("flops", found.flops, None),
        ):
            # Alone, a short vector is cheap by definition; what is asked of it is how well it finds.
            if at or (system, metric) != ("short_only", "flops"):
                lab.record(system=system, dataset=NAME, metric=metric, value=value, at=at, items=items)

    flat = AdaptiveRetriever(z["train"], config.dims)
    for low in config.dims:
        record("short_only", flat.search(z["test"], k, low=low, high=low), {"dims": low})
        if low < high:
            found = flat.search(z["test"], k, shortlist=listed, low=low, high=high)
            record("adaptive", found, {"dims": low})
    record("full", flat.search(z["test"], k, low=high, high=high))
    record("short_only", flat.search(z["test"], k, low=config.low, high=config.low))
    record("adaptive", flat.search(z["test"], k, shortlist=listed, low=config.low, high=high))
    sizes = [dim for dim in config.dims if dim >= config.low]
    record("funnel", FunnelRetriever(z["train"], sizes).search(z["test"], k, shortlist=listed))
    graph = AdaptiveRetriever(z["train"], config.dims, "hnsw")
    record("hnsw", graph.search(z["test"], k, shortlist=listed, low=config.low, high=high))


def robustness(
    config: Config,
    lab: Any,
    models: Mapping[str, NestedClassifier],
    x: Tensor,
    y: np.ndarray,
    disturbed: Mapping[str, Tensor],
    others: Tensor,
) -> None:
    """Accuracy that disturbed queries cost, and how well queries outside of all intents are told."""
    high, every = config.dims[-1], config.disturbed_every
    for system, model in models.items():
        clean = hits(model, model.embed(x[::every]), y[::every], high)
        for name, changed in disturbed.items():
            right = hits(model, model.embed(changed), y[::every], high)
            lab.record(
                system=system, dataset=f"{NAME}-{name}", metric="accuracy", value=right.mean(), items=right
            )
            # Per query, so that the interval over items is that of the difference.
            lost = clean.astype(float) - right
            lab.record(system=system, dataset=f"{NAME}-{name}", metric="fall", value=lost.mean(), items=lost)
        inside, outside = (softmax(model.scores(model.embed(each), high)).max(axis=1) for each in (x, others))
        value = measures.auroc(inside, outside)
        lab.record(system=system, dataset=f"{NAME}-outside", metric="auroc", value=value)
    lab.record(system="chance", dataset=f"{NAME}-outside", metric="auroc", value=0.5)
