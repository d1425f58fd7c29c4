"""Training a ranker on lists of candidates, and choosing how much it counts beside the first stage."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from octavo.retrieval.neural_ranking.losses import LOSSES
from octavo.retrieval.neural_ranking.ranker import Ranker, TwoTowers
from octavo.retrieval.neural_ranking.ranking_set import RankingSet, mixed

WEIGHTS = tuple(place / 20 for place in range(21))
"""Weights of the model that are tried beside the first stage."""
TEXTS_AT_ONCE = 256
"""Documents that a tower reads at a time when it reads many."""
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
        shared: compare each query with the documents of all queries of the step as well, as if none of them
            were relevant, where a model makes a vector of each text: that costs it next to nothing.
    """

    loss: str = "ranknet"
    epochs: int = 10
    batch: int = 8
    listed: int = 10
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    patience: int = 3
    watched: int = 50
    shared: bool = False

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"{self.loss!r} is no loss; there are {', '.join(LOSSES)}")


@dataclass(frozen=True)
class Trained:
    """What training did.

    Args:
        losses: the mean of each epoch.
        held_out: nDCG@10 on the held-out queries, before training and after each epoch.
        watched: the scores of their first candidates by the weights that were kept.
    """

    losses: tuple[float, ...] = field(repr=False)
    held_out: tuple[float, ...] = field(repr=False)
    watched: Float[Tensor, "queries watched"] | None = field(repr=False, default=None)


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
        kept: Tensor | None = None
        # Few documents share too few words for the work of a query to be worth sharing.
        for rows in torch.arange(len(self.data)).split(32 if self.data.depth <= SHALLOW else 1):
            if self.data.depth <= SHALLOW:
                query, docs, _ = self._words(rows, self.data.candidates[rows], whole_queries=True)
                features = model.features(query, docs, query != 0, docs != 0)
            else:
                docs = self.data.doc_ids[self.data.candidates[rows[0]]]
                docs = docs[:, : max(1, int((docs != 0).sum(1).max()))].to(self.device)
                features = model.features_of_query(self.data.query_ids[rows[0]].to(self.device), docs)
            if kept is None:
                # In its place at once: a list that is stacked would be there twice.
                kept = torch.empty(len(self.data), self.data.depth, *features.shape[1:])
            kept[rows] = features.cpu().float().unflatten(0, (len(rows), self.data.depth))
        assert kept is not None
        return kept

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
        elif isinstance(model, TwoTowers):
            asked, told, places = self._vectors(rows, self.data.candidates[rows].gather(1, listed))
            flat = model.compare(asked[:, None], told[places])
        else:
            query, docs, idf = self._words(rows, self.data.candidates[rows].gather(1, listed))
            flat = model(query, docs, idf=idf)
        return torch.as_tensor(flat).reshape(listed.shape)

    def shared_scores(
        self, rows: Int[Tensor, " rows"], listed: Int[Tensor, "rows listed"]
    ) -> tuple[Float[Tensor, "rows docs"], Float[Tensor, "rows docs"]]:
        """Scores and gains of each query with the listed documents of all; for models of two towers.

        A document that only another query has listed counts as not relevant.
        """
        model: Any = self.model
        asked, told, places = self._vectors(rows, self.data.candidates[rows].gather(1, listed))
        gains = torch.zeros(len(asked), len(told))
        gains.scatter_(1, places.cpu(), self.data.gains[rows].gather(1, listed))
        return model.compare(asked[:, None], told[None]), gains.to(self.device)

    def _vectors(
        self, rows: Int[Tensor, " rows"], docs: Int[Tensor, "rows listed"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors of queries, of all different documents, and where among these each document is."""
        model: Any = self.model
        distinct, places = docs.unique(return_inverse=True)
        parts = []
        for some in distinct.split(TEXTS_AT_ONCE):
            ids = self.data.doc_ids[some]
            ids = ids[:, : max(1, int((ids != 0).sum(1).max()))].to(self.device)
            parts.append(model.texts(ids, ids != 0, 1))
        query = self.data.query_ids[rows].to(self.device)
        return model.texts(query, query != 0, 0), torch.cat(parts), places.to(self.device)

    @torch.no_grad()
    def all_scores(self, rows: Sequence[int], depth: int | None = None) -> Float[Tensor, "rows depth"]:
        """The model's scores of all candidates of some queries, or of the first `depth` of them."""
        training = self.model.training
        self.model.eval()
        everything = torch.arange(min(depth or self.data.depth, self.data.depth))
        # What is kept or made once is scored for many queries at a time, other documents a query at a time.
        many = self.features is not None or isinstance(self.model, TwoTowers)
        found = [
            self.scores(some, everything.expand(len(some), -1))
            for some in torch.as_tensor(rows, dtype=torch.long).split(100 if many else 1)
        ]
        self.model.train(training)
        return torch.cat(found).float().cpu() if len(rows) else torch.zeros(0, len(everything))


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
    losses: list[float] = []
    watch = _Watch(pairs, held_out, recipe.watched)
    watch.look()
    for _ in range(recipe.epochs):
        model.train()
        total = torch.zeros(())
        batches = _batches(lengths, recipe.batch, generator)
        for some in (rows_there[each] for each in batches):
            listed = listing(data.gains[some], recipe.listed, generator)
            if recipe.shared and isinstance(model, TwoTowers):
                scores, gains = pairs.shared_scores(some, listed)
            else:
                scores = pairs.scores(some, listed)
                gains = data.gains[some].gather(1, listed).to(pairs.device)
            value = loss(scores.float(), gains, torch.ones_like(gains, dtype=torch.bool))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(learning, 5.0)
            optimizer.step()
            total += value.detach().cpu()
        losses.append(float(total) / max(1, len(batches)))
        if watch.look() >= recipe.patience:
            break
    if held_out:
        model.load_state_dict(watch.kept)
    model.eval()
    return Trained(tuple(losses), tuple(watch.reached), watch.scores)


class _Watch:
    """Keeps the weights that are best on held-out queries.

    What training begins with is one of them: what was learnt before may be better than what follows.
    """

    def __init__(self, pairs: Pairs, held_out: Sequence[int], depth: int) -> None:
        self.pairs, self.rows, self.depth = pairs, list(held_out), depth
        self.reached: list[float] = []
        self.kept: dict[str, Any] = {}
        self.scores: Tensor | None = None

    def look(self) -> int:
        """Measure the model as it is; returns how many looks ago it was best, 0 where nothing is held out."""
        if not self.rows:
            return 0
        scores = self.pairs.all_scores(self.rows, self.depth)
        self.reached.append(float(self.pairs.data.take(self.rows).ndcg(scores).mean()))
        best = self.reached.index(max(self.reached))
        if best == len(self.reached) - 1:
            self.kept, self.scores = copy.deepcopy(self.pairs.model.state_dict()), scores
        return len(self.reached) - 1 - best


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


def best_weight(data: RankingSet, model_scores: Float[Tensor, "queries listed"]) -> tuple[float, float]:
    """The weight of the model beside the first stage that has the best nDCG@10, and that value.

    Of equally good ones the smallest is taken, which trusts the first stage most.

    Args:
        data: queries with gains.
        model_scores: of their candidates, or of the first of them.
    """
    first = data.first[:, : model_scores.shape[1]]
    reached = [float(data.ndcg(mixed(first, model_scores, weight)).mean()) for weight in WEIGHTS]
    top = max(reached)
    return WEIGHTS[reached.index(top)], top
