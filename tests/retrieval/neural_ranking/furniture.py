"""The example modules that the furniture test puts through its rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from octavo.retrieval import (
    ARCI,
    ARCII,
    CDSSM,
    DRMM,
    DSSM,
    KNRM,
    MVLSTM,
    PACRR,
    ConvKNRM,
    Duet,
    MatchPyramid,
)

Example = tuple[nn.Module, dict[str, Any]]
WORDS = 30


def pairs() -> dict[str, Any]:
    """Three pairs of ragged texts; some words are shared."""
    query = torch.tensor([[3, 4, 5, 6], [7, 8, 0, 0], [9, 10, 11, 0]])
    docs = torch.randint(1, WORDS, (3, 12))
    docs[1, 7:] = 0
    docs[:, 0] = query[:, 0]
    return {"query": query, "docs": docs, "idf": torch.rand(3, 4) + 0.5}


def over_vectors(kind: Callable[..., nn.Module], **options: Any) -> Callable[[], Example]:
    return lambda: (kind(torch.randn(WORDS, 16), **options), pairs())


def over_letters(kind: Callable[..., nn.Module], **options: Any) -> Callable[[], Example]:
    # The number of trigrams is named, so that a second example of another seed has the same shape.
    return lambda: (kind(torch.randint(0, 20, (WORDS, 6)), number=20, hidden=8, out=4, **options), pairs())


EXAMPLES: dict[str, Callable[[], Example]] = {
    "KNRM": over_vectors(KNRM),
    "KNRM trained vectors": over_vectors(KNRM, freeze=False),
    "ConvKNRM": over_vectors(ConvKNRM, filters=4),
    "DRMM": over_vectors(DRMM),
    "DRMM vectors": over_vectors(DRMM, gate="vector"),
    "MatchPyramid": over_vectors(MatchPyramid, maps=3, hidden=8),
    "ARCII": over_vectors(ARCII, maps=3, hidden=8),
    "PACRR": over_vectors(PACRR, filters=3, hidden=4),
    "ARCI": over_vectors(ARCI, maps=4, hidden=8),
    "MVLSTM": over_vectors(MVLSTM, hidden=4, best=10),
    "Duet": over_vectors(Duet, maps=4),
    "DSSM": over_letters(DSSM),
    "DSSM untied": over_letters(DSSM, tied=False),
    "CDSSM": over_letters(CDSSM),
}
