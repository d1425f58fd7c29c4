"""What the paper claims, measured: one function a part."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from octavo.lab import Lab, part
from octavo.language.coreinfer.system import Coreinfer


@dataclass(frozen=True)
class Config:
    """Every field is a flag of `octavo run coreinfer`."""

    seeds: int = 5
    """How many seeds each part is run with."""
    width: int = 64
    """Size of the hidden states."""
    length: int = 100
    """Steps of a wave."""


SCALES = {
    "smoke": Config(seeds=2, width=8, length=10),
    "laptop": Config(),
    "gpu": Config(width=256),
    "paper": Config(width=512),
}


@part
def quality(config: Config, lab: Lab) -> None:
    """Error on waves, beside predicting the last value again; to be replaced by what the paper measures."""
    waves = torch.randn(16, config.length, config.width, generator=lab.generator("waves")).cumsum(1)
    system = Coreinfer(config.width)
    errors = {
        "coreinfer": functional.mse_loss(system(waves)[:, :-1], waves[:, 1:]),
        "copy_last": functional.mse_loss(waves[:, :-1], waves[:, 1:]),
    }
    for name, error in errors.items():
        lab.record(system=name, dataset="waves", metric="mse", value=error.item())
