"""Logged episodes as training windows, and an agent that looks back on the same window when it acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from octavo.sequence.aaren.control import Array, Episode, Task, make
from octavo.sequence.aaren.decision import AarenDecisionModel


@dataclass(frozen=True)
class Units:
    """The units in which a network sees a task: standardised observations, actions and returns of size one.

    Args:
        mean: of the observations.
        deviation: of the observations.
        total: the largest return of the episodes, without its sign.
        limit: the largest action.
    """

    mean: Array
    deviation: Array
    total: float
    limit: float

    @classmethod
    def of(cls, task: Task, episodes: Sequence[Episode]) -> "Units":
        """Taken from the episodes that are learned from."""
        observations = np.concatenate([episode.observations for episode in episodes])
        return cls(
            observations.mean(0),
            observations.std(0) + 1e-3,
            max(abs(episode.total) for episode in episodes),
            task.limit,
        )

    def observations(self, raw: Array) -> Float[Tensor, "*time size"]:
        """Standardised."""
        return torch.from_numpy(((raw - self.mean) / self.deviation).astype(np.float32))


class Windows:
    """Stretches of logged episodes, for a training loop to index.

    Args:
        task: of the episodes.
        episodes: what is learned from.
        units: to scale them by.
        window: steps of a stretch; shorter episodes are padded behind their end.
    """

    def __init__(self, task: Task, episodes: Sequence[Episode], units: Units, window: int) -> None:
        self.window = window
        lengths = [len(episode.rewards) for episode in episodes]
        firsts = np.cumsum([0, *lengths[:-1]])
        joined = {
            "observations": np.concatenate([episode.observations for episode in episodes]),
            "actions": np.concatenate([episode.actions for episode in episodes]),
            "returns": np.concatenate([episode.returns_to_go for episode in episodes]) / units.total,
            "steps": np.concatenate([np.arange(length) for length in lengths]),
        }
        actions = torch.from_numpy(joined["actions"])
        self.tensors = {
            "observations": units.observations(joined["observations"]),
            "actions": actions.long() if task.discrete else actions.float() / units.limit,
            "returns": torch.from_numpy(joined["returns"]).float(),
            "steps": torch.from_numpy(joined["steps"]),
        }
        starts = [
            (first + start, min(window, length - start))
            for first, length in zip(firsts, lengths, strict=True)
            for start in range(max(1, length - window + 1))
        ]
        self.starts = torch.tensor(starts)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, indices: Int[Tensor, " batch"]) -> dict[str, Tensor]:
        start, length = self.starts[indices].unbind(-1)
        offsets = torch.arange(int(length.max()))
        padding = offsets >= length[:, None]
        rows = start[:, None] + offsets.expand_as(padding).masked_fill(padding, 0)
        return {name: values[rows] for name, values in self.tensors.items()} | {"padding": padding}


def imitation_loss(model: AarenDecisionModel, batch: dict[str, Tensor]) -> Float[Tensor, ""]:
    """How far predicted actions are from those taken, given the returns that followed.

    Args:
        model: of the actions.
        batch: of `Windows`.
    """
    # A mask that hides nothing would cost attention its fused kernel.
    padding = batch["padding"] if bool(batch["padding"].any()) else None
    predicted = model(batch["observations"], batch["returns"], batch["actions"], key_padding_mask=padding)
    seen = ~batch["padding"]
    if model.discrete:
        return nn.functional.cross_entropy(predicted[seen], batch["actions"][seen])
    return nn.functional.mse_loss(predicted[seen], batch["actions"][seen])


@torch.no_grad()
def play(
    model: AarenDecisionModel, task: Task, units: Units, seeds: Sequence[int], target: float, window: int
) -> list[float]:
    """Returns of an agent that asks for a return and looks back a window.

    Args:
        model: trained on `Windows`.
        task: to play.
        units: of the training.
        seeds: of the starts, one an episode.
        target: return asked for.
        window: steps that the agent sees, as in training.
    """
    device = next(model.parameters()).device
    environments = [make(task.name, task.horizon) for _ in seeds]
    size = len(seeds)
    first = [env.reset(seed=seed % 2**31)[0] for env, seed in zip(environments, seeds, strict=True)]
    observations = torch.zeros(size, task.horizon, task.observation_size)
    actions = torch.zeros(size, task.horizon, dtype=torch.int64)
    if not task.discrete:
        actions = torch.zeros(size, task.horizon, task.actions)
    wanted = torch.full((size, task.horizon + 1), target / units.total)
    observations[:, 0] = units.observations(np.stack(first).astype(np.float32))
    totals, running = [0.0] * size, list(range(size))
    for step in range(task.horizon):
        seen = slice(max(0, step + 1 - window), step + 1)
        inputs: list[Any] = [values[running, seen].to(device) for values in (observations, wanted, actions)]
        predicted = model(*inputs)[:, -1].cpu()
        chosen = predicted.argmax(-1) if task.discrete else predicted
        actions[running, step] = chosen
        still = []
        for row, index in enumerate(running):
            raw = int(chosen[row]) if task.discrete else (chosen[row] * units.limit).numpy()
            seen_next, reward, terminated, truncated, _ = environments[index].step(raw)
            totals[index] += float(reward)
            wanted[index, step + 1] = wanted[index, step] - float(reward) / units.total
            if terminated or truncated:
                continue
            observations[index, step + 1] = units.observations(np.asarray(seen_next, np.float32))
            still.append(index)
        running = still
        if not running:
            break
    return totals
