"""Queries with their candidates: what rankers are trained and tested on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from octavo.retrieval.neural_ranking.formats import check_judgements
from octavo.retrieval.neural_ranking.heuristics import FirstStage
from octavo.retrieval.neural_ranking.metrics import Judgements
from octavo.retrieval.neural_ranking.text import Vocabulary


@dataclass(frozen=True)
class RankingSet:
    """Queries, the documents that a first stage found for each, and their gains.

    Args:
        names: of the queries.
        docs: names of the documents.
        query_ids, doc_ids: their words, 0 behind the last.
        query_idf: how rare each word of a query is in its own collection.
        candidates: places of documents, as the first stage ranked them.
        first: its scores.
        gains: of the candidates.
        ideal: the largest possible DCG@10 of each query, over all that was judged.
    """

    names: tuple[str, ...] = field(repr=False)
    docs: tuple[str, ...] = field(repr=False)
    query_ids: Int[Tensor, "queries q"] = field(repr=False)
    doc_ids: Int[Tensor, "docs d"] = field(repr=False)
    query_idf: Float[Tensor, "queries q"] = field(repr=False)
    candidates: Int[Tensor, "queries depth"] = field(repr=False)
    first: Float[Tensor, "queries depth"] = field(repr=False)
    gains: Float[Tensor, "queries depth"] = field(repr=False)
    ideal: Float[Tensor, " queries"] = field(repr=False)

    @classmethod
    def build(
        cls,
        vocabulary: Vocabulary,
        queries: Mapping[str, str],
        first_stage: FirstStage,
        qrels: Judgements,
        depth: int = 100,
        query_length: int = 24,
        doc_length: int = 128,
    ) -> "RankingSet":
        """Search each query with a first stage, and look up what was judged of what it found.

        Args:
            vocabulary: from words to ids.
            queries: by name.
            first_stage: over the collection.
            qrels: gains by query and document name.
            depth: candidates a query, or all documents where there are fewer.
            query_length, doc_length: words that are kept.

        Raises:
            ValueError: judgements name what is not there, or are negative.
        """
        docs = first_stage.names
        check_judgements(qrels, dict.fromkeys(docs, ""), queries)
        names = tuple(queries)
        places, scores = first_stage.top([queries[name] for name in names], min(depth, len(docs)))
        gains = [
            [float(qrels.get(name, {}).get(docs[place], 0)) for place in row]
            for name, row in zip(names, places, strict=True)
        ]
        query_ids, _ = vocabulary.batch([queries[name] for name in names], query_length)
        doc_ids, _ = vocabulary.batch(first_stage.texts, doc_length)
        idf = document_frequencies(doc_ids, len(vocabulary))
        return cls(
            names,
            tuple(docs),
            query_ids,
            doc_ids,
            idf[query_ids] * (query_ids != 0),
            torch.from_numpy(places),
            torch.from_numpy(scores),
            torch.tensor(gains).reshape(places.shape),
            torch.tensor([ideal_dcg(list(qrels.get(name, {}).values())) for name in names]),
        )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def depth(self) -> int:
        """Candidates a query."""
        return self.candidates.shape[1]

    def take(self, rows: Sequence[int] | Int[Tensor, " rows"]) -> "RankingSet":
        """Some of the queries, over the same documents."""
        rows = torch.as_tensor(rows)
        picked: dict[str, Any] = {
            name: getattr(self, name)[rows]
            for name in ("query_ids", "query_idf", "candidates", "first", "gains", "ideal")
        }
        return replace(self, names=tuple(self.names[row] for row in rows.tolist()), **picked)

    @staticmethod
    def joined(sets: Mapping[str, "RankingSet"]) -> "RankingSet":
        """Several collections as one; queries and documents have the name of theirs before their own.

        Raises:
            ValueError: they have different depths.
        """
        parts = list(sets.values())
        if len({part.depth for part in parts}) != 1:
            raise ValueError(f"sets of depths {[part.depth for part in parts]} cannot be joined")
        starts = np.cumsum([0, *(len(part.docs) for part in parts)]).tolist()

        def stacked(of: Callable[["RankingSet"], Tensor]) -> Tensor:
            tensors = [of(part) for part in parts]
            longest = max(tensor.shape[1] for tensor in tensors)
            return torch.cat([F.pad(tensor, (0, longest - tensor.shape[1])) for tensor in tensors])

        return RankingSet(
            tuple(f"{key}/{name}" for key, part in sets.items() for name in part.names),
            tuple(f"{key}/{name}" for key, part in sets.items() for name in part.docs),
            stacked(lambda part: part.query_ids),
            stacked(lambda part: part.doc_ids),
            stacked(lambda part: part.query_idf),
            torch.cat([part.candidates + start for part, start in zip(parts, starts, strict=False)]),
            torch.cat([part.first for part in parts]),
            torch.cat([part.gains for part in parts]),
            torch.cat([part.ideal for part in parts]),
        )

    @staticmethod
    def chosen(sets: Sequence["RankingSet"]) -> "RankingSet":
        """The k-th query of the k-th set, where all sets ask the same queries of the same documents."""
        picked: dict[str, Any] = {
            name: torch.stack([getattr(each, name)[row] for row, each in enumerate(sets)])
            for name in ("candidates", "first", "gains")
        }
        return replace(sets[0], **picked)

    def ndcg(
        self, scores: Float[Tensor, "queries depth"], exponential: bool = True
    ) -> Float[Tensor, " queries"]:
        """nDCG@10 of each query under scores of its candidates, ties in the first stage's order.

        Args:
            scores: of the candidates.
            exponential: gains 2^g - 1.
        """
        order = scores.sort(dim=-1, descending=True, stable=True).indices[:, :10]
        gains = self.gains.gather(1, order)  # Scores of the first few candidates are enough.
        gains = gains.exp2() - 1 if exponential else gains
        discount = torch.arange(2, gains.shape[1] + 2).log2().reciprocal()
        return (gains * discount).sum(1) / self.ideal.clamp_min(1e-9)

    def as_run(self, scores: Float[Tensor, "queries depth"]) -> dict[str, dict[str, float]]:
        """Scores by name, as `evaluate_run` and TREC files take them."""
        return {
            name: {self.docs[place]: value for place, value in zip(places, values, strict=True)}
            for name, places, values in zip(
                self.names, self.candidates.tolist(), scores.tolist(), strict=True
            )
        }


def document_frequencies(doc_ids: Int[Tensor, "docs d"], words: int) -> Float[Tensor, " words"]:
    """log(1 + (N - n + 0.5) / (n + 0.5)) of each word, n of N documents having it."""
    ordered = doc_ids.sort(dim=1).values
    new = torch.ones_like(ordered, dtype=torch.bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    n = torch.bincount(ordered[new], minlength=words).float()
    return ((len(doc_ids) - n + 0.5) / (n + 0.5)).log1p()


def ideal_dcg(gains: Sequence[int], depth: int = 10) -> float:
    """DCG of the best order, with gains 2^g - 1."""
    best = np.sort(np.asarray([gain for gain in gains if gain > 0], dtype=np.float64))[::-1][:depth]
    return float(((2**best - 1) / np.log2(np.arange(2, len(best) + 2))).sum())


def standardised(
    scores: Float[Tensor, "queries depth"], mask: Bool[Tensor, "queries depth"] | None = None
) -> Float[Tensor, "queries depth"]:
    """Each query's scores with mean 0 and deviation 1; all 0 where they are the same."""
    centred = scores - scores.mean(-1, keepdim=True)
    deviation = centred.square().mean(-1, keepdim=True).sqrt()
    return torch.where(deviation > 1e-9, centred / deviation.clamp_min(1e-9), 0.0)


def mixed(
    first: Float[Tensor, "queries depth"], model: Float[Tensor, "queries depth"], weight: float
) -> Float[Tensor, "queries depth"]:
    """(1 - weight) of the first stage's standardised scores and weight of the model's."""
    return (1 - weight) * standardised(first) + weight * standardised(model)
