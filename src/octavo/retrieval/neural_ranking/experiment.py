"""What the survey says of neural ranking models, measured on judged collections."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo import data
from octavo.lab import Lab, Records, part, plot, weights
from octavo.retrieval.neural_ranking import figures
from octavo.retrieval.neural_ranking.encoders import CrossEncoder
from octavo.retrieval.neural_ranking.features import HandCrafted, LambdaMARTFeatures
from octavo.retrieval.neural_ranking.fitting import OutOfFold, cross_validate
from octavo.retrieval.neural_ranking.heuristics import QueryLikelihood
from octavo.retrieval.neural_ranking.kernel_models import KNRM
from octavo.retrieval.neural_ranking.losses import LOSSES
from octavo.retrieval.neural_ranking.material import (
    CHEAP,
    POOLED,
    Material,
    built,
    material,
    recipe,
    titles,
)
from octavo.retrieval.neural_ranking.metrics import randomisation_test
from octavo.retrieval.neural_ranking.ranking_set import mixed
from octavo.retrieval.neural_ranking.scales import SCALES, Config
from octavo.retrieval.neural_ranking.strategies import title_pairs, weak_labels
from octavo.retrieval.neural_ranking.text import tokenise
from octavo.retrieval.neural_ranking.training import Pairs, best_weight, train

__all__ = ["SCALES", "Config"]

CLASSIC = ("Cranfield", "CISI", "CACM", "NPL")
INTERACTION = ("knrm", "drmm", "match_pyramid", "conv_knrm")
SYMMETRIC = ("arc_ii", "arc_i", "dssm")
OTHERS = ("pacrr", "mv_lstm", "duet", "cdssm")
PARTS_OF_THE_TABLE = ("baselines", "interaction", "representation", "others", "cross_encoder")


def record(
    lab: Lab, found: Material, system: str, scores: Tensor, gain_over: np.ndarray | None = None
) -> np.ndarray:
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
                items = values[rows]
                lab.record(system=system, dataset=dataset, metric=metric, value=items.mean(), items=items)
    return ndcg


def begun(config: Config, lab: Lab, found: Material, name: str) -> Any:
    """A model of this seed that has learnt to find abstracts by their titles."""
    model = built(name, config, found, lab)
    pairs = title_pairs(
        found.vocabulary,
        titles(config.titles),
        negatives=config.listed - 1,
        query_length=config.query_length,
        doc_length=config.doc_length,
    )
    train(
        model,
        pairs,
        recipe=recipe(config, name, epochs=config.title_epochs, batch=2 * config.batch),
        seed=lab.key("titles"),
    )
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


@part(seeds=1, data=(*CLASSIC, "minilm"))
def baselines(config: Config, lab: Lab) -> None:
    """BM25 tuned and untuned, query likelihood, LambdaMART over 14 features, and a pretrained bi-encoder."""
    found = material(config, config.collections)
    joined, texts = found.joined, found.texts
    record(lab, found, "bm25", joined.first)
    for dataset, rows in found.rows.items():
        items = found.untuned[rows]
        lab.record(
            system="bm25_untuned", dataset=dataset, metric="ndcg_at_10", value=items.mean(), items=items
        )
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
    record(lab, found, "query_likelihood", likelihood)
    trees = torch.zeros_like(joined.first)
    for fold in range(config.folds):
        held, test = found.fold_of == (fold + 1) % config.folds, found.fold_of == fold
        chosen = [mask.nonzero().flatten().tolist() for mask in (~(held | test), held, test)]
        lists = [([features[r] for r in rows], [gains[r] for r in rows]) for rows in chosen]
        model = LambdaMARTFeatures(config.trees).fit(*lists[0], held_out=lists[1])
        for r in chosen[2]:
            trees[r] = torch.from_numpy(model.scores(features[r])).float()
    record(lab, found, "lambdamart", trees)
    if config.encoder:
        encoded(config, lab, found)


def encoded(config: Config, lab: Lab, found: Material) -> None:
    """all-MiniLM-L6-v2 as it comes: cosines of the candidates, alone and mixed with BM25."""
    joined, start, row = found.joined, 0, 0
    cosines = torch.zeros_like(joined.first)
    for each in found.texts.values():
        documents, queries = list(each.documents.values()), list(each.queries.values())
        places = joined.candidates[row : row + len(queries)] - start
        used = places.unique()
        vectors = torch.from_numpy(data.encode([documents[place] for place in used.tolist()]))
        asked = torch.from_numpy(data.encode(queries))
        rows = torch.searchsorted(used, places)
        cosines[row : row + len(queries)] = (vectors[rows] * asked[:, None]).sum(-1)
        start, row = start + len(documents), row + len(queries)
    record(lab, found, "bi_encoder", cosines)
    record(lab, found, "bi_encoder+bm25", weighted(found, cosines))


def weighted(found: Material, scores: Tensor) -> Tensor:
    """Scores mixed with BM25's, the weight of each fold chosen on the others."""
    joined, together = found.joined, torch.zeros_like(scores)
    for fold in found.fold_of.unique().tolist():
        others = (found.fold_of != fold).nonzero().flatten()
        test = (found.fold_of == fold).nonzero().flatten()
        weight, _ = best_weight(joined.take(others), scores[others])
        together[test] = mixed(joined.first[test], scores[test], weight)
    return together


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
    order = np.argsort(shared, kind="stable")
    for dataset, rows in zip(("low_overlap", "middle_overlap", "high_overlap"), np.array_split(order, 3)):
        for system, values in (
            ("chosen+bm25", gain),
            *((f"{name}+bm25", found.joined.ndcg(out[name].together).numpy() - bm25) for name in INTERACTION),
        ):
            items = values[rows]
            lab.record(system=system, dataset=dataset, metric="gain", value=items.mean(), items=items)
        lab.record(system="bm25", dataset=dataset, metric="ndcg_at_10", value=bm25[rows].mean())


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


