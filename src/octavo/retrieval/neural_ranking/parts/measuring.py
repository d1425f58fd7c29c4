"""What the parts of the experiment share: training one model from titles to folds, and recording it."""

from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo.lab import Lab
from octavo.retrieval.neural_ranking.fitting import OutOfFold, cross_validate
from octavo.retrieval.neural_ranking.kernel_models import KNRM
from octavo.retrieval.neural_ranking.parts.material import POOLED, Material, built, of_titles, recipe
from octavo.retrieval.neural_ranking.ranker import TwoTowers
from octavo.retrieval.neural_ranking.ranking_set import mixed
from octavo.retrieval.neural_ranking.scales import Config
from octavo.retrieval.neural_ranking.training import best_weight, train


def record(lab: Lab, found: Material, system: str, scores: Tensor) -> np.ndarray:
    """nDCG@10, AP and RR of scores of all candidates, on each collection and on all; returns nDCG@10."""
    joined = found.joined
    ndcg = joined.ndcg(scores).numpy().astype(float)
    order = scores.sort(dim=-1, descending=True, stable=True).indices
    hits = (joined.gains.gather(1, order) > 0).numpy()
    relevant = np.array(
        [
            sum(gain > 0 and doc in each.texts for doc, gain in each.gains[query].items())
            for each in found.texts.values()
            for query in each.queries
        ]
    )
    precision = hits.cumsum(1) / np.arange(1, hits.shape[1] + 1)
    measured = {
        "ndcg_at_10": ndcg,
        # All relevant documents count, also those that are no candidates.
        "average_precision": (precision * hits).sum(1) / np.maximum(1, relevant),
        "mrr": np.where(hits.any(1), 1 / (hits.argmax(1) + 1), 0.0),
    }
    for dataset, rows in found.rows.items():
        for metric, values in measured.items():
            if rows:
                items = published(values[rows])
                lab.record(system=system, dataset=dataset, metric=metric, value=items.mean(), items=items)
    return ndcg


def published(values: np.ndarray) -> np.ndarray:
    """Values of queries with four digits, so that those of all systems fit into what is published."""
    return values.round(4)


def begun(config: Config, lab: Lab, found: Material, name: str) -> Any:
    """A model of this seed that has learnt to find abstracts by their titles."""
    model = built(name, config, found, lab)
    sizes: dict[str, Any] = {"epochs": config.title_epochs, "batch": config.title_batch}
    if isinstance(model, TwoTowers):
        # DSSM's own objective, a softmax over documents, here over those of many titles.
        sizes |= {"loss": "listnet", "shared": True, "listed": 2, "batch": 2 * config.title_batch}
    else:
        sizes["listed"] = config.title_listed
    titles = of_titles(config, found.vocabulary)
    train(model, titles, recipe=recipe(config, name, **sizes), seed=lab.key("titles"))
    return model


def measured(config: Config, lab: Lab, found: Material, name: str) -> OutOfFold:
    """One model from titles to folds, alone and together with BM25."""
    model = begun(config, lab, found, name)
    lab.say(f"{name}: titles are learnt")
    out = cross_validate(model, found.joined, found.fold_of, recipe(config, name), lab.key("folds"))
    record(lab, found, name, out.model)
    record(lab, found, f"{name}+bm25", out.together)
    lab.record(system=name, dataset=POOLED, metric="weight", value=np.mean(out.weights), items=out.weights)
    if isinstance(model, KNRM):
        for mean, value in zip(model.means, model.linear.weight[0].tolist(), strict=True):
            lab.record(system=name, dataset=POOLED, metric="kernel_weight", value=value, at={"mean": mean})
    number = sum(each.numel() for each in model.parameters() if each.requires_grad)
    lab.record(system=name, dataset=POOLED, metric="parameters", value=number)
    return out


def weighted(found: Material, scores: Tensor) -> Tensor:
    """Scores mixed with BM25's, the weight of each fold chosen on the others."""
    joined, together = found.joined, torch.zeros_like(scores)
    for fold in found.fold_of.unique().tolist():
        others = (found.fold_of != fold).nonzero().flatten()
        test = (found.fold_of == fold).nonzero().flatten()
        weight, _ = best_weight(joined.take(others), scores[others])
        together[test] = mixed(joined.first[test], scores[test], weight)
    return together


def overlap(found: Material) -> np.ndarray:
    """For each query the share of its words that its relevant documents have, on average over these."""
    shares = []
    for each in found.texts.values():
        documents = each.documents
        known = {name: set(found.vocabulary.encode(text)) for name, text in documents.items()}
        for name, query in each.queries.items():
            words = set(found.vocabulary.encode(query))
            relevant = [known[doc] for doc, gain in each.gains[name].items() if gain > 0 and doc in known]
            met = [len(words & there) / len(words) for there in relevant] if words else []
            shares.append(np.mean(met) if met else 0.0)
    return np.array(shares)


def restarted(lab: Lab, seed: int) -> Lab:
    """The lab of another seed inside the same unit, where one unit trains several."""
    other = copy(lab)
    other.seed = seed
    return other
