"""The figures of the experiment, drawn from its records."""

from typing import Any

from octavo.lab import Records, plot
from octavo.learning.gradient_noise import figures


@plot
def take_off(records: Records) -> Any:
    """What noise alone would make of the weights, and when the network takes off: why it works."""
    return figures.take_off(records.where(dataset="zero_init"))


@plot
def deep_network(records: Records) -> Any:
    """Accuracy against steps, a line a restart, from the three initialisations."""
    return figures.courses(records)


@plot
def restart_histogram(records: Records) -> Any:
    """Restarts of the Neural GPU by their share of wrong bits."""
    return figures.restart_histogram(records.where(metric="restarts"))


@plot
def hard_models(records: Records) -> Any:
    """Errors with and without noise of the memory network, the Neural Programmer and the Neural GPU."""
    return figures.hard_models(records)
