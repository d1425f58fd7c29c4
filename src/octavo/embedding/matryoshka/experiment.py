"""What the paper claims, measured: intents by a frozen encoder, sentences, labels and images."""

from octavo.embedding.matryoshka.parts.deployed import cost, search
from octavo.embedding.matryoshka.parts.images import images
from octavo.embedding.matryoshka.parts.intents import intents
from octavo.embedding.matryoshka.parts.labels import labels
from octavo.embedding.matryoshka.parts.plots import (
    as_many_as_needed,
    coarse_to_fine,
    milliseconds,
    one_vector,
    sentences_cut_short,
    short_then_long,
    which_rate,
)
from octavo.embedding.matryoshka.parts.rare import rare
from octavo.embedding.matryoshka.parts.sentences import sentences
from octavo.embedding.matryoshka.parts.tuning import tuning
from octavo.embedding.matryoshka.parts.whole_encoder import whole_encoder
from octavo.embedding.matryoshka.scales import SCALES, Config

__all__ = [
    "SCALES",
    "Config",
    "as_many_as_needed",
    "coarse_to_fine",
    "cost",
    "images",
    "intents",
    "labels",
    "milliseconds",
    "one_vector",
    "rare",
    "search",
    "sentences",
    "sentences_cut_short",
    "short_then_long",
    "tuning",
    "which_rate",
    "whole_encoder",
]
