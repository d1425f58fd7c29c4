"""Parts that end in every way a part can end."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from octavo.errors import Missing
from octavo.lab import Lab, TensorData, part


@dataclass(frozen=True)
class Config:
    """What the parts wait for."""

    seeds: int = 1
    """How many seeds each part is run with."""
    mended: str = ""
    """A file: once it is there, nothing fails any more."""


SCALES = {"smoke": Config(), "laptop": Config()}


def mended(config: Config) -> bool:
    """Whether what fails has been mended."""
    return bool(config.mended) and Path(config.mended).exists()


@part
def ends_well(config: Config, lab: Lab) -> None:
    """Records and is done."""
    lab.record(system="good", dataset="none", metric="value", value=lab.seed)


@part
def raises(config: Config, lab: Lab) -> None:
    """Records, and raises."""
    lab.record(system="raiser", dataset="none", metric="value", value=1)
    if not mended(config):
        raise ZeroDivisionError("a sum\nwent wrong")


@part
def diverges(config: Config, lab: Lab) -> None:
    """Records one system, and another's loss is not a number."""
    lab.record(system="steady", dataset="none", metric="value", value=1)

    def loss(model: Any, batch: Any, context: Any) -> torch.Tensor:
        return model(batch["x"]).mean() * (float("nan") if context.step == 2 else 1.0)

    lab.fit("wild", nn.Linear(1, 1), loss, TensorData(x=torch.ones(8, 1)), steps=5, batch_size=4)
    lab.record(system="wild", dataset="none", metric="value", value=1)


@part(data=("NoSuchSet",))
def lacks(config: Config, lab: Lab) -> None:
    """Needs what is not here."""
    raise Missing("NoSuchSet", "Write it first.")


@part
def dies(config: Config, lab: Lab) -> None:
    """Is killed."""
    if not mended(config):
        os.kill(os.getpid(), signal.SIGKILL)
    lab.record(system="risen", dataset="none", metric="value", value=1)


@part
def lingers(config: Config, lab: Lab) -> None:
    """Takes far too long."""
    if not mended(config):
        time.sleep(60)
