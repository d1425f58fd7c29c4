"""Every claim of the abstract, measured on a real model beside shuffled and random neurons."""

from octavo.interpretability.lm_head_neurons.parts.clamps import favourite_animal, last_layer, middle_layers
from octavo.interpretability.lm_head_neurons.parts.maps import sources, specialised, speed, whole_model
from octavo.interpretability.lm_head_neurons.parts.plots import (
    agreement_and_drift,
    clamps,
    sign_structure,
    specialised_by_layer,
)
from octavo.interpretability.lm_head_neurons.parts.text import selectivity
from octavo.interpretability.lm_head_neurons.parts.tuning import instructed, tuning
from octavo.interpretability.lm_head_neurons.scales import SCALES, Config

__all__ = [
    "SCALES",
    "Config",
    "agreement_and_drift",
    "clamps",
    "favourite_animal",
    "instructed",
    "last_layer",
    "middle_layers",
    "selectivity",
    "sign_structure",
    "sources",
    "specialised",
    "specialised_by_layer",
    "speed",
    "tuning",
    "whole_model",
]
