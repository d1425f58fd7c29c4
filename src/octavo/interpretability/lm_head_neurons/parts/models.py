"""The models that are measured, by name."""

from typing import Any, NamedTuple

import torch

from octavo import data
from octavo.errors import Missing
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards
from octavo.interpretability.lm_head_neurons.scales import Config
from octavo.interpretability.lm_head_neurons.stand_in import stand_in
from octavo.lab import Lab


class Loaded(NamedTuple):
    """A model with its tokenizer and its number of layers."""

    model: Any
    tokenizer: Any
    layers: int

    def at(self, share: float) -> int:
        """The layer at a share of the way from the first to the last."""
        return round(share * (self.layers - 1))


def load(name: str, config: Config, lab: Lab) -> Loaded:
    """The model of a name: the stand-in, one of octavo.data, or a folder or hub name."""
    dtype = getattr(torch, config.precision)
    if name == "stand_in":
        model, tokenizer = stand_in()
    elif name == "smollm2":
        model, tokenizer = (loaded := data.load(name, dtype=dtype)).model, loaded.tokenizer
    else:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype)
            tokenizer = AutoTokenizer.from_pretrained(name)
        except OSError as error:
            raise Missing("hub", f"Go online or give a folder: {name} is not on this machine.") from error
    model.eval().to(lab.device)
    return Loaded(model, tokenizer, 1 + max(block.layer for block in feed_forwards(model)))
