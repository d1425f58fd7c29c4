"""Data sets and pretrained models by name: from an installed package, `OCTAVO_DATA`, or a seed.

Nothing here reaches for the network except `get`, and importing this package imports neither torch nor numpy.
"""

from typing import Any

from octavo.data.download import get
from octavo.data.registry import Entry, File, MissingData, available, entries, entry, load, load_each

# What loaders return needs numpy, so it is imported when it is named.
_LAZY = {
    "Abstracts": "abstracts",
    "Articles": "articles",
    "LabelledSeries": "labelled_series",
    "LabelledSplit": "labelled_series",
    "Series": "series",
    "EventSequence": "events",
    "EventSequences": "events",
    "FieldPairs": "fields",
    "pad_events": "events",
    "sin_events": "sin_events",
    "sin_log_likelihood": "sin_events",
    "sin_log_density": "sin_events",
    "ImageFiles": "labelled_images",
    "ImageFolders": "labelled_images",
    "Intents": "intents",
    "JudgedTexts": "judged_texts",
    "LabelledImages": "labelled_images",
    "LanguageModel": "language_models",
    "Queries": "intents",
    "SentencePairs": "sentence_pairs",
    "encode": "encoded",
    "encoded_before": "encoded",
}

__all__ = [
    "Abstracts",
    "Articles",
    "Entry",
    "EventSequence",
    "EventSequences",
    "FieldPairs",
    "File",
    "ImageFiles",
    "ImageFolders",
    "Intents",
    "JudgedTexts",
    "LabelledImages",
    "LabelledSeries",
    "LabelledSplit",
    "LanguageModel",
    "MissingData",
    "Queries",
    "SentencePairs",
    "Series",
    "available",
    "encode",
    "encoded_before",
    "entries",
    "entry",
    "get",
    "load",
    "load_each",
    "pad_events",
    "sin_events",
    "sin_log_density",
    "sin_log_likelihood",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
