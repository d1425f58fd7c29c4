"""Search in two stages: a cheap one lists candidates, a ranker orders them."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Literal

import torch

from octavo.retrieval.neural_ranking.formats import check_judgements
from octavo.retrieval.neural_ranking.heuristics import FirstStage
from octavo.retrieval.neural_ranking.metrics import Judgements
from octavo.retrieval.neural_ranking.ranker import Ranked, TextRanker
from octavo.retrieval.neural_ranking.ranking_set import ideal_dcg, mixed
from octavo.retrieval.neural_ranking.training import WEIGHTS


class Reranker:
    """Puts a ranker behind any first stage, and mixes the scores of both.

    Args:
        first_stage: BM25, query likelihood, or whatever has `texts` and `top(queries, depth)`.
        model: what ranks the candidates.
        depth: candidates of a query.
        interpolate: how much the model counts, from 0 to 1; "learned" is a half until `tune` has chosen.

    Raises:
        ValueError: `depth` is more than there are documents, or the weight lies outside [0, 1].

    Example:
        >>> from octavo.retrieval import BM25, KNRM, Vocabulary
        >>> docs = ["a slender wing", "heat in a slab", "flow around a wing"]
        >>> model = KNRM(torch.randn(7, 8), vocabulary=Vocabulary.build(docs))
        >>> [place for place, _ in Reranker(BM25(docs), model, 3, interpolate=0.0).search("wing", k=2)]
        [0, 2]
    """

    def __init__(
        self,
        first_stage: FirstStage,
        model: TextRanker,
        depth: int = 100,
        interpolate: float | Literal["learned"] = "learned",
    ) -> None:
        if not 0 < depth <= len(first_stage):
            raise ValueError(f"depth={depth} candidates of {len(first_stage)} documents cannot be listed")
        weight = 0.5 if interpolate == "learned" else float(interpolate)
        if not 0 <= weight <= 1:
            raise ValueError(f"interpolate={interpolate} must lie between 0 (first stage) and 1 (model)")
        self.first_stage, self.model, self.depth, self.weight = first_stage, model, depth, weight

    def search(self, query: str, k: int = 10) -> Ranked:
        """The k best documents by their place, with their mixed scores.

        A query of which the model knows no word keeps the first stage's order.

        Args:
            query: what is asked.
            k: how many.

        Raises:
            ValueError: the query is empty, or k is more than `depth`.
        """
        if not query.strip():
            raise ValueError("the query is empty")
        if not 0 < k <= self.depth:
            raise ValueError(f"k={k} cannot be more than depth={self.depth}, which is what is ranked")
        places, first, model = self._both(query)
        scores = mixed(first[None], model[None], self.weight if model.any() else 0.0)[0]
        order = scores.sort(descending=True, stable=True).indices[:k].tolist()
        return [(places[place], float(scores[place])) for place in order]

    def tune(self, queries: Mapping[str, str], qrels: Judgements) -> float:
        """Choose the weight with the best mean nDCG@10 on judged queries, and keep it.

        Args:
            queries: by name; not those that the model was trained on.
            qrels: gains by query and document name.

        Raises:
            ValueError: judgements name what is not there, or no query has a relevant document.
        """
        names = self.first_stage.names
        check_judgements(qrels, dict.fromkeys(names, ""), queries)
        totals = torch.zeros(len(WEIGHTS))
        judged = [name for name in queries if any(qrels.get(name, {}).values())]
        if not judged:
            raise ValueError("no query has a relevant document, so no weight can be chosen")
        discount = torch.arange(2, 12).log2().reciprocal()
        for name in judged:
            places, first, model = self._both(queries[name])
            gains = torch.tensor([2.0 ** qrels[name].get(names[place], 0) - 1 for place in places])
            for row, weight in enumerate(WEIGHTS):
                order = mixed(first[None], model[None], weight)[0].sort(descending=True, stable=True).indices
                top = gains[order[:10]]
                totals[row] += (top * discount[: len(top)]).sum() / ideal_dcg(list(qrels[name].values()))
        # The smallest of equally good weights: argmax gives the first.
        self.weight = WEIGHTS[int(totals.argmax())]
        return self.weight

    def _both(self, query: str) -> tuple[list[int], torch.Tensor, torch.Tensor]:
        """The candidates, and both scores of each; zeros from a model that knows no word of the query."""
        places, first = self.first_stage.top([query], self.depth)
        texts: Sequence[str] = [self.first_stage.texts[place] for place in places[0]]
        scores = torch.zeros(self.depth)
        if self.model.is_empty(query):
            warnings.warn("a query has no word that the model knows: the first stage ranks", stacklevel=3)
        else:
            there = [place for place, text in enumerate(texts) if not self.model.is_empty(text)]
            with torch.no_grad():
                found = self.model.scores(query, [texts[place] for place in there])
            # A document without a known word comes behind all others.
            scores = torch.full((self.depth,), float(found.min()) if len(found) else 0.0)
            scores[there] = found
        return places[0].tolist(), torch.from_numpy(first[0]), scores
