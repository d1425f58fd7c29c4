"""Matryoshka representation learning (arXiv 2205.13147): one embedding that can be cut short anywhere.

The loss of a model is summed over prefixes of its embedding, so the first m numbers are an embedding by
themselves. `MatryoshkaLinear` and `MatryoshkaLoss` train classifiers, `MatryoshkaObjective` any loss of
embeddings, `MatryoshkaAdaptor` what is frozen; then cut, classify adaptively, or retrieve adaptively.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from octavo.embedding.matryoshka.adaptive import AdaptiveClassifier
from octavo.embedding.matryoshka.adaptor import MatryoshkaAdaptor
from octavo.embedding.matryoshka.dims import nested_dims, truncate
from octavo.embedding.matryoshka.heads import MatryoshkaLinear, MatryoshkaLoss
from octavo.embedding.matryoshka.objective import MatryoshkaObjective
from octavo.embedding.matryoshka.resnet import MatryoshkaResNet
from octavo.embedding.matryoshka.retrieval import AdaptiveRetriever, FunnelRetriever
from octavo.embedding.matryoshka.similarity import MatryoshkaRankingLoss, prefix_similarities

if TYPE_CHECKING:
    from octavo.embedding.matryoshka.estimator import MatryoshkaClassifier
    from octavo.embedding.matryoshka.sentence_loss import EmbeddingLoss, SentenceMatryoshkaLoss

__all__ = [
    "AdaptiveClassifier",
    "AdaptiveRetriever",
    "EmbeddingLoss",
    "FunnelRetriever",
    "MatryoshkaAdaptor",
    "MatryoshkaClassifier",
    "MatryoshkaLinear",
    "MatryoshkaLoss",
    "MatryoshkaObjective",
    "MatryoshkaRankingLoss",
    "MatryoshkaResNet",
    "SentenceMatryoshkaLoss",
    "nested_dims",
    "prefix_similarities",
    "truncate",
]

# These import scikit-learn or sentence-transformers, so only on first use.
_LAZY = {
    "EmbeddingLoss": "sentence_loss",
    "MatryoshkaClassifier": "estimator",
    "SentenceMatryoshkaLoss": "sentence_loss",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
