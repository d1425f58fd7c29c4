"""What a step knows about where it is."""

from typing import SupportsIndex

import torch
from jaxtyping import Int64
from torch import Tensor
from torch.optim import Optimizer

from octavo.lab.engine import Engine
from octavo.lab.keys import key
from octavo.lab.randomness import generator


class Context:
    """A step's place in the training, its randomness, and its way to the engine.

    Attributes:
        step, steps: this step, from 0, and how many there are.
        epoch: which pass over the data this is, from 0.
        indices: the samples of this process's batch.
        weight: what the mean over this batch counts among the processes; 1 in one process.
        rank, world: this process, and how many there are.
        device: where the batch lies.
        seed: of the training.
    """

    __slots__ = ("_engine", "device", "epoch", "indices", "rank", "seed", "step", "steps", "weight", "world")

    def __init__(
        self,
        engine: Engine,
        seed: int,
        step: int,
        steps: int,
        epoch: int,
        indices: Int64[Tensor, " batch"],
        weight: float,
    ) -> None:
        self._engine = engine
        self.seed, self.step, self.steps, self.epoch = seed, step, steps, epoch
        self.indices, self.weight = indices, weight
        self.rank, self.world, self.device = engine.rank, engine.world, engine.device

    @property
    def progress(self) -> float:
        """How much of the training is behind, in [0, 1)."""
        return self.step / self.steps

    def key(self, stream: str, *numbers: SupportsIndex) -> int:
        """64 random bits of this step; add `context.rank` to the numbers where processes should differ."""
        return key(self.seed, stream, self.step, *numbers)

    def generator(
        self, stream: str, *numbers: SupportsIndex, device: str | torch.device = "cpu"
    ) -> torch.Generator:
        """A generator seeded with `key(stream, *numbers)`."""
        return generator(self.seed, stream, self.step, *numbers, device=device)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss that is a mean over this process's batch."""
        self._engine.backward(loss if self.weight == 1.0 else loss * self.weight)

    def update(self, optimizer: Optimizer, clip_norm: float | None = None) -> None:
        """Average the gradients over processes, clip them, move the parameters and forget the gradients."""
        self._engine.average_gradients(optimizer)
        if clip_norm is not None:
            self._engine.clip(optimizer, clip_norm)
        self._engine.update(optimizer)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over processes of a mean over each one's batch."""
        return self._engine.mean(values if self.weight == 1.0 else values * self.weight)
