"""Two towers: queries find the name of their intent."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from octavo import data
from octavo.embedding.matryoshka.parts.queries import NAME, Vectors, encoded, share
from octavo.embedding.matryoshka.scales import Config
from octavo.embedding.matryoshka.similarity import prefix_similarities
from octavo.embedding.matryoshka.trunk import NestedClassifier
from octavo.embedding.matryoshka.vectors import hidden_means
from octavo.lab import Lab, TensorData, part


@part(seeds=3, data=(NAME, "minilm"))
def labels(config: Config, lab: Lab) -> None:
    """Two towers: queries find the name of their intent, at every size."""

    def read(texts: Sequence[str]) -> Tensor:
        if config.label_encoder == "smollm2":
            return hidden_means(data.load("smollm2", device=lab.device), texts)
        return encoded(config, texts)

    vectors = Vectors(config, ("train", "test"), read)
    names = read([name.replace("_", " ") for name in vectors.intents.intents])
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
