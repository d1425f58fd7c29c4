"""The figures of the experiment: each is drawn from records."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from octavo.embedding.matryoshka import figures
from octavo.embedding.matryoshka.curves import by_size, placed
from octavo.embedding.matryoshka.parts.queries import NAME
from octavo.lab import Records, colours, plot


def needs(*parts: str) -> Callable[[Callable[[Records], Any]], Callable[[Records], Any]]:
    """A figure of some parts is drawn where all of them were measured, and is None elsewhere."""

    def bound(draw: Callable[[Records], Any]) -> Callable[[Records], Any]:
        @functools.wraps(draw)
        def drawn(records: Records) -> Any:
            return draw(records) if all(list(records.where(part=part)) for part in parts) else None

        return drawn

    return bound


@plot
@needs("intents")
def one_vector(records: Records) -> Any:
    """Accuracy against size, of heads and of neighbours."""
    heads = {
        system: by_size(records, system, f"{NAME}-")
        for system in ("mrl", "mrl_e", "ff", "svd", "random_columns", "svd_of_head")
    }
    near = {
        system: by_size(records, system, f"{NAME}-")
        for system in ("mrl_nearest", "ff_nearest", "ff_cut_nearest")
    }
    between = sorted(set(heads["mrl_e"]) - set(heads["mrl"]))
    hues = colours(list(heads))
    hues |= {"mrl_nearest": hues["mrl"], "ff_nearest": hues["ff"], "ff_cut_nearest": hues["svd"]}
    return figures.accuracy_by_size(heads, near, between, hues)


@plot
@needs("intents")
def as_many_as_needed(records: Records) -> Any:
    """The staircase of adaptive classification."""
    found = records.where(part="intents", dataset=NAME, system="adaptive")
    used, reached = (placed(found.where(metric=metric), "largest") for metric in ("dims", "accuracy"))
    climbed = [(float(np.mean(used[cap])), float(np.mean(reached[cap]))) for cap in sorted(used)]
    fixed, alone = (by_size(records, system, f"{NAME}-") for system in ("mrl", "ff"))
    return figures.staircase(climbed, fixed, alone, colours(["mrl", "mrl_e", "ff", "adaptive"]))


@plot
@needs("intents")
def short_then_long(records: Records) -> Any:
    """mAP@10 against the cost of a query."""
    found = records.where(part="intents", dataset=NAME)
    curves: dict[str, list[tuple[float, float]]] = {}
    points: dict[str, tuple[float, float]] = {}
    for system in ("short_only", "adaptive"):
        cost, quality = (placed(found.where(system=system, metric=m), "dims") for m in ("flops", "map_at_10"))
        curves[system] = [(float(np.mean(cost[low])), float(np.mean(quality[low]))) for low in cost]
    for system in ("full", "funnel", "hnsw"):
        one, other = (found.where(system=system, metric=m, at={}) for m in ("flops", "map_at_10"))
        points[system] = (float(np.mean(one.values())), float(np.mean(other.values())))
    return figures.pareto(curves, points, colours([*curves, *points]))


@plot
@needs("intents")
def coarse_to_fine(records: Records) -> Any:
    """What the first dimensions know."""
    found = records.where(part="intents", system="mrl")
    prefix = f"{NAME}-domain-"
    by_domain = {
        name.removeprefix(prefix): placed(found.where(dataset=name), "dims")
        for name in found.datasets
        if name.startswith(prefix)
    }
    return figures.coarse_to_fine(
        by_size(records, "mrl", f"{NAME}-"),
        placed(found.where(dataset=f"{NAME}-domains"), "dims"),
        by_domain,
        colours(["mrl", "mrl_e"]),
    )


@plot
@needs("sentences")
def sentences_cut_short(records: Records) -> Any:
    """Spearman against size."""
    found = records.where(part="sentences", metric="spearman")
    curves = {system: by_size(found, system, "STSB-") for system in found.systems}
    return figures.sentence_curves(curves, colours(list(curves)))


@plot
@needs("search")
def milliseconds(records: Records) -> Any:
    """Time of a query, every way to search."""
    found = records.where(part="search")
    together = next(name for name in found.datasets if name.endswith("-together"))
    alone = together.removesuffix("-together")
    seconds = [
        {r.system: r.value for r in found.where(dataset=name, metric="seconds")} for name in (alone, together)
    ]
    recall = {r.system: r.value for r in found.where(dataset=alone, metric="recall_at_10")}
    size = found.where(dataset=alone, metric="vectors").values()[0]
    return figures.search_times(seconds[0], seconds[1], recall, colours(list(recall)), f"{size:,.0f}")


@plot
@needs("tuning")
def which_rate(records: Records) -> Any:
    """What a nested loss and a single one reach along the learning rate."""
    found = records.where(part="tuning")
    sizes = sorted({dict(record.at)["dims"] for record in found.where(system="ff")})
    # The first record of a place has the weight decay that is used.
    first: dict[tuple[str, float, float], float] = {}
    for record in found:
        place = dict(record.at)
        first.setdefault((record.system, place["dims"], place["learning_rate"]), record.value)
    systems = ("mrl", "mrl_mean", "ff")
    reached = {
        int(size): {
            system: sorted(
                (rate, value) for (name, dim, rate), value in first.items() if (name, dim) == (system, size)
            )
            for system in systems
        }
        for size in sizes
    }
    return figures.rates(reached, colours(list(systems)))
