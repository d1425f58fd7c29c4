"""Real images from their pixels on: a residual network, nested or of one size."""

from typing import Any, cast

import torch
import torch.nn.functional as F

from octavo import data
from octavo.embedding.matryoshka.heads import MatryoshkaLoss
from octavo.embedding.matryoshka.parts.image_batches import ImageBatches, augmented, cycle, sgd
from octavo.embedding.matryoshka.parts.queries import share
from octavo.embedding.matryoshka.resnet import MatryoshkaResNet
from octavo.embedding.matryoshka.scales import Config
from octavo.lab import Evaluation, Lab, part


@part(seeds=5)
def images(config: Config, lab: Lab) -> None:
    """Real images from their pixels on: a residual network, nested or of one size."""
    found = data.load(config.image_set, **({"every": config.image_every} if config.image_every > 1 else {}))
    train = ImageBatches.of(found, "train", config.image_size, config.images)
    test = ImageBatches.of(found, "test", config.image_size, config.images)
    width = config.image_features
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
