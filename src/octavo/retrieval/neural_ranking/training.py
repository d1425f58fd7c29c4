"""Training a ranker on lists of candidates, and choosing how much it counts beside the first stage."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from octavo.retrieval.neural_ranking.losses import LOSSES
from octavo.retrieval.neural_ranking.ranker import Ranker
from octavo.retrieval.neural_ranking.ranking_set import RankingSet, mixed

WEIGHTS = tuple(place / 20 for place in range(21))
"""Weights of the model that are tried beside the first stage."""
SHALLOW = 20
"""Candidates a query up to which features are computed for many queries at once."""


@dataclass(frozen=True)
class Recipe:
    """How a ranker is trained; every model of a comparison has the same.

    Args:
        loss: a name of `LOSSES`.
        epochs: passes over the queries.
        batch: queries a step.
        listed: documents of each query a step, up to half of them relevant.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
        patience: epochs without a better nDCG@10 on the held-out queries before training stops.
        watched: candidates of a held-out query that this nDCG@10 ranks.
    """

    loss: str = "ranknet"
    epochs: int = 10
    batch: int = 8
    listed: int = 10
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    patience: int = 3
    watched: int = 50

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"{self.loss!r} is no loss; there are {', '.join(LOSSES)}")


@dataclass(frozen=True)
class Trained:
    """What training did.

    Args:
        losses: the mean of each epoch.
        held_out: nDCG@10 on the held-out queries after each epoch.
        best: of them.
    """

    losses: tuple[float, ...] = field(repr=False)
    held_out: tuple[float, ...] = field(repr=False)

    @property
    def best(self) -> float:
        """The nDCG@10 of the weights that were kept; 0 where nothing was held out."""
        return max(self.held_out, default=0.0)


class Pairs:
    """The pairs of a set as a model reads them; what never changes is computed once.

    Args:
        model: what reads them.
        data: queries with candidates.
    """

    def __init__(self, model: Ranker, data: RankingSet) -> None:
        self.model, self.data = model, data
        self.device = model.word_idf.device
        self.features = self._features() if getattr(model, "fixed_features", False) else None

    @torch.no_grad()
    def _features(self) -> Tensor:
        model: Any = self.model
        found = []
        if self.data.depth <= SHALLOW:
            # Few documents share too few words for the work of a query to be worth sharing.
            for rows in torch.arange(len(self.data)).split(32):
                query, docs, _ = self._words(rows, self.data.candidates[rows], whole_queries=True)
                features = model.features(query, docs, query != 0, docs != 0).cpu()
                found += list(features.unflatten(0, (len(rows), self.data.depth)))
            return torch.stack(found)
        for query, places in zip(self.data.query_ids, self.data.candidates, strict=True):
            docs = self.data.doc_ids[places]
            docs = docs[:, : max(1, int((docs != 0).sum(1).max()))]
            found.append(model.features_of_query(query.to(self.device), docs.to(self.device)).cpu())
        return torch.stack(found)

    def _words(
        self, rows: Int[Tensor, " rows"], docs: Int[Tensor, "rows listed"], whole_queries: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Ids of queries and documents, flat, cut to the longest of them, and the frequencies."""
        listed = docs.shape[1]
        query = self.data.query_ids[rows]
        longest = query.shape[1] if whole_queries else max(1, int((query != 0).sum(1).max()))
        texts = self.data.doc_ids[docs.flatten()]
        texts = texts[:, : max(1, int((texts != 0).sum(1).max()))]
        query = query[:, :longest].repeat_interleave(listed, dim=0)
        idf = self.data.query_idf[rows][:, :longest].repeat_interleave(listed, dim=0)
        return query.to(self.device), texts.to(self.device), idf.to(self.device)

    def scores(
        self, rows: Int[Tensor, " rows"], listed: Int[Tensor, "rows listed"]
    ) -> Float[Tensor, "rows listed"]:
        """The model's scores of some candidates, by their rank in the first stage."""
        model: Any = self.model
        if self.features is not None:
            picked = self.features[rows[:, None], listed].flatten(0, 1).to(self.device)
            query = self.data.query_ids[rows].repeat_interleave(listed.shape[1], dim=0).to(self.device)
            idf = self.data.query_idf[rows].repeat_interleave(listed.shape[1], dim=0).to(self.device)
            flat = model.head(picked, query != 0, idf)
        else:
            query, docs, idf = self._words(rows, self.data.candidates[rows].gather(1, listed))
            flat = model(query, docs, idf=idf)
        return torch.as_tensor(flat).reshape(listed.shape)

    @torch.no_grad()
    def all_scores(self, rows: Sequence[int], depth: int | None = None) -> Float[Tensor, "rows depth"]:
        """The model's scores of all candidates of some queries, or of the first `depth` of them."""
        training = self.model.training
        self.model.eval()
        everything = torch.arange(min(depth or self.data.depth, self.data.depth))[None]
        found = [self.scores(torch.tensor([row]), everything) for row in rows]
        self.model.train(training)
        return torch.cat(found).float().cpu() if found else torch.zeros(0, everything.shape[1])


