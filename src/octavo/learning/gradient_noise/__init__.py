"""Gradient noise (arXiv 1511.06807): annealed Gaussian noise on every gradient.

Give `GradientNoise` any optimizer of torch, and each of its steps first adds noise of variance eta / (1 +
t)^gamma to the gradients. It can start networks that a poor initialisation leaves dead, and `effective_init`
says beforehand whether it will. The paper's hard cases are here as models: a network of twenty layers, an
end-to-end memory network, a Neural Programmer, a neural random-access machine and a Neural GPU."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from octavo.learning.gradient_noise.memory_network import MemN2N
from octavo.learning.gradient_noise.mlp import MLPDeep
from octavo.learning.gradient_noise.neural_gpu import NeuralGPU
from octavo.learning.gradient_noise.neural_programmer import NeuralProgrammer
from octavo.learning.gradient_noise.noise import GradientNoise, add_gradient_noise_
from octavo.learning.gradient_noise.random_access_machine import NeuralRAM
from octavo.learning.gradient_noise.schedule import NoiseSchedule
from octavo.nn.ensemble import Ensemble

if TYPE_CHECKING:
    from octavo.learning.gradient_noise.callback import GradientNoiseCallback

__all__ = [
    "Ensemble",
    "GradientNoise",
    "GradientNoiseCallback",
    "MLPDeep",
    "MemN2N",
    "NeuralGPU",
    "NeuralProgrammer",
    "NeuralRAM",
    "NoiseSchedule",
    "add_gradient_noise_",
]


def __getattr__(name: str) -> Any:
    # Imports transformers, so only on first use.
    if name == "GradientNoiseCallback":
        return import_module(f"{__name__}.callback").GradientNoiseCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
