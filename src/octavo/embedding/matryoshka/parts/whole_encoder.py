"""Intents once more, with the encoder trained and not its vectors alone."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from octavo import data
from octavo.embedding.matryoshka.heads import MatryoshkaLinear, MatryoshkaLoss
from octavo.embedding.matryoshka.parts.queries import NAME, Queries
from octavo.embedding.matryoshka.parts.text_tower import TextTower, TokenRows
from octavo.embedding.matryoshka.scales import Config
from octavo.lab import Lab, part


class LabelledRows:
    """Texts as `TokenRows` reads them, each with its class as `y`."""

    def __init__(self, rows: TokenRows, labels: Int[Tensor, " texts"]) -> None:
        self.rows, self.labels = rows, labels

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Int[Tensor, " batch"]) -> dict[str, Tensor]:
        return {**self.rows[indices], "y": self.labels[indices]}


class NestedTower(nn.Module):
    """A text tower with heads of every size.

    Shape:
        inputs and mask of a batch  ->  a list of ``(batch, classes)``.
    """

    def __init__(self, tower: TextTower, dims: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.tower = tower
        self.head = MatryoshkaLinear(dims, num_classes)

    def forward(self, inputs: Tensor, mask: Tensor) -> list[Float[Tensor, "batch classes"]]:
        """Class scores of every size."""
        # The mean of hidden states is small; heads learn at the rate of the layers from numbers near one.
        scores: list[Tensor] = self.head(self.tower(inputs, mask) * self.tower.width**0.5)
        return scores


@part(seeds=1, data=(NAME, "minilm"))
def whole_encoder(config: Config, lab: Lab) -> None:
    """CLINC150 by all-MiniLM end to end, or by its upper layers: nested, and of one size each."""
    if config.encoder == "ngrams":
        return
    few = replace(config, queries_an_intent=config.tower_queries, test_queries=config.tower_test)
    encoder = data.load("minilm", device=lab.device)
    reader = TextTower(encoder, config.tower_layers)
    found = Queries(few, ("train", "test"))
    train, test = (reader.read(found.texts[split]) for split in ("train", "test"))
    wanted = torch.from_numpy(found.y["test"])
    labelled = LabelledRows(train, torch.from_numpy(found.y["train"]))
    criterion = MatryoshkaLoss()
    for system, dims in (("mrl", config.sentence_dims), *(("ff", (dim,)) for dim in config.tower_rivals)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(lab.key("init"))
            model = NestedTower(TextTower(encoder, config.tower_layers), dims, 150)

        def loss(model: Any, batch: Any, _: Any) -> Tensor:
            value: Tensor = criterion(model(batch["inputs"], batch["mask"]), batch["y"])
            return value

        lab.fit(
            f"{system} at {dims[-1]}, the encoder trained",
            model,
            loss,
            labelled,
            epochs=config.tower_epochs,
            batch_size=config.sentence_batch,
            learning_rate=config.tower_learning_rate,
            schedule="linear",
            warmup_steps=4,
        )
        right = classified(model, test, wanted)
        for dim, hits in zip(dims, right, strict=True):
            values = hits.numpy()
            dataset = f"{NAME}-encoder-{dim}"
            lab.record(system=system, dataset=dataset, metric="accuracy", value=values.mean(), items=values)


@torch.no_grad()
def classified(model: NestedTower, rows: TokenRows, labels: Int[Tensor, " texts"]) -> list[Tensor]:
    """Whether each text is classified rightly, at every size."""
    model.eval()
    device = next(model.parameters()).device
    right = [torch.zeros(len(rows), dtype=torch.bool) for _ in model.head.dims]
    for some in rows.batches(128):
        batch = rows[some]
        scores = model(batch["inputs"].to(device), batch["mask"].to(device))
        for hits, of_size in zip(right, scores, strict=True):
            hits[some] = of_size.argmax(1).cpu() == labels[some]
    return right
