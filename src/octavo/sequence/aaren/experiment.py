"""Every claim of the abstract, measured beside the systems that it is about."""

from octavo.sequence.aaren.parts.control import decisions
from octavo.sequence.aaren.parts.costs import streaming, unrolled_training
from octavo.sequence.aaren.parts.events import events
from octavo.sequence.aaren.parts.identities import exactness, rnn_view, streaming_equals_parallel
from octavo.sequence.aaren.parts.plots import (
    as_good_as_a_transformer,
    cost_of_a_stream,
    price_of_the_fixed_query,
)
from octavo.sequence.aaren.parts.recall import recall
from octavo.sequence.aaren.parts.series import classification, forecasting
from octavo.sequence.aaren.scales import SCALES, Config

__all__ = [
    "SCALES",
    "Config",
    "as_good_as_a_transformer",
    "classification",
    "cost_of_a_stream",
    "decisions",
    "events",
    "exactness",
    "forecasting",
    "price_of_the_fixed_query",
    "recall",
    "rnn_view",
    "streaming",
    "streaming_equals_parallel",
    "unrolled_training",
]
