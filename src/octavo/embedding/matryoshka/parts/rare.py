"""The long tail: classes that have a few examples only."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from octavo.embedding.matryoshka import measures
from octavo.embedding.matryoshka.parts.queries import NAME, Vectors, trained
from octavo.embedding.matryoshka.scales import Config
from octavo.embedding.matryoshka.trunk import NestedClassifier
from octavo.embedding.matryoshka.vectors import long_tail
from octavo.lab import Lab, part


@part(data=(NAME, "minilm"))
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

    def tuned(system: str, dims: Sequence[int]) -> tuple[NestedClassifier, int]:
        """The model and the size that are best on validation queries, along one grid for both sides."""
        reached = {}
        for rate in config.tail_grid:
            model = trained(
                config,
                lab,
                f"{system} at rate {rate}",
                x,
                y,
                dims,
                learning_rate=rate,
                epochs=config.tail_epochs,
            )
            z = model.embed(x)
            for dim in dims:
                reached[float(right(z, model, "validation", dim).mean()), dim] = model, dim, rate
        model, dim, rate = reached[max(reached)]
        lab.record(system=system, dataset=f"{NAME}-tail", metric="learning_rate", value=rate)
        lab.record(system=system, dataset=f"{NAME}-tail", metric="dims", value=dim)
        return model, dim

    high = config.dims[-1]
    (mrl, best), (ff, _) = tuned("mrl", config.dims), tuned("ff", config.dims[-1:])
    z, z_ff = mrl.embed(x), ff.embed(x)
    for system, found in (
        ("mrl", right(z, mrl, "test", best)),
        ("mrl_whole", right(z, mrl, "test", high)),
        ("ff", right(z_ff, ff, "test", high)),
        ("frozen", right(x, None, "test", x.shape[1])),
    ):
        lab.record(system=system, dataset=f"{NAME}-tail", metric="accuracy", value=found.mean(), items=found)
