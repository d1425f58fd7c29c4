"""A search box with a slider: how many numbers of a vector does a query need?"""

import time
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Interval
from torch import Tensor

from octavo import data
from octavo.embedding.matryoshka import figures
from octavo.embedding.matryoshka.adaptor import MatryoshkaAdaptor
from octavo.embedding.matryoshka.dims import nested_dims
from octavo.embedding.matryoshka.retrieval import AdaptiveRetriever
from octavo.embedding.matryoshka.vectors import letter_groups
from octavo.errors import Missing
from octavo.lab import colours, house_style

SIZES = nested_dims(384, smallest=6)
SUBJECTS = ("my card", "the bill", "a flight", "the weather", "my account", "a taxi", "the song", "an alarm")
ASKED = (
    "what is the status of {}", "cancel {}", "tell me about {}", "i want to change {}", "how much is {}",
    "please book {}", "why was {} late", "remind me of {}", "is {} still there", "who takes care of {}",
)  # fmt: skip


def demo(
    query: str = "how much money do i have left",
    dims: Annotated[int, Interval(ge=1, le=384)] = 48,
    hits: Annotated[int, Interval(ge=1, le=20)] = 5,
    adapt: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """Searches with the first numbers of each vector, and shows what every size would have found.

    The texts are the 15,000 training queries of CLINC150 where a run has encoded them on this machine, else a
    few that are made up.

    Args:
        query: what is searched for.
        dims: how many numbers of each vector are kept, from 1 to 384.
        hits: how many texts are shown.
        adapt: fit an adaptor first, so that the first numbers are worth more; a second or two.
        seed: of the adaptor.
    """
    if not 1 <= dims <= SIZES[-1] or hits < 1:
        raise ValueError(f"dims={dims} must be between 1 and {SIZES[-1]}, and hits={hits} at least 1")
    texts, groups, vectors, asked = _collection(query)
    if adapt:
        adaptor = MatryoshkaAdaptor(vectors.shape[1], SIZES)
        sample = torch.randperm(len(vectors), generator=torch.Generator().manual_seed(seed))[:4000]
        adaptor.fit(vectors[sample], groups[sample.numpy()], epochs=3, seed=seed)
        vectors, asked = (torch.from_numpy(adaptor.transform(each)) for each in (vectors, asked))
    retriever = AdaptiveRetriever(vectors, sorted({*SIZES, dims}))
    number = min(hits, len(texts))
    whole = retriever.search(asked, number, low=SIZES[-1], high=SIZES[-1])
    found = retriever.search(asked, number, low=dims, high=dims)
    agreement, milliseconds = _every_size(retriever, vectors)
    with house_style():
        drawn = figures.search_box(agreement, milliseconds, dims, colours(["mrl", "ff"]))
    lines = [f"{score:>5.2f}  {texts[row]}" for row, score in zip(found.ids[0], found.scores[0], strict=True)]
    return {
        "text": "\n".join([f"'{query}' by {dims} of {SIZES[-1]} numbers:", *lines]),
        "texts": len(texts),
        "bytes_a_vector": 4 * dims,
        "bytes_of_a_whole_vector": 4 * SIZES[-1],
        "hits_that_the_whole_vector_finds": len(set(found.ids[0]) & set(whole.ids[0])),
        "milliseconds_a_query": milliseconds[min(SIZES, key=lambda size: abs(size - dims))],
        "milliseconds_a_query_whole": milliseconds[SIZES[-1]],
        "figure": drawn,
    }


def _collection(query: str) -> tuple[tuple[str, ...], np.ndarray, Tensor, Tensor]:
    """Texts, their groups, their vectors, and that of the query."""
    try:
        train = data.load("CLINC150").train
        if data.encoded_before(train.texts):
            vectors = torch.from_numpy(data.encode(train.texts))
            return train.texts, train.labels, vectors, torch.from_numpy(data.encode([query], keep=False))
    except Missing:
        pass
    texts = tuple(asked.format(subject) for asked in ASKED for subject in SUBJECTS)
    groups = np.arange(len(texts)) % len(SUBJECTS)
    vectors, asked = (torch.from_numpy(letter_groups(each)) for each in (texts, [query]))
    return texts, groups, vectors, asked


def _every_size(
    retriever: AdaptiveRetriever, vectors: Tensor, queries: int = 40
) -> tuple[dict[int, float], dict[int, float]]:
    """Share of the whole vector's ten neighbours that each size finds, and its milliseconds a query."""
    some = vectors[:: max(1, len(vectors) // queries)][:queries]
    k = min(10, len(vectors))
    true = retriever.search(some, k, low=SIZES[-1], high=SIZES[-1]).ids
    agreement, milliseconds = {}, {}
    for size in SIZES:
        found = retriever.search(some, k, low=size, high=size).ids
        agreement[size] = float(np.mean([len(set(a) & set(b)) / k for a, b in zip(found, true, strict=True)]))
        start = time.perf_counter()
        for one in some:
            retriever.search(one, k, low=size, high=size)
        milliseconds[size] = 1e3 * (time.perf_counter() - start) / len(some)
    return agreement, milliseconds