def train(
    model: Ranker,
    data: RankingSet,
    rows: Sequence[int] | None = None,
    held_out: Sequence[int] = (),
    recipe: Recipe | None = None,
    seed: int = 0,
    pairs: Pairs | None = None,
) -> Trained:
    """Train a ranker on some queries of a set; its best weights on the held-out ones are kept.

    A query without a relevant candidate gives no gradient and is passed over.

    Args:
        model: trained in place.
        data: queries with candidates and gains.
        rows: the queries to train on; all by default.
        held_out: those that tell when to stop.
        recipe: loss and sizes.
        seed: of the order and of what is listed.
        pairs: of this model and set, where they were made before.
    """
    recipe = recipe or Recipe()
    pairs = pairs or Pairs(model, data)
    loss = LOSSES[recipe.loss]
    useful = [row for row in (range(len(data)) if rows is None else rows) if data.gains[row].any()]
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        learning, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, foreach=True
    )
    generator = torch.Generator().manual_seed(seed % (1 << 63))
    rows_there = torch.tensor(useful, dtype=torch.long)
    lengths = (data.doc_ids[data.candidates[rows_there, 0]] != 0).sum(1)
    best, kept, losses, reached = -1.0, copy.deepcopy(model.state_dict()), [], []
    for _ in range(recipe.epochs):
        model.train()
        total = torch.zeros(())
        batches = _batches(lengths, recipe.batch, generator)
        for some in (rows_there[each] for each in batches):
            listed = listing(data.gains[some], recipe.listed, generator)
            gains = data.gains[some].gather(1, listed).to(pairs.device)
            scores = pairs.scores(some, listed)
            value = loss(scores.float(), gains, torch.ones_like(gains, dtype=torch.bool))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(learning, 5.0)
            optimizer.step()
            total += value.detach().cpu()
        losses.append(float(total) / max(1, len(batches)))
        if held_out:
            watched = pairs.all_scores(held_out, recipe.watched)
            reached.append(float(data.take(list(held_out)).ndcg(watched).mean()))
            if reached[-1] > best:
                best, kept = reached[-1], copy.deepcopy(model.state_dict())
            elif len(reached) - 1 - reached.index(max(reached)) >= recipe.patience:
                break
    if held_out:
        model.load_state_dict(kept)
    model.eval()
    return Trained(tuple(losses), tuple(reached))


def _batches(
    lengths: Int[Tensor, " rows"], size: int, generator: torch.Generator
) -> list[Int[Tensor, " batch"]]:
    """Batches of rows in random order, each of rows with documents of about one length: padding is work."""
    order = torch.randperm(len(lengths), generator=generator)
    groups = torch.tensor_split(order[lengths[order].sort(stable=True).indices], 4)
    batches = [each for group in groups for each in group[_shuffled(len(group), generator)].split(size)]
    return [batches[place] for place in _shuffled(len(batches), generator).tolist() if len(batches[place])]


def _shuffled(number: int, generator: torch.Generator) -> Int[Tensor, " number"]:
    return torch.randperm(number, generator=generator)


def listing(
    gains: Float[Tensor, "rows depth"], number: int, generator: torch.Generator
) -> Int[Tensor, "rows number"]:
    """For each query some of its candidates: relevant ones, at most half, then others, both at random.

    Args:
        gains: of all candidates.
        number: how many are listed.
        generator: of the choice.
    """
    chance = torch.rand(gains.shape, generator=generator)
    relevant = gains > 0
    # Relevant candidates have values above 1 and come first, but only half of the list is theirs.
    first = (chance + relevant).argsort(-1, descending=True)
    ranks = first.argsort(-1)
    wanted = torch.where(relevant, torch.where(ranks < number // 2, chance + 2, chance - 2), chance)
    return wanted.topk(min(number, gains.shape[1]), dim=-1).indices


def best_weight(data: RankingSet, model_scores: Float[Tensor, "queries depth"]) -> tuple[float, float]:
    """The weight of the model beside the first stage that has the best nDCG@10, and that value.

    Of equally good ones the smallest is taken, which trusts the first stage most.

    Args:
        data: queries with gains.
        model_scores: of their candidates.
    """
    reached = [float(data.ndcg(mixed(data.first, model_scores, weight)).mean()) for weight in WEIGHTS]
    top = max(reached)
    return WEIGHTS[reached.index(top)], top
