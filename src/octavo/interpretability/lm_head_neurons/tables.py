"""What a map answers with: plain rows, and tables of them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from octavo.errors import Missing
from octavo.interpretability.lm_head_neurons.feed_forward import Source


class Match(NamedTuple):
    """A neuron that reads or writes a token."""

    layer: int
    neuron: int
    source: Source
    sign: int
    """1 if the neuron points to the token, -1 if it points away from it."""
    score: float
    z: float
    """The score in deviations of this neuron's scores over the vocabulary."""
    rank: int
    """How many tokens this neuron says louder with that sign."""
    expert: int | None = None


class Reading(NamedTuple):
    """The tokens that one vector of a neuron says, of one sign, loudest first."""

    source: Source
    sign: int
    tokens: tuple[str, ...]
    scores: tuple[float, ...]


class LayerAgreement(NamedTuple):
    """The share of neurons with one top token in two models, with its 95 % Wilson interval."""

    source: Source
    layer: int | None
    """None for all layers together."""
    agreement: float
    low: float
    high: float
    neurons: int


@dataclass(frozen=True)
class NeuronTokens:
    """What one neuron says, reading by reading.

    Args:
        layer, neuron: which one.
        readings: of each source and sign.
        expert: where the layer has several blocks.
    """

    layer: int
    neuron: int
    readings: tuple[Reading, ...]
    expert: int | None = None

    def __str__(self) -> str:
        place = f"layer {self.layer}" + (f", expert {self.expert}" if self.expert is not None else "")
        lines = [f"{place}, neuron {self.neuron}"]
        for reading in self.readings:
            said = "  ".join(
                f"{token!r} {score:+.2f}" for token, score in zip(reading.tokens, reading.scores, strict=True)
            )
            lines.append(f"  {reading.source:>4} {'+' if reading.sign > 0 else '-'}  {said}")
        return "\n".join(lines)

    def reading(self, source: Source, sign: int) -> Reading:
        """One of the readings.

        Raises:
            KeyError: the map has no such source, or the sign is neither 1 nor -1.
        """
        for each in self.readings:
            if (each.source, each.sign) == (source, sign):
                return each
        raise KeyError(f"no reading {source!r} with sign {sign}; there are {[r[:2] for r in self.readings]}")


def pandas() -> Any:
    """The package pandas.

    Raises:
        Missing: it is not installed.
    """
    try:
        import pandas as module
    except ImportError as error:
        raise Missing("pandas", "Install it: `pip install 'octavo[interpretability]'`.") from error
    return module
