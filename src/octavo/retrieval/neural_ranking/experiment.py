"""What the survey says of neural ranking models, measured on judged collections."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo import data
from octavo.lab import Lab, house_style, part, weights
from octavo.retrieval.neural_ranking import figures
from octavo.retrieval.neural_ranking.encoders import CrossEncoder
from octavo.retrieval.neural_ranking.features import HandCrafted, LambdaMARTFeatures
from octavo.retrieval.neural_ranking.fitting import cross_validate
from octavo.retrieval.neural_ranking.heuristics import QueryLikelihood
from octavo.retrieval.neural_ranking.kernel_models import KNRM
from octavo.retrieval.neural_ranking.losses import LOSSES
from octavo.retrieval.neural_ranking.metrics import randomisation_test
from octavo.retrieval.neural_ranking.parts.material import (
    CHEAP,
    CLASSIC,
    POOLED,
    THIRDS,
    Material,
    built,
    frequent_words,
    material,
    recipe,
    titles,
)
from octavo.retrieval.neural_ranking.parts.measuring import (
    begun,
    measured,
    overlap,
    published,
    record,
    restarted,
    weighted,
)
from octavo.retrieval.neural_ranking.parts.plots import (
    by_objective,
    by_strategy,
    families,
    kernels,
    leaderboard,
    leaderboard_of_collections,
    overlap_thirds,
)
from octavo.retrieval.neural_ranking.ranking_set import mixed
from octavo.retrieval.neural_ranking.scales import SCALES, Config
from octavo.retrieval.neural_ranking.strategies import weak_labels
from octavo.retrieval.neural_ranking.training import Pairs, train

__all__ = [
    "SCALES",
    "Config",
    "by_objective",
    "by_strategy",
    "families",
    "kernels",
    "leaderboard",
    "leaderboard_of_collections",
    "overlap_thirds",
]

INTERACTION = ("knrm", "drmm", "match_pyramid", "conv_knrm")
REPRESENTATION = ("arc_i", "dssm")
SYMMETRIC = ("arc_ii",)
OTHERS = ("pacrr", "mv_lstm", "duet", "cdssm")


@part(seeds=1, data=(*CLASSIC, "minilm"))
def baselines(config: Config, lab: Lab) -> None:
    """BM25 tuned and untuned, query likelihood, LambdaMART over 14 features, and a pretrained bi-encoder.

    Nothing here is drawn at random: the numbers stand beside every seed of the others.
    """
    found = material(config, config.collections)
    joined, texts = found.joined, found.texts
    untuned = {dataset: published(found.untuned[rows]) for dataset, rows in found.rows.items()}
    for dataset, items in untuned.items():
        lab.record(
            system="bm25_untuned", dataset=dataset, metric="ndcg_at_10", value=items.mean(), items=items
        )
    ranked = {"bm25": joined.first}
    likelihood, features = torch.zeros_like(joined.first), []
    gains, start, row = joined.gains.numpy(), 0, 0
    for each in texts.values():
        documents = each.documents
        stage = QueryLikelihood(documents)
        crafted = HandCrafted([each.titles[name] for name in documents], list(documents.values()))
        for query in each.queries.values():
            places = joined.candidates[row].numpy() - start
            likelihood[row] = torch.from_numpy(stage.scores(query)[places])
            features.append(crafted.of(query, places))
            row += 1
        start += len(documents)
    ranked["query_likelihood"] = likelihood
    trees = torch.zeros_like(joined.first)
    for fold in range(config.folds):
        held, test = found.fold_of == (fold + 1) % config.folds, found.fold_of == fold
        chosen = [mask.nonzero().flatten().tolist() for mask in (~(held | test), held, test)]
        lists = [([features[r] for r in rows], [gains[r] for r in rows]) for rows in chosen]
        model = LambdaMARTFeatures(config.trees).fit(*lists[0], held_out=lists[1])
        for r in chosen[2]:
            trees[r] = torch.from_numpy(model.scores(features[r])).float()
    ranked["lambdamart"] = trees
    if config.encoder:
        ranked["bi_encoder"] = encoded(config, found)
        ranked["bi_encoder+bm25"] = weighted(found, ranked["bi_encoder"])
    for seed in range(config.seeds):
        for system, scores in ranked.items():
            record(restarted(lab, seed), found, system, scores)


def encoded(config: Config, found: Material) -> Tensor:
    """all-MiniLM-L6-v2 as it comes: cosines of the best candidates.

    What lies behind the candidates that are encoded keeps its place.
    """
    joined, start, row = found.joined, 0, 0
    depth = min(config.encoder_depth, joined.depth)
    cosines = -1 - torch.arange(joined.depth).expand(joined.first.shape) / joined.depth
    cosines = cosines.clone()
    for each in found.texts.values():
        documents, queries = list(each.documents.values()), list(each.queries.values())
        places = joined.candidates[row : row + len(queries), :depth] - start
        used = places.unique()
        vectors = torch.from_numpy(data.encode([documents[place] for place in used.tolist()]))
        asked = torch.from_numpy(data.encode(queries))
        rows = torch.searchsorted(used, places)
        cosines[row : row + len(queries), :depth] = (vectors[rows] * asked[:, None]).sum(-1)
        start, row = start + len(documents), row + len(queries)
    return cosines


@part(data=(*CLASSIC, "arxiv_abstracts"))
def interaction(config: Config, lab: Lab) -> None:
    """Models that compare words first; the best of each fold's held-out queries against BM25."""
    found = material(config, config.collections)
    out = {name: measured(config, lab, found, name) for name in INTERACTION}
    folds = range(config.folds)
    best = {fold: max(INTERACTION, key=lambda name: out[name].held_out[fold]) for fold in folds}
    chosen = torch.stack([out[best[int(fold)]].together[row] for row, fold in enumerate(found.fold_of)])
    ndcg, bm25 = record(lab, found, "chosen+bm25", chosen), found.joined.ndcg(found.joined.first).numpy()
    p_value = randomisation_test(ndcg.tolist(), bm25.tolist(), seed=lab.key("signs"))
    lab.record(system="chosen+bm25", dataset=POOLED, metric="p_value", value=p_value)
    gain, shared = ndcg - bm25, overlap(found)
    if lab.seed == 0:
        gains = {"chosen+bm25": gain, "drmm": found.joined.ndcg(out["drmm"].model).numpy() - bm25}
        with house_style():
            lab.figure("gain_of_each_query", figures.sorted_gains(gains))
    order = np.argsort(shared, kind="stable")
    thirds = zip(THIRDS, np.array_split(order, 3), strict=True)
    for dataset, rows in thirds:
        for system, values in (
            ("chosen+bm25", gain),
            *((f"{name}+bm25", found.joined.ndcg(out[name].together).numpy() - bm25) for name in INTERACTION),
        ):
            items = published(values[rows])
            lab.record(system=system, dataset=dataset, metric="gain", value=items.mean(), items=items)
        lab.record(system="bm25", dataset=dataset, metric="ndcg_at_10", value=bm25[rows].mean())


