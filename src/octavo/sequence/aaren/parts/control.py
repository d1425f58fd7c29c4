"""The learned comparison on logged episodes of control."""

from functools import partial

import numpy as np

from octavo.lab import Lab, part
from octavo.sequence.aaren import control
from octavo.sequence.aaren.agent import Units, Windows, imitation_loss, play
from octavo.sequence.aaren.decision import AarenDecisionModel
from octavo.sequence.aaren.encoder import MixerName
from octavo.sequence.aaren.scales import Config
from octavo.sequence.aaren.systems import paired, sizes


@part
def decisions(config: Config, lab: Lab) -> None:
    """Return of agents that learned from logged episodes: 0 a random one, 100 the expert."""
    for name in config.control_tasks:
        task = control.task(name, config.episode_steps)
        short = name.split("-")[0].lower()
        random = np.random.default_rng(lab.key("evaluation"))
        starts = [int(seed) for seed in random.integers(2**31, size=config.evaluation_episodes)]
        floor, top = (control.mean_return(task, act, starts) for act in (task.random, task.expert))
        for mixture in control.MIXTURES:
            dataset = f"{short}_{mixture.replace('-', '_')}"
            # The set is the same for every seed, as a published one would be.
            logged = control.episodes(task, mixture, config.episodes, seed=control.MIXTURES.index(mixture))
            units = Units.of(task, logged)
            make = partial(decision_model, config, task)
            for system, model in paired(config.rivals, lab.key("init"), make):
                lab.fit(
                    f"{system} on {dataset}",
                    model,
                    lambda model, batch, _: imitation_loss(model, batch),
                    Windows(task, logged, units, config.window),
                    steps=config.control_steps,
                    batch_size=config.batch_size,
                    learning_rate=2 * config.learning_rate,
                    schedule="cosine",
                    clip_norm=1.0,
                )
                totals = np.array(play(model, task, units, starts, top, config.window))
                scores = 100 * (totals - floor) / (top - floor)
                lab.record(system=system, dataset=dataset, metric="score", value=scores.mean(), items=scores)
            behaviour = np.array([100 * (episode.total - floor) / (top - floor) for episode in logged])
            lab.record(
                system="behaviour", dataset=dataset, metric="score", value=behaviour.mean(), items=behaviour
            )
            lab.record(system="random", dataset=dataset, metric="score", value=0.0)


def decision_model(config: Config, task: control.Task, mixer: MixerName) -> AarenDecisionModel:
    """The agent of a task; one head, as the code that the paper builds on."""
    own = sizes(config, mixer, config.dropout_of_few_epochs) | {"n_heads": 1}
    return AarenDecisionModel(task.observation_size, task.actions, discrete=task.discrete, **own)
