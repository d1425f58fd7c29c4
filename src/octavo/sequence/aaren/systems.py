"""The systems that are compared: one model whose mixer alone changes, all with the same initial weights."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from octavo.sequence.aaren.encoder import AarenEncoder, MixerName
from octavo.sequence.aaren.scales import Config

Model = TypeVar("Model", bound=nn.Module)

MIXERS: dict[str, MixerName] = {"aaren": "aaren", "transformer": "attention", "gru": "gru", "lstm": "lstm"}


def paired(
    systems: Sequence[str], key: int, make: Callable[[MixerName], Model]
) -> Iterator[tuple[str, Model]]:
    """A model for each system, with the same initial weights wherever names and shapes agree.

    Args:
        systems: names of them, of `MIXERS`.
        key: of the initial weights.
        make: a model with that mixer.
    """
    first: dict[str, Tensor] = {}
    for system in systems:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key >> 1)
            model = make(MIXERS[system])
        own = model.state_dict()
        shared = {name: first[name] for name in own if name in first and first[name].shape == own[name].shape}
        model.load_state_dict(own | shared)
        first = {name: weight.clone() for name, weight in own.items()} | first
        yield system, model


def encoder_of(config: Config, mixer: MixerName) -> AarenEncoder:
    """The encoder of that mixer."""
    return AarenEncoder(
        config.width, config.layers, config.heads, dropout=config.dropout, norm_first=True, mixer=mixer
    )


def sizes(config: Config, mixer: MixerName, dropout: float) -> dict[str, Any]:
    """What the task models are made with."""
    return {
        "d_model": config.width,
        "n_layers": config.layers,
        "n_heads": config.heads,
        "dropout": dropout,
        "mixer": mixer,
    }
