"""Aaren (arXiv 2405.13956): attention is a recurrent network.

With a query that does not depend on the position, softmax attention over every prefix is one scan over
triples (maximum, sum, weighted sum). So a layer is trained in parallel like a Transformer, and then fed one
token at a time in constant time and memory like an RNN. `Aaren` is the layer, `AarenEncoder` a stack of them
(or, by one word, of causal attention, LSTM or GRU), and five task models stand on it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from octavo.sequence.aaren.attention import Aaren
from octavo.sequence.aaren.classifier import AarenClassifier
from octavo.sequence.aaren.decision import AarenDecisionModel
from octavo.sequence.aaren.encoder import AarenEncoder, AarenLayer
from octavo.sequence.aaren.forecaster import AarenForecaster
from octavo.sequence.aaren.point_process import AarenPointProcess
from octavo.sequence.aaren.scan import prefix_attention
from octavo.sequence.aaren.state import AarenState, combine

if TYPE_CHECKING:
    from octavo.sequence.aaren.estimator import AarenTSC
    from octavo.sequence.aaren.language_model import AarenConfig, AarenForCausalLM, AarenModel

__all__ = [
    "Aaren",
    "AarenClassifier",
    "AarenConfig",
    "AarenDecisionModel",
    "AarenEncoder",
    "AarenForCausalLM",
    "AarenForecaster",
    "AarenLayer",
    "AarenModel",
    "AarenPointProcess",
    "AarenState",
    "AarenTSC",
    "combine",
    "prefix_attention",
]

# These import transformers or aeon, so only on first use.
_LAZY = {
    "AarenConfig": "language_model",
    "AarenForCausalLM": "language_model",
    "AarenModel": "language_model",
    "AarenTSC": "estimator",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
