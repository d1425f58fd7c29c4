"""What the fixed query costs: recall by content, where a Transformer must win."""

import torch
from torch import Tensor

from octavo.lab import Endless, Lab, part
from octavo.sequence.aaren.recall import Recaller, recall_batch
from octavo.sequence.aaren.scales import Config
from octavo.sequence.aaren.systems import encoder_of, paired


@part
def recall(config: Config, lab: Lab) -> None:
    """Share of values recalled by their keys, for more and more pairs to choose from."""
    pairs, symbols = config.recall_pairs, config.recall_symbols

    def make(generator: torch.Generator, size: int) -> dict[str, Tensor]:
        number = pairs[int(torch.randint(len(pairs), (), generator=generator))]
        tokens, answers = recall_batch(size, number, 8, symbols, generator)
        return {"tokens": tokens, "answers": answers}

    for system, model in paired(
        config.systems,
        lab.key("init"),
        lambda mixer: Recaller(encoder_of(config, mixer), config.width, symbols),
    ):
        lab.fit(
            f"{system} on associative recall",
            model,
            lambda model, batch, _: model.loss(batch["tokens"], batch["answers"]),
            Endless(make),
            steps=config.recall_steps,
            batch_size=2 * config.batch_size,
            learning_rate=config.learning_rate,
            clip_norm=1.0,
        )
        shares = []
        for number in pairs:
            tokens, answers = recall_batch(256, number, 8, symbols, lab.generator("evaluation", number))
            with torch.no_grad():
                found = model(tokens.to(lab.device))[:, -8:].argmax(-1).cpu()
            shares.append((found == answers).double())
            lab.record(
                system=system,
                dataset="associative_recall",
                metric="accuracy",
                value=shares[-1].mean(),
                at={"pairs": number},
            )
        correct = torch.cat(shares).flatten()
        lab.record(
            system=system,
            dataset="associative_recall",
            metric="accuracy",
            value=correct.mean(),
            items=correct,
        )
    lab.record(system="chance", dataset="associative_recall", metric="accuracy", value=1 / symbols)
