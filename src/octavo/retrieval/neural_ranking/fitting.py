"""`fit`: cross-validated training on a user's own documents, queries and judgements."""

import copy
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from octavo.retrieval.neural_ranking.heuristics import BM25, FirstStage
from octavo.retrieval.neural_ranking.metrics import Judgements, evaluate_run, randomisation_test
from octavo.retrieval.neural_ranking.ranker import Ranker
from octavo.retrieval.neural_ranking.ranking_set import RankingSet, mixed
from octavo.retrieval.neural_ranking.strategies import title_pairs, weak_labels
from octavo.retrieval.neural_ranking.text import as_texts, tokenise
from octavo.retrieval.neural_ranking.training import Pairs, Recipe, best_weight, train

Strategy = Literal["supervised", "weak", "title"]


@dataclass(frozen=True)
class FitReport:
    """What cross-validation found; every query was tested by a model that had not seen it.

    Args:
        run: scores of the candidates by the first stage and the model together.
        model_run: by the model alone.
        first_run: by the first stage alone.
        metrics: nDCG@10, AP and RR of the three, each a mean over queries.
        p_value: of the paired randomisation test of `run` against `first_run`, by nDCG@10.
        weights: of the model beside the first stage, a fold each.
    """

    run: dict[str, dict[str, float]] = field(repr=False)
    model_run: dict[str, dict[str, float]] = field(repr=False)
    first_run: dict[str, dict[str, float]] = field(repr=False)
    metrics: dict[str, dict[str, float]]
    p_value: float
    weights: tuple[float, ...]

    @property
    def weight(self) -> float:
        """The mean weight, which a `Reranker` may use."""
        return float(np.mean(self.weights))


@dataclass(frozen=True)
class OutOfFold:
    """Scores of every query's candidates by a model that had not seen the query.

    Args:
        model: the model's scores.
        together: with the first stage, by the weight that the held-out fold chose.
        weights: these weights.
        held_out: nDCG@10 of each fold's held-out queries, with that weight.
        fold_of: the fold of each query.
    """

    model: Float[Tensor, "queries depth"] = field(repr=False)
    together: Float[Tensor, "queries depth"] = field(repr=False)
    weights: tuple[float, ...]
    held_out: tuple[float, ...]
    fold_of: Float[Tensor, " queries"] = field(repr=False)


def fold_of_each(queries: int, folds: int, seed: int = 0) -> Tensor:
    """A fold for each query, all of them as large as can be.

    Raises:
        ValueError: fewer than 3 folds, or fewer queries than folds.
    """
    if folds < 3 or queries < folds:
        raise ValueError(f"folds={folds} of {queries} queries: one tests, one stops, and one must train")
    order = torch.randperm(queries, generator=torch.Generator().manual_seed(seed % (1 << 63)))
    fold = torch.empty(queries, dtype=torch.long)
    fold[order] = torch.arange(queries) % folds
    return fold


def cross_validate(
    model: Ranker,
    data: RankingSet,
    fold_of: Tensor,
    recipe: Recipe | None = None,
    seed: int = 0,
    pairs: Pairs | None = None,
) -> OutOfFold:
    """Train anew for every fold from the weights that the model has; the next fold tells when to stop.

    Args:
        model: has its first weights again afterwards.
        data: queries with candidates and gains.
        fold_of: the fold of each query.
        recipe: loss and sizes.
        seed: of all random choices.
        pairs: of this model and set, where they were made before.
    """
    start = copy.deepcopy(model.state_dict())
    folds = int(fold_of.max()) + 1
    scores, together = torch.zeros_like(data.first), torch.zeros_like(data.first)
    weights, reached = [], []
    pairs = pairs or Pairs(model, data)
    for fold in range(folds):
        test = (fold_of == fold).nonzero().flatten().tolist()
        held = (fold_of == (fold + 1) % folds).nonzero().flatten().tolist()
        rows = [row for row in range(len(data)) if fold_of[row] not in (fold, (fold + 1) % folds)]
        model.load_state_dict(start)
        watched = train(model, data, rows, held, recipe, seed + fold, pairs).watched
        assert watched is not None
        weight, value = best_weight(data.take(held), watched)
        scores[test] = pairs.all_scores(test)
        together[test] = mixed(data.first[test], scores[test], weight)
        weights.append(weight)
        reached.append(value)
    model.load_state_dict(start)
    return OutOfFold(scores, together, tuple(weights), tuple(reached), fold_of)


