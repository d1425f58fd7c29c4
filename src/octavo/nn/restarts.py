"""Many restarts trained as one ensemble: how they begin, what a step does, and what became of each."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from octavo.nn.ensemble import Ensemble, clip_each_copy_

Losses = Callable[[Ensemble, Any, Any], Float[Tensor, " copies"]]


def restarts(keys: Sequence[int], make: Callable[[], nn.Module]) -> Ensemble:
    """An ensemble whose members are initialised by these keys, the same for the same keys.

    Args:
        keys: the seed of each member.
        make: one member.
    """
    models = []
    with torch.random.fork_rng(devices=[]):
        for key in keys:
            torch.manual_seed(key)
            models.append(make())
    return Ensemble(models)


class EnsembleStep:
    """A training step of all members, each as if it were alone: with its own clipping and its own noise.

    It is a step of the lab's loop.

    Args:
        losses: of a batch, one a member.
        optimizer: of the ensemble; noise that hooks onto it comes after the clipping.
        clip_norm: the longest gradient of a member.
        decay: the learning rate's factor as a function of progress in [0, 1).
    """

    def __init__(
        self,
        losses: Losses,
        optimizer: Optimizer,
        *,
        clip_norm: float | None = None,
        decay: Callable[[float], float] = lambda progress: 1.0,
    ) -> None:
        self.losses, self.optimizer, self.clip_norm, self.decay = losses, optimizer, clip_norm, decay
        self._rates = [group["lr"] for group in optimizer.param_groups]

    def __call__(self, state: Any, batch: Any, context: Any) -> Mapping[str, Tensor]:
        """Move all members; the number it gives is the mean of their losses."""
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * self.decay(context.progress)
        each = self.losses(state.model, batch, context)
        context.backward(each.sum())
        if self.clip_norm is not None:
            clip_each_copy_(state.model.parameters(), self.clip_norm)
        context.update(self.optimizer)
        # A member that diverged is a bad result of its own and must not end the others.
        return {"loss": each.detach().nan_to_num(0.0, 0.0, 0.0).mean()}


def numbered(values: Mapping[str, Float[Tensor, " copies"]]) -> dict[str, float]:
    """Numbers of every member under names of their own: what an evaluation of the lab may give.

    Args:
        values: by name, one a member.

    Example:
        >>> numbered({"error": torch.tensor([0.5, 0.25])})
        {'error_0': 0.5, 'error_1': 0.25}
    """
    return {
        f"{name}_{index}": float(each) for name, all_of in values.items() for index, each in enumerate(all_of)
    }


def course(
    evaluations: Sequence[Mapping[str, int | float]], name: str, count: int
) -> Float[Tensor, "evaluations copies"]:
    """A number of every member at every evaluation.

    Args:
        evaluations: made of `numbered`.
        name: the number's.
        count: of members.

    Example:
        >>> course([{"error_0": 0.5, "error_1": 0.25}], "error", 2)
        tensor([[0.5000, 0.2500]], dtype=torch.float64)
    """
    rows = [[each[f"{name}_{index}"] for index in range(count)] for each in evaluations]
    return torch.tensor(rows, dtype=torch.float64)


def cosine(progress: float) -> float:
    """A factor that falls from 1 to 0.

    Args:
        progress: in [0, 1].

    Example:
        >>> cosine(0.0), cosine(0.5), cosine(1.0)
        (1.0, 0.5, 0.0)
    """
    return round((1 + math.cos(math.pi * progress)) / 2, 12)


def halving(progress: float) -> float:
    """A factor that halves after each quarter.

    Args:
        progress: in [0, 1).

    Example:
        >>> halving(0.0), halving(0.6)
        (1.0, 0.25)
    """
    return float(0.5 ** int(4 * progress))


def cross_entropies(
    logits: Float[Tensor, "copies batch classes"], targets: Tensor
) -> Float[Tensor, " copies"]:
    """The mean cross-entropy of each member.

    Args:
        logits: of all members on one batch.
        targets: the classes, shared by all.
    """
    copies = len(logits)
    each = nn.functional.cross_entropy(logits.flatten(0, 1), targets.repeat(copies), reduction="none")
    return each.view(copies, -1).mean(1)
