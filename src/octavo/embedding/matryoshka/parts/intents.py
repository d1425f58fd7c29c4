"""Every budget from one vector: what sizes are worth, beside embeddings of one size and compressed ones."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from octavo.embedding.matryoshka import measures
from octavo.embedding.matryoshka.parts import spending
from octavo.embedding.matryoshka.parts.disturbed import with_typos, with_words_dropped
from octavo.embedding.matryoshka.parts.queries import NAME, Vectors, encoded, hits, rival, trained
from octavo.embedding.matryoshka.scales import Config
from octavo.embedding.matryoshka.trunk import NestedClassifier
from octavo.lab import Lab, TensorData, part


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
    texts = vectors.texts["test"][:: config.disturbed_every]
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