def fit(
    model: Ranker,
    queries: Mapping[str, str] | Iterable[str],
    docs: Mapping[str, str] | Iterable[str],
    qrels: Judgements,
    loss: str = "ranknet",
    strategy: Strategy = "supervised",
    folds: int = 5,
    seed: int = 0,
    depth: int = 100,
    titles: Sequence[tuple[str, str]] = (),
    first_stage: FirstStage | None = None,
    recipe: Recipe | None = None,
) -> FitReport:
    """Cross-validate a ranker on a collection, then train it on all of it.

    Args:
        model: with a vocabulary; trained in place.
        queries, docs: texts, or mappings from their names.
        qrels: for each query's name the gains of documents by name.
        loss: pointwise, hinge, ranknet, listnet, listmle or lambdarank.
        strategy: what comes before the judgements: nothing; BM25 as the teacher; or titles that must find
            their texts.
        folds: at least 3: one tests, one tells when to stop, the others train.
        seed: of all random choices.
        depth: candidates a query, at most as many as there are documents.
        titles: pairs of a title and its text, for the other two strategies.
        first_stage: what finds the candidates; BM25 by default.
        recipe: sizes of the training; `loss` is taken from the argument.

    Raises:
        ValueError: judgements name what is not there, a query is empty, the model has no vocabulary, a
            strategy lacks titles.

    Example:
        >>> from octavo.retrieval import KNRM, Vocabulary
        >>> docs = {"a": "heat in a slab", "b": "flow around a wing", "c": "flow of heat"}
        >>> model = KNRM(torch.randn(6, 8), vocabulary=Vocabulary.build(docs.values()))
        >>> queries, qrels = {"1": "slab", "2": "wing", "3": "heat flow"}, {"1": {"a": 1}, "2": {"b": 1}}
        >>> fit(model, queries, docs, qrels, folds=3).metrics["first stage"]["nDCG@10"]
        1.0
    """
    if model.vocabulary is None:
        raise ValueError(f"{type(model).__name__} can be fitted to texts only with a vocabulary")
    recipe = replace(recipe or Recipe(), loss=loss)
    names, texts = as_texts(queries)
    stage = first_stage or BM25(docs)
    asked = dict(zip(names, texts, strict=True))
    for name, text in asked.items():
        if not tokenise(text):
            raise ValueError(f"query {name!r} has no word that is no stop word: {text!r:.80}; leave it out")
    data = RankingSet.build(model.vocabulary, asked, stage, qrels, min(depth, len(stage)))
    if not (known := data.query_ids.any(1)).all():
        unknown = names[int((~known).nonzero()[0, 0])]
        warnings.warn(
            f"{int((~known).sum())} queries have no word of the vocabulary, the first is {unknown!r}: "
            "they keep the order of the first stage",
            stacklevel=2,
        )
    if strategy != "supervised":
        if not titles:
            raise ValueError(f"strategy={strategy!r} needs titles=[(title, text), ...] to begin with")
        make = title_pairs if strategy == "title" else weak_labels
        begun = make(model.vocabulary, titles, seed=seed)
        train(model, begun, recipe=replace(recipe, loss="hinge" if strategy == "weak" else loss, epochs=1))
    fold_of = fold_of_each(len(data), folds, seed)
    found = cross_validate(model, data, fold_of, recipe, seed)
    held = (fold_of == 0).nonzero().flatten().tolist()
    train(model, data, [row for row in range(len(data)) if fold_of[row] != 0], held, recipe, seed)
    runs = {
        "together": data.as_run(found.together),
        "model": data.as_run(found.model),
        "first stage": data.as_run(data.first),
    }
    each = {name: evaluate_run(run, qrels, ["nDCG@10", "AP", "RR"]) for name, run in runs.items()}
    p_value = randomisation_test(
        list(each["together"]["nDCG@10"].values()), list(each["first stage"]["nDCG@10"].values())
    )
    metrics = {
        name: {metric: float(np.mean(list(values.values()))) for metric, values in measured.items()}
        for name, measured in each.items()
    }
    return FitReport(runs["together"], runs["model"], runs["first stage"], metrics, p_value, found.weights)
