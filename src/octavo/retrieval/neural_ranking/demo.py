"""Something small to try: `octavo demo neural_ranking`."""

import time
from functools import cache
from typing import Any, Literal

import torch

from octavo import data
from octavo.data import JudgedTexts
from octavo.retrieval.neural_ranking.drmm import DRMM
from octavo.retrieval.neural_ranking.heuristics import BM25
from octavo.retrieval.neural_ranking.kernel_models import KNRM
from octavo.retrieval.neural_ranking.ranking_set import RankingSet
from octavo.retrieval.neural_ranking.reranker import Reranker
from octavo.retrieval.neural_ranking.text import Vocabulary, tokenise
from octavo.retrieval.neural_ranking.training import Recipe, train
from octavo.retrieval.neural_ranking.vectors import static_vectors
from octavo.retrieval.neural_ranking.word_vectors import VectorRanker

SHADES = " ░▒▓█"


def demo(
    query: str = "heat transfer to a blunt body at high speed",
    ranker: Literal["drmm", "knrm"] = "drmm",
    weight: float = 0.5,
    k: int = 5,
) -> dict[str, Any]:
    """Searches abstracts of aerodynamics: BM25 beside a neural reranker.

    Where the abstracts are not here, docstrings stand in. The ranker is trained on the collection's
    judgements in a few seconds. Below each of its documents stand the query's words, shaded by the cosine of
    the word that meets them best, which is named where it is another one.

    Args:
        query: what you look for.
        ranker: DRMM or K-NRM.
        weight: of the ranker beside BM25, from 0 to 1.
        k: documents that are shown.

    Raises:
        ValueError: the weight or k cannot be, or no word of the query is known.
    """
    if not 1 <= k <= 50:
        raise ValueError(f"k={k} must lie between 1 and 50")
    texts = _collection()
    stage, model = _trained(ranker)
    start = time.perf_counter()
    search = Reranker(stage, model, depth=min(100, len(stage)), interpolate=weight)
    if model.is_empty(query):
        raise ValueError(f"no word of {query!r} is in the {len(stage):,} documents of {texts.name}")
    found, first = search.search(query, k), stage.search(query, k)
    seconds = time.perf_counter() - start

    def shown(place: int) -> str:
        title = texts.titles[stage.names[place]] or stage.names[place]
        return title if len(title) <= 52 else f"{title[:51]}…"

    columns = [
        {
            "bm25": shown(one),
            "reranked": shown(other),
            "score": round(score, 3),
            "matches": matched(model, query, stage.texts[other]),
        }
        for (one, _), (other, score) in zip(first, found, strict=True)
    ]
    return {
        "collection": texts.name,
        "documents": len(stage),
        "query": query,
        "ranker": ranker,
        "weight": weight,
        "milliseconds": round(1e3 * seconds, 1),
        "results": columns,
        "text": _as_text(texts.name, ranker, weight, columns),
    }


def matched(model: VectorRanker, query: str, text: str) -> list[dict[str, Any]]:
    """For each word of the query the word of a text that is nearest to it, with their cosine.

    Args:
        model: whose vectors are compared.
        query, text: as written.
    """
    assert model.vocabulary is not None
    words = model.vocabulary.words
    ids = [model.vocabulary.encode(each) for each in (query, text)]
    if not all(ids):
        return []
    asked, told = (torch.tensor([each]) for each in ids)
    similarity = model.similarity(asked, told, asked != 0, told != 0)[0]
    best = similarity.max(dim=1)
    return [
        {"query": words[one], "text": words[ids[1][place]], "cosine": round(value, 2)}
        for one, place, value in zip(ids[0], best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def _as_text(name: str, ranker: str, weight: float, columns: list[dict[str, Any]]) -> str:
    lines = [f"    {f'{name} by BM25':<54}  {ranker.upper()}, weight {weight:g}, beside BM25"]
    for place, row in enumerate(columns, start=1):
        lines.append(f"{place:>2}. {row['bm25']:<54}  {row['reranked']}")
        met = "  ".join(
            f"{SHADES[max(0, min(4, round(4 * each['cosine'])))]}{each['query']}"
            + ("" if each["query"] == each["text"] else f"~{each['text']}")
            for each in row["matches"]
        )
        lines.append(f"{'':58}  {met}")
    shades = "  ".join(f"{shade} {place / 4:g}" for place, shade in enumerate(SHADES) if place)
    return "\n".join([*lines, "", f"Shades are cosines: {shades}; word~other is met by another word."])


@cache
def _collection() -> JudgedTexts:
    name = "Cranfield" if data.available("Cranfield") else "Docstrings"
    found: JudgedTexts = data.load(name)
    return found


@cache
def _trained(ranker: str) -> tuple[BM25, VectorRanker]:
    """BM25 over the collection, and the ranker trained on its first judged queries."""
    texts = _collection()
    documents = texts.documents
    stage = BM25(documents)
    vocabulary = Vocabulary.build(documents.values())
    kinds: dict[str, type[DRMM] | type[KNRM]] = {"drmm": DRMM, "knrm": KNRM}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = kinds[ranker](static_vectors(vocabulary), vocabulary=vocabulary)
    asked = {name: query for name, query in list(texts.queries.items())[:120] if tokenise(query)}
    qrels = {name: {d: g for d, g in texts.gains[name].items() if d in documents} for name in asked}
    judged = RankingSet.build(vocabulary, asked, stage, qrels, depth=50)
    train(model, judged, recipe=Recipe(epochs=8))
    return stage, model