@part(data=(*CLASSIC, "arxiv_abstracts"))
def representation(config: Config, lab: Lab) -> None:
    """Models that make a vector of each text."""
    found = material(config, config.collections)
    for name in REPRESENTATION:
        measured(config, lab, found, name)


@part(data=(*CLASSIC, "arxiv_abstracts"))
def symmetric(config: Config, lab: Lab) -> None:
    """ARC-II, which treats both texts alike: beside MatchPyramid against the asymmetric models."""
    found = material(config, config.collections)
    for name in SYMMETRIC:
        measured(config, lab, found, name)


@part(seeds=1, data=(*CLASSIC, "arxiv_abstracts"))
def others(config: Config, lab: Lab) -> None:
    """The models that are in no comparison of groups."""
    found = material(config, config.collections)
    for name in OTHERS:
        measured(config, lab, found, name)


@part(data=CLASSIC)
def objectives(config: Config, lab: Lab) -> None:
    """K-NRM and DRMM under every learning objective, from judgements alone."""
    found = material(config, config.collections)
    for name in CHEAP:
        # Every objective begins at the same weights, over the same features.
        model = built(name, config, found, lab)
        pairs = Pairs(model, found.joined)
        for loss in LOSSES:
            out = cross_validate(
                model, found.joined, found.fold_of, recipe(config, name, loss=loss), lab.key("folds"), pairs
            )
            for system, scores in ((loss, out.model), (f"{loss}+bm25", out.together)):
                items = published(found.joined.ndcg(scores).numpy().astype(float))
                lab.record(system=system, dataset=name, metric="ndcg_at_10", value=items.mean(), items=items)