@part(data=(*CLASSIC, "arxiv_abstracts"))
def representation(config: Config, lab: Lab) -> None:
    """Models that make a vector of each text, and ARC-II, the symmetric model of interactions."""
    found = material(config, config.collections)
    for name in SYMMETRIC:
        measured(config, lab, found, name)


@part(seeds=1, data=(*CLASSIC, "arxiv_abstracts"))
def others(config: Config, lab: Lab) -> None:
    """The models that are in the table but in no comparison of groups."""
    found = material(config, config.collections)
    for name in OTHERS:
        measured(config, lab, found, name)


@part(data=CLASSIC)
def objectives(config: Config, lab: Lab) -> None:
    """K-NRM and DRMM under every learning objective, from judgements alone."""
    found = material(config, config.collections)
    for name in CHEAP:
        for loss in LOSSES:
            model = built(name, config, found, lab)
            out = cross_validate(
                model, found.joined, found.fold_of, recipe(config, name, loss=loss), lab.key("folds")
            )
            for system, scores in ((loss, out.model), (f"{loss}+bm25", out.together)):
                items = found.joined.ndcg(scores).numpy()
                lab.record(system=system, dataset=name, metric="ndcg_at_10", value=items.mean(), items=items)


@part(data=(*CLASSIC, "arxiv_abstracts"))
def strategies(config: Config, lab: Lab) -> None:
    """Without a judgement: BM25 as the teacher, or titles that must find their abstracts; then with them."""
    found = material(config, config.collections)
    lengths = {"query_length": config.query_length, "doc_length": config.doc_length}
    taught = weak_labels(found.vocabulary, titles(config.weak_titles), config.weak_depth, **lengths)
    for name in CHEAP:
        models = {"supervised": built(name, config, found, lab), "title": begun(config, lab, found, name)}
        models["weak"] = built(name, config, found, lab)
        settings = recipe(config, name, loss="hinge", epochs=config.title_epochs, batch=2 * config.batch)
        train(models["weak"], taught, recipe=settings, seed=lab.key("weak"))
        everything = range(len(found.joined))
        for strategy, model in models.items():
            if strategy != "supervised":
                scores = Pairs(model, found.joined).all_scores(everything)
                record(lab, found, f"{name}_{strategy}_only", scores)
                half = mixed(found.joined.first, scores, 0.5)
                record(lab, found, f"{name}_{strategy}_only+bm25", half)
            out = cross_validate(model, found.joined, found.fold_of, recipe(config, name), lab.key("folds"))
            record(lab, found, f"{name}_{strategy}", out.model)
            record(lab, found, f"{name}_{strategy}+bm25", out.together)


@part(seeds=1, data=(*CLASSIC, "arxiv_abstracts", "minilm"))
def cross_encoder(config: Config, lab: Lab) -> None:
    """MiniLM reading query and document together, fine-tuned on titles; where steps are given for it."""
    if not config.cross_steps:
        lab.say("cross_encoder: no steps at this scale")
        return
    found = material(config, config.collections)
    model = CrossEncoder(seed=lab.key("init") % (1 << 31)).to(lab.device)
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
        timings = lab.time({name: lambda m=m: m.of_query(query, docs) for name, m in models.items()})
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
    shown = [[words[place] for place in each.tolist()] for each in (query, doc)]
    lab.figure("heat_map", figures.heat_map(*shown, similarity, histograms, score))


@weights
def word_vectors(lab: Lab) -> Any:
    """Vectors of 10,000 words: all-MiniLM-L6-v2 on each by itself, brought to 200 dimensions."""
    from octavo.retrieval.neural_ranking.vectors import Distilled

    words = frequent_words(10_000)
    encoded = data.encode(words)
    made = Distilled(words, encoded)
    lab.record(system="vectors", dataset="words", metric="variance_kept", value=made.kept)
    return made


