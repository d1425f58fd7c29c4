"""Seconds of a training step, bare and with noise."""

import torch
from torch import nn
from torch.nn import functional

from octavo import data
from octavo.lab import Lab, part
from octavo.learning.gradient_noise import timing
from octavo.learning.gradient_noise.mlp import MLPDeep
from octavo.learning.gradient_noise.scales import Config


@part(seeds=1, timed=True)
def deep_step(config: Config, lab: Lab) -> None:
    """Seconds of a training step of the deep network, bare and with noise."""
    x = torch.rand(config.deep_batch, 784, generator=lab.generator("x")).to(lab.device)
    y = torch.randint(10, (config.deep_batch,), generator=lab.generator("y")).to(lab.device)

    def make() -> nn.Module:
        return MLPDeep(784, width=config.width, depth=config.depth, init="he").to(lab.device)

    steps = timing.steps(
        make,
        lambda model: functional.cross_entropy(model(x), y),
        torch.optim.SGD,
        50,
    )
    lab.record_seconds(lab.time(steps, repeats=config.timed_repeats), dataset="deep_net", calls=50)


@part(seeds=1, timed=True, data=("smollm2",))
def language_model_step(config: Config, lab: Lab) -> None:
    """Seconds of a step of fine-tuning a language model, bare and with noise."""
    model = timing.tiny_language_model() if config.small_language_model else data.load("smollm2").model
    model.to(lab.device).train()
    tokens = torch.randint(
        model.config.vocab_size, (1, config.timed_tokens), generator=lab.generator("tokens")
    )
    tokens = tokens.to(lab.device)
    steps = timing.steps(
        lambda: model,
        lambda model: model(input_ids=tokens, labels=tokens).loss,
        torch.optim.AdamW,
        1,
        # A third optimizer's state would not leave room for much else on a laptop.
        ("none", "noise"),
    )
    timings = lab.time(steps, repeats=max(2, config.timed_repeats - 5), warmup=1)
    lab.record_seconds(timings, dataset="smollm2")