@part(seeds=1, data=(*CLASSIC, "arxiv_abstracts"))
def strategies(config: Config, lab: Lab) -> None:
    """DRMM without a judgement: BM25 as the teacher, or titles that must find abstracts; then with them."""
    found = material(config, config.collections)
    taught = weak_labels(
        found.vocabulary,
        titles(config.weak_titles),
        config.weak_depth,
        query_length=config.query_length,
        doc_length=config.doc_length,
    )
    hinge = recipe(config, "drmm", loss="hinge", epochs=config.title_epochs, batch=2 * config.batch)
    # All seeds in one unit: what the teacher says and the features of its pairs are the same for each.
    model = built("drmm", config, found, lab)
    pairs, of_teacher = Pairs(model, found.joined), Pairs(model, taught)
    for seed in range(config.seeds):
        own = restarted(lab, seed)
        first = built("drmm", config, found, own).state_dict()
        for strategy in ("supervised", "title", "weak"):
            model.load_state_dict(first)
            if strategy == "title":
                model.load_state_dict(begun(config, own, found, "drmm").state_dict())
            if strategy == "weak":
                train(model, taught, recipe=hinge, seed=own.key("weak"), pairs=of_teacher)
            if strategy != "supervised":
                scores = pairs.all_scores(range(len(found.joined)))
                record(own, found, f"drmm_{strategy}_only", scores)
                record(own, found, f"drmm_{strategy}_only+bm25", mixed(found.joined.first, scores, 0.5))
            out = cross_validate(
                model, found.joined, found.fold_of, recipe(config, "drmm"), own.key("folds"), pairs
            )
            record(own, found, f"drmm_{strategy}", out.model)
            record(own, found, f"drmm_{strategy}+bm25", out.together)


@part(seeds=1, data=(*CLASSIC, "arxiv_abstracts", "minilm"))
def cross_encoder(config: Config, lab: Lab) -> None:
    """MiniLM reading query and document together, fine-tuned on titles; where steps are given for it."""
    if not config.cross_steps:
        lab.say("cross_encoder: no steps at this scale")
        return
    found = material(config, config.collections)
    model = CrossEncoder(data.load("minilm"), seed=lab.key("init") % (1 << 31)).to(lab.device)
    pairs, size = titles(config.titles), config.cross_batch

    def lists(step: int) -> tuple[Sequence[str], Sequence[Sequence[str]], Tensor]:
        rows = torch.randint(len(pairs), (size,), generator=lab.generator("cross", step)).tolist()
        texts = [[pairs[rows[(place + turn) % size]][1] for turn in range(4)] for place in range(size)]
        gains = torch.zeros(size, 4)
        gains[:, 0] = 1
        return [pairs[row][0] for row in rows], texts, gains

    model.fit(lists, config.cross_steps)
    joined, start, row = found.joined, 0, 0
    scores = torch.full_like(joined.first, -1e4)
    for each in found.texts.values():
        documents = list(each.documents.values())
        for query in each.queries.values():
            places = (joined.candidates[row, : config.cross_depth] - start).tolist()
            scores[row, : len(places)] = model.scores(query, [documents[place] for place in places])
            row += 1
        start += len(documents)
    record(lab, found, "cross_encoder", scores)
    record(lab, found, "cross_encoder+bm25", weighted(found, scores))