def frequent_words(number: int) -> tuple[str, ...]:
    """The words of most documents, every collection counting the same."""
    from collections import Counter

    shares: Counter[str] = Counter()
    papers = data.load("arxiv_abstracts")
    sources = [
        [f"{title} {text}" for title, text in zip(papers.titles, papers.abstracts, strict=True)],
        *(list(data.load(name).documents.values()) for name in (*CLASSIC, "Docstrings")),
    ]
    for texts in sources:
        counts = Counter(word for text in texts for word in set(tokenise(text)))
        for word, count in counts.items():
            # A word of a single document teaches a ranker nothing.
            if count > 1:
                shares[word] += count / len(texts)  # type: ignore[assignment]
    return tuple(sorted(shares, key=lambda word: (-shares[word], word))[:number])


def interval(records: Records, system: str, dataset: str) -> tuple[str, float, float, float] | None:
    """A system's nDCG@10, a mean over seeds, with its widest interval over queries."""
    found = [each for each in records.where(system=system, dataset=dataset, metric="ndcg_at_10")]
    if not found:
        return None
    mean = float(np.mean([each.value for each in found]))
    half = max((each.item_high - each.item_low) / 2 for each in found)
    return system, mean, mean - half, mean + half


@plot
def leaderboard(records: Records) -> Any:
    """All systems over the queries of all collections."""
    kept = records.where(part=PARTS_OF_THE_TABLE, dataset=POOLED, metric="ndcg_at_10")
    rows = [row for system in kept.systems if (row := interval(kept, system, POOLED))]
    bm25 = next((row[1] for row in rows if row[0] == "bm25"), 0.0)
    return figures.leaderboard(rows, bm25, "446 judged queries of four collections")


@plot
def leaderboard_of_collections(records: Records) -> Any:
    """The same on each collection by itself, as a table of numbers."""
    kept = records.where(part=PARTS_OF_THE_TABLE, metric="ndcg_at_10")
    names = [name for name in CLASSIC if name in kept.datasets]
    table = {
        system: [interval(kept, system, name) for name in names]
        for system in kept.systems
        if kept.where(system=system, dataset=POOLED).values()
    }
    return figures.table(table, names)


@plot
def families(records: Records) -> Any:
    """Representation against interaction, symmetric against asymmetric, words against phrases."""
    kept = records.where(part=("interaction", "representation"), dataset=POOLED, metric="ndcg_at_10")
    order = ("drmm", "knrm", "conv_knrm", "match_pyramid", "arc_ii", "arc_i", "dssm")
    bars = {name: kept.where(system=name).values() for name in order if kept.where(system=name).values()}
    bm25 = records.where(part="baselines", system="bm25", dataset=POOLED, metric="ndcg_at_10").values()
    return figures.groups(bars, "Without BM25's score: the families of the survey", bm25[0] if bm25 else None)


@plot
def by_objective(records: Records) -> Any:
    """K-NRM and DRMM under every objective."""
    kept = records.where(part="objectives", metric="ndcg_at_10")
    return figures.objectives(
        {name: {loss: kept.where(system=loss, dataset=name).values() for loss in LOSSES} for name in CHEAP}
    )


@plot
def by_strategy(records: Records) -> Any:
    """What is learnt without a judgement, and what is left of it after judgements."""
    kept = records.where(part="strategies", dataset=POOLED, metric="ndcg_at_10")
    names = [
        f"{name}_{end}"
        for name in CHEAP
        for end in ("title_only", "weak_only", "supervised", "title", "weak")
    ]
    bm25 = records.where(part="baselines", system="bm25", dataset=POOLED, metric="ndcg_at_10").values()
    bars = {name: kept.where(system=name).values() for name in names}
    return figures.groups(bars, "Learning strategies, without BM25's score", bm25[0] if bm25 else None)


@plot
def kernels(records: Records) -> Any:
    """The weights of K-NRM's kernels after titles, before judgements."""
    kept = records.where(part="interaction", system="knrm", metric="kernel_weight")
    means = sorted({dict(each.at)["mean"] for each in kept}, reverse=True)
    rows = [[kept.where(seed=seed, at={"mean": mean}).values()[0] for mean in means] for seed in kept.seeds]
    return figures.kernel_weights(means, rows)


@plot
def overlap_thirds(records: Records) -> Any:
    """What is gained over BM25 where the query's words are in what is relevant, and where not."""
    kept = records.where(part="interaction", metric="gain")
    thirds = ("low_overlap", "middle_overlap", "high_overlap")
    return figures.thirds(
        {
            system: [
                (
                    float(np.mean(kept.where(system=system, dataset=name).values())),
                    max(each.item_high - each.item_low for each in kept.where(system=system, dataset=name))
                    / 2,
                )
                for name in thirds
            ]
            for system in kept.systems
        }
    )
