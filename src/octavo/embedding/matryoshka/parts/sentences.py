"""A sentence encoder itself is trained: on entailed pairs, and on the intents of queries."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo import data
from octavo.embedding.matryoshka import measures
from octavo.embedding.matryoshka.adaptor import MatryoshkaAdaptor
from octavo.embedding.matryoshka.parts.queries import encoded, share
from octavo.embedding.matryoshka.parts.text_tower import TextTower, TokenPairs
from octavo.embedding.matryoshka.scales import Config
from octavo.embedding.matryoshka.similarity import MatryoshkaRankingLoss
from octavo.lab import Lab, part


@part(seeds=3, data=("SICK", "STSB", "minilm"))
def sentences(config: Config, lab: Lab) -> None:
    """A real sentence encoder, trained on entailed pairs and tested on rated ones; beside frozen ones."""
    rated, sick = data.load("STSB"), data.load("SICK")
    test = rated.test
    number = min(config.rated_pairs, len(test))
    texts = (*test.first[:number], *test.second[:number])
    held = rated.validation.first[: config.adaptor_pairs] + rated.validation.second[: config.adaptor_pairs]

    def record(system: str, vectors: Tensor, *, further: tuple[int, ...] = ()) -> None:
        reached = {}
        for dim in (*config.sentence_dims, *further):
            reached[dim] = measures.spearman(vectors[:number], vectors[number:], test.scores[:number], dim)
            lab.record(system=system, dataset=f"STSB-{dim}", metric="spearman", value=reached[dim])
        eighth, whole = config.sentence_dims[-1] // 8, config.sentence_dims[-1]
        lab.record(system=system, dataset="STSB", metric="kept", value=share(reached[eighth], reached[whole]))

    plain, others = encoded(config, texts), encoded(config, held)
    # What is there without training, at the powers of two that others report as well.
    record("untrained", plain, further=config.plain_dims)
    mean, axes = measures.principal_axes(others)
    record("pca", (plain - mean) @ axes, further=config.plain_dims)
    width = plain.shape[1]
    for system, hidden in (("adaptor", None), ("adaptor_deep", width)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(lab.key("init"))
            adaptor = MatryoshkaAdaptor(width, config.sentence_dims, hidden=hidden)
        adaptor.fit(others, epochs=config.adaptor_epochs, seed=lab.key("adaptor") % 2**31)
        record(system, torch.from_numpy(adaptor.transform(plain)))
    entailed = sick.train.related("ENTAILMENT")
    order = np.random.default_rng(lab.key("pairs")).permutation(len(entailed))
    pairs = [entailed[row] for row in order[: config.sentence_pairs]]
    if config.encoder == "ngrams":
        a, b = (encoded(config, column) for column in zip(*pairs, strict=True))
        adaptor = MatryoshkaAdaptor(width, config.sentence_dims).fit(a, pairs=b, epochs=1)
        record("mrl", torch.from_numpy(adaptor.transform(plain)))
        return
    fine_tuned(config, lab, pairs, texts, record)


def fine_tuned(
    config: Config,
    lab: Lab,
    pairs: Sequence[tuple[str, str]],
    texts: Sequence[str],
    record: Callable[[str, Tensor], None],
) -> None:
    """The encoder's upper layers, trained with the nested loss and with the plain one."""
    encoder = data.load("minilm", device=lab.device)
    reader = TextTower(encoder, config.tower_layers)
    lab.say(f"the frozen layers read {len(pairs)} pairs and {len(texts)} sentences")
    read = TokenPairs(*(reader.read(column) for column in zip(*pairs, strict=True)))
    asked = reader.read(texts)
    for system, dims in (("mrl", config.sentence_dims), ("ff", config.sentence_dims[-1:])):
        tower, ranking = TextTower(encoder, config.tower_layers), MatryoshkaRankingLoss(dims)

        def loss(tower: Any, batch: Any, _: Any, ranking: Any = ranking) -> Tensor:
            value: Tensor = ranking(tower(**batch["anchor"]), tower(**batch["positive"]))
            return value

        lab.fit(
            f"{system} on entailed pairs",
            tower,
            loss,
            read,
            epochs=config.sentence_epochs,
            batch_size=config.sentence_batch,
            last="drop",
            learning_rate=config.tower_learning_rate,
            schedule="linear",
            warmup_steps=4,
        )
        record(system, tower.encode(asked))