@part
def known_items(config: Config, lab: Lab) -> None:
    """On what every machine has: docstrings found by their first sentence, BM25 beside K-NRM and DRMM."""
    small = material_of_docstrings(config)
    record(lab, small, "bm25", small.joined.first)
    for name in CHEAP:
        out = cross_validate(
            built(name, config, small, lab),
            small.joined,
            small.fold_of,
            recipe(config, name),
            lab.key("folds"),
        )
        record(lab, small, name, out.model)
        record(lab, small, f"{name}+bm25", out.together)


def material_of_docstrings(config: Config) -> Material:
    """The docstrings as a collection."""
    smaller = replace(config, judged_queries=min(config.judged_queries, config.known_items))
    return material(smaller, ("Docstrings",), pooled=False)


@part(seeds=1, timed=True)
def speed(config: Config, lab: Lab) -> None:
    """Seconds to rank documents for one query with K-NRM and DRMM, beside BM25's for all of them."""
    from octavo.retrieval.neural_ranking.drmm import DRMM

    generator = lab.generator("words")
    vectors = torch.randn(8000, 200, generator=generator)
    query = torch.randint(1, 8000, (10,), generator=generator)
    docs = torch.randint(1, 8000, (config.timed_docs, 200), generator=generator)
    models = {"knrm": KNRM(vectors).eval(), "drmm": DRMM(vectors).eval()}
    with torch.no_grad():
        timings = lab.time({name: partial(m.of_query, query, docs) for name, m in models.items()})
    for name in models:
        lab.record(
            system=name,
            dataset="documents",
            metric="seconds",
            value=timings.median(name),
            unit="s",
            items=timings.seconds[name],
        )


@part(seeds=1, data=("Cranfield",))
def picture(config: Config, lab: Lab) -> None:
    """One query against a document, as interaction models see it."""
    from octavo.retrieval.neural_ranking.drmm import DRMM

    found = material(config, ("Cranfield",), pooled=False)
    joined, words = found.joined, found.vocabulary.words
    model: Any = DRMM(found.vectors)
    train(model, joined, recipe=recipe(config, "drmm", epochs=min(10, config.cheap_epochs)), seed=0)
    # A relevant document that lacks some of the query's words shows most.
    lengths = (joined.query_ids != 0).sum(1)
    row = int((joined.gains[:, :10].amax(1) * 10 - (lengths - 7).abs()).argmax())
    place = int(joined.gains[row, :10].argmax())
    query = joined.query_ids[row][joined.query_ids[row] != 0]
    doc = joined.doc_ids[joined.candidates[row, place]]
    doc = doc[doc != 0][:45]
    there = [torch.ones(1, len(each), dtype=torch.bool) for each in (query, doc)]
    similarity = model.similarity(query[None], doc[None], *there)[0]
    histograms = model.features(query[None], doc[None], *there)[0].expm1()
    score = float(model(query[None], doc[None]).detach())
    lab.record(system="drmm", dataset="Cranfield-pair", metric="score", value=score)
    asked, told = ([words[place] for place in each.tolist()] for each in (query, doc))
    with house_style():
        lab.figure("heat_map", figures.heat_map(asked, told, similarity, histograms, score))


@weights
def word_vectors(lab: Lab) -> Any:
    """Vectors of 10,000 words: all-MiniLM-L6-v2 on each by itself, brought to 200 dimensions."""
    from octavo.retrieval.neural_ranking.vectors import Distilled

    words = frequent_words(10_000)
    # In parts, so that what was interrupted goes on where it was.
    encoded = np.concatenate([data.encode(words[start : start + 1250]) for start in range(0, 10_000, 1250)])
    made = Distilled(words, encoded)
    lab.record(system="vectors", dataset="words", metric="variance_kept", value=made.kept)
    return made
