"""The learned comparison on sequences of events."""

from functools import partial
from typing import Any

import numpy as np

from octavo import data
from octavo.lab import Lab, TensorData, part
from octavo.sequence.aaren import baselines
from octavo.sequence.aaren.encoder import MixerName
from octavo.sequence.aaren.objectives import (
    event_loss,
    event_pieces,
    event_scores,
    gaps_and_marks,
)
from octavo.sequence.aaren.point_process import AarenPointProcess
from octavo.sequence.aaren.scales import Config
from octavo.sequence.aaren.systems import paired, sizes


@part
def events(config: Config, lab: Lab) -> None:
    """Likelihood, gap and mark of the next event, beside processes without memory."""
    for found in data.load_each(config.event_sets):
        train, test = (
            event_pieces(split[: config.event_users], config.event_crop)
            for split in (found.train, found.test)
        )
        gaps, marks, _ = gaps_and_marks(train)
        make = partial(point_process, config, found.n_marks, np.log(gaps))
        for system, model in paired(config.rivals, lab.key("init"), make):
            lab.fit(
                f"{system} on {found.name}",
                model,
                lambda model, batch, _: event_loss(model, batch),
                TensorData(**train),
                epochs=config.event_epochs,
                batch_size=config.batch_size,
                learning_rate=2 * config.learning_rate,
                schedule="cosine",
                clip_norm=1.0,
            )
            scores = event_scores(model, test)
            for metric in ("nll", "accuracy"):
                lab.record(
                    system=system,
                    dataset=found.name,
                    metric=metric,
                    value=scores[metric].mean(),
                    items=scores[metric],
                )
            lab.record(
                system=system, dataset=found.name, metric="rmse", value=scores["squared_error"].mean() ** 0.5
            )
        memoryless = baselines.MemorylessEvents.fitted(gaps, marks, found.n_marks)
        gaps, marks, times = gaps_and_marks(test)
        controls = {
            "poisson": memoryless.poisson(gaps, marks),
            "marginal": memoryless.log_normal(gaps, marks),
        }
        if found.name == "Sin":
            controls["true_process"] = -data.sin_log_density(times - gaps, times)
        for system, nll in controls.items():
            lab.record(system=system, dataset=found.name, metric="nll", value=nll.mean(), items=nll)
        guessed = marks == memoryless.frequencies.argmax()
        lab.record(
            system="marginal", dataset=found.name, metric="accuracy", value=guessed.mean(), items=guessed
        )
        error = (gaps - memoryless.mean) ** 2
        lab.record(system="marginal", dataset=found.name, metric="rmse", value=error.mean() ** 0.5)


def point_process(config: Config, n_marks: int, log_gaps: Any, mixer: MixerName) -> AarenPointProcess:
    """The model of events, in the units of the training data's gaps."""
    mean, deviation = float(log_gaps.mean()), float(log_gaps.std())
    return AarenPointProcess(
        n_marks,
        mean_log_gap=mean,
        std_log_gap=deviation,
        **sizes(config, mixer, config.dropout_of_few_epochs),
    )
