"""The queries of CLINC150 as vectors, and the classifiers that are trained on them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo import data
from octavo.embedding.matryoshka.heads import MatryoshkaLoss
from octavo.embedding.matryoshka.scales import Config
from octavo.embedding.matryoshka.trunk import NestedClassifier
from octavo.embedding.matryoshka.vectors import letter_groups, long_tail
from octavo.lab import Lab, TensorData

NAME = "CLINC150"


def encoded(config: Config, texts: Sequence[str]) -> Tensor:
    """Vectors of texts by the encoder of the config."""
    if config.encoder == "ngrams":
        return torch.from_numpy(letter_groups(texts))
    return torch.from_numpy(data.encode(texts))


class Queries:
    """The queries of CLINC150 and their intents, as many as the config asks for.

    Args:
        config: says how many.
        splits: what is read.
    """

    def __init__(self, config: Config, splits: Sequence[str] = ("train", "validation", "test")) -> None:
        self.intents = data.load(NAME)
        self.texts: dict[str, tuple[str, ...]] = {}
        self.y: dict[str, np.ndarray] = {}
        for split in splits:
            queries = getattr(self.intents, split)
            if split == "train" and config.queries_an_intent < 100:
                queries = queries.take(long_tail(queries.labels, config.queries_an_intent, 1.0, seed=0))
            if split != "train" and config.test_queries < len(queries):
                queries = queries.take(np.arange(0, len(queries), -(-len(queries) // config.test_queries)))
            self.texts[split], self.y[split] = queries.texts, queries.labels


class Vectors(Queries):
    """The same queries as vectors.

    Args:
        config: says how many, and which encoder.
        splits: what is read.
        read: makes vectors of texts; the encoder of the config unless given.
    """

    def __init__(
        self,
        config: Config,
        splits: Sequence[str] = ("train", "validation", "test"),
        read: Callable[[Sequence[str]], Tensor] | None = None,
    ) -> None:
        super().__init__(config, splits)
        self.x = {
            split: encoded(config, texts) if read is None else read(texts)
            for split, texts in self.texts.items()
        }


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
    epochs: int | None = None,
    weights: Sequence[float] | None = None,
) -> NestedClassifier:
    """A classifier of vectors; every system of a seed starts from one encoder and sees the same batches."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.key("init"))
        model = NestedClassifier(x.shape[1], config.hidden, config.dims[-1], dims, classes, efficient)
    loss = MatryoshkaLoss(weights=weights)
    lab.fit(
        system,
        model,
        lambda model, batch, _: loss(model(batch["x"]), batch["y"]),
        TensorData(x=x, y=torch.from_numpy(y)),
        epochs=epochs or config.epochs,
        batch_size=config.batch_size,
        # All weights in one pass a step, which a CPU does faster than one after the other.
        optimizer=lambda weights: torch.optim.AdamW(
            weights, learning_rate or config.learning_rate, weight_decay=config.weight_decay, fused=True
        ),
        schedule="cosine",
    )
    return model.to("cpu")


def rival(config: Config, lab: Lab, vectors: Vectors, dim: int, **settings: Any) -> NestedClassifier:
    """The fixed-feature baseline: trained with a loss at one size only, at the rate that suits that size."""
    settings = {"learning_rate": config.rival_rates[config.dims.index(dim)]} | settings
    return trained(config, lab, f"ff at {dim}", vectors.x["train"], vectors.y["train"], [dim], **settings)


def hits(model: NestedClassifier, z: Tensor, y: np.ndarray, dim: int) -> np.ndarray:
    """Which embeddings a head classifies rightly."""
    return np.asarray(model.scores(z, dim).argmax(1).numpy() == y)


def share(part: Any, whole: Any) -> float:
    """One number of another; not a number where there is nothing to have a share of."""
    return float(part / whole) if whole else float("nan")
