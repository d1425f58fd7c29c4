"""Every claim of the abstract, measured beside the systems that it is about: the modules of `parts`."""

from octavo.science.mgno.parts.accuracy import accuracy, other_equations
from octavo.science.mgno.parts.boundaries import boundaries
from octavo.science.mgno.parts.convergence import trainability
from octavo.science.mgno.parts.exact import linearity, solver
from octavo.science.mgno.parts.green import green
from octavo.science.mgno.parts.lifting import lifting
from octavo.science.mgno.parts.overfitting import overfitting, overfitting_on_a_line
from octavo.science.mgno.parts.pace import pace
from octavo.science.mgno.parts.plots import (
    accuracy_on_darcy,
    contraction_of_a_cycle,
    error_of_one_layer,
    errors_by_width,
    padding_and_boundary,
    training_and_test,
    training_on_waves,
)
from octavo.science.mgno.parts.universality import universality
from octavo.science.mgno.scales import SCALES, Config

__all__ = [
    "SCALES",
    "Config",
    "accuracy",
    "accuracy_on_darcy",
    "boundaries",
    "contraction_of_a_cycle",
    "error_of_one_layer",
    "errors_by_width",
    "green",
    "lifting",
    "linearity",
    "other_equations",
    "overfitting",
    "overfitting_on_a_line",
    "pace",
    "padding_and_boundary",
    "solver",
    "trainability",
    "training_and_test",
    "training_on_waves",
    "universality",
]
