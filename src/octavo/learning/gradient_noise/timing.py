"""Training steps to time: bare, with `GradientNoise`, and with the loop that users write by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from octavo.learning.gradient_noise.noise import GradientNoise
from octavo.learning.gradient_noise.schedule import NoiseSchedule


def steps(
    make: Callable[[], nn.Module],
    loss: Callable[[Any], Tensor],
    optimizer: Callable[..., torch.optim.Optimizer],
    inner: int,
    systems: Sequence[str] = ("none", "noise", "usual_loop"),
) -> dict[str, Callable[[], None]]:
    """Functions that make `inner` training steps each, by system.

    Args:
        make: the model; one that is returned twice is shared by all systems.
        loss: of a model.
        optimizer: a function of the parameters and lr.
        inner: steps a call.
        systems: which of the three.
    """
    schedule = NoiseSchedule(0.01)

    def system(name: str) -> Callable[[], None]:
        model = make()
        made = optimizer(model.parameters(), lr=1e-4)
        noise = (
            GradientNoise(made, schedule=schedule, generator=_generator(model)) if name == "noise" else None
        )

        def run() -> None:
            for step in range(inner):
                made.zero_grad()
                loss(model).backward()
                if name == "usual_loop":
                    for param in model.parameters():
                        if param.grad is not None:
                            param.grad += torch.randn_like(param.grad) * schedule.std(step)
                made.step()
            # A gradient that is kept would count for the next system's memory.
            made.zero_grad()
            assert noise is None or noise.step % inner == 0

        return run

    return {name: system(name) for name in systems}


def tiny_language_model() -> Any:
    """A random Llama of one layer, for checks that need no weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=32,
                hidden_size=8,
                intermediate_size=8,
                num_hidden_layers=1,
                num_attention_heads=2,
            )
        )


def _generator(model: nn.Module) -> torch.Generator:
    return torch.Generator(next(model.parameters()).device).manual_seed(0)
