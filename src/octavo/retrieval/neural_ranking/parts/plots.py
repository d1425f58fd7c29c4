"""The figures of the experiment, from its records."""

from typing import Any

import numpy as np

from octavo.lab import Records, plot
from octavo.retrieval.neural_ranking import figures
from octavo.retrieval.neural_ranking.losses import LOSSES
from octavo.retrieval.neural_ranking.parts.material import CHEAP, CLASSIC, POOLED, THIRDS

PARTS_OF_THE_TABLE = ("baselines", "interaction", "representation", "symmetric", "others", "cross_encoder")


def interval(records: Records, system: str, dataset: str) -> tuple[str, float, float, float] | None:
    """A system's nDCG@10, a mean over seeds, with its widest interval over queries."""
    found = list(records.where(system=system, dataset=dataset, metric="ndcg_at_10"))
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
    return figures.leaderboard(rows, bm25, "All judged queries of the four collections together")


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
    kept = records.where(
        part=("interaction", "representation", "symmetric", "others"), dataset=POOLED, metric="ndcg_at_10"
    )
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
    names = [f"drmm_{end}" for end in ("title_only", "weak_only", "supervised", "title", "weak")]
    bm25 = records.where(part="baselines", system="bm25", dataset=POOLED, metric="ndcg_at_10").values()
    bars = {name: values for name in names if (values := kept.where(system=name).values())}
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
    return figures.thirds(
        {
            system: [
                (
                    float(np.mean(kept.where(system=system, dataset=name).values())),
                    max(each.item_high - each.item_low for each in kept.where(system=system, dataset=name))
                    / 2,
                )
                for name in THIRDS
            ]
            for system in kept.systems
        }
    )
