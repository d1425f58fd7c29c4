"""Every claim of the abstract, measured on a real model beside other neurons of equal number."""

from octavo.language.coreinfer.parts.kept import embedded, greedy, kept
from octavo.language.coreinfer.parts.plots import growing, perplexity, quality, speedup
from octavo.language.coreinfer.parts.predictors import predictors
from octavo.language.coreinfer.parts.relu import relu
from octavo.language.coreinfer.parts.similarity import sick, stsb, topics
from octavo.language.coreinfer.parts.speed import choosing, decode
from octavo.language.coreinfer.parts.stability import stability
from octavo.language.coreinfer.parts.task import intents
from octavo.language.coreinfer.scales import SCALES, Config

__all__ = [
    "SCALES",
    "Config",
    "choosing",
    "decode",
    "embedded",
    "greedy",
    "growing",
    "intents",
    "kept",
    "perplexity",
    "predictors",
    "quality",
    "relu",
    "sick",
    "speedup",
    "stability",
    "stsb",
    "topics",
]
