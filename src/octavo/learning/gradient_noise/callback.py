"""The noise for trainings by transformers' Trainer."""

from typing import Any

import torch
from torch.optim import Optimizer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from octavo.learning.gradient_noise.noise import GradientNoise
from octavo.learning.gradient_noise.schedule import NoiseSchedule


class GradientNoiseCallback(TrainerCallback, ExportableState):
    """Adds the paper's noise in a training by ``transformers.Trainer``: after clipping, before the step.

    Steps of the optimizer are counted, however many batches are accumulated for one. The step and the state
    of the generator travel in the trainer's checkpoints, so ``trainer.train(resume_from_checkpoint=True)``
    goes on with the noise that an undisturbed run would have had; say
    ``restore_callback_states_from_checkpoint=True`` in the TrainingArguments for it.

    Args:
        eta: variance at the first step. With Adam or AdamW it hardly matters where true gradients are small.
        gamma: how fast the variance falls.
        seed: of the noise; by default that of the TrainingArguments.

    Raises:
        ValueError: eta or gamma is negative.

    Example:
        >>> callback = GradientNoiseCallback(eta=0.01)
        >>> callback.state()["args"]
        {'eta': 0.01, 'gamma': 0.55, 'seed': None}

    Paper: arXiv 1511.06807, section 3.
    """

    def __init__(self, eta: float = 0.01, gamma: float = 0.55, seed: int | None = None) -> None:
        NoiseSchedule(eta, gamma)  # which refuses what is no variance, before hours of training
        self.eta, self.gamma, self.seed = eta, gamma, seed
        self.saved: dict[str, Any] = {}
        """What a checkpoint brought, until the training begins."""
        self._noise: GradientNoise | None = None

    @property
    def noise(self) -> GradientNoise | None:
        """The noise on the trainer's optimizer, while it trains."""
        return self._noise

    def state(self) -> dict[str, Any]:
        """What transformers writes into a checkpoint: plain numbers, since it is JSON."""
        saved = self.saved
        if self._noise is not None:
            state = self._noise.state_dict()
            generators = {name: bits.tolist() for name, bits in state["generators"].items()}
            saved = state | {"generators": generators}
        return {
            "args": {"eta": self.eta, "gamma": self.gamma, "seed": self.seed},
            "attributes": {"saved": saved},
        }

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Hook onto the optimizer that the trainer made."""
        optimizer = kwargs["optimizer"]
        inner: Optimizer = getattr(optimizer, "optimizer", optimizer)
        if self._noise is not None:
            self._noise.remove()
        seed = args.seed if self.seed is None else self.seed
        device = next(param.device for group in inner.param_groups for param in group["params"])
        generator = torch.Generator(device).manual_seed(seed)
        self._noise = GradientNoise(inner, self.eta, self.gamma, generator)
        if self.saved:
            bits = {
                name: torch.tensor(values, dtype=torch.uint8)
                for name, values in self.saved["generators"].items()
            }
            self._noise.load_state_dict(self.saved | {"generators": bits})

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leave the optimizer as it was."""
        if self._noise is not None:
            self.saved = self.state()["attributes"]["saved"]
            self._noise.remove()
            self._noise = None
