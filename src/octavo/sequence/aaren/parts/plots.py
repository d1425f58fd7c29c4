"""The figures, drawn from records alone."""

from typing import Any

from octavo.lab import Records, colours, plot
from octavo.sequence.aaren import figures


@plot
def cost_of_a_stream(records: Records) -> Any:
    """Time and memory against tokens: the paper's Figure 5."""
    found = records.where(part="streaming")
    seconds, size = (
        {system: _curve(found.where(system=system, metric=metric)) for system in found.systems}
        for metric in ("seconds", "stream_bytes")
    )
    kilobytes = {
        system: (tokens, [value / 1e3 for value in values]) for system, (tokens, values) in size.items()
    }
    return figures.stream_costs(seconds, kilobytes, colours(found.systems))


def _curve(records: Records) -> figures.Curve:
    placed = sorted((dict(record.at)["tokens"], record.value) for record in records if record.at)
    return [tokens for tokens, _ in placed], [value for _, value in placed]


@plot
def as_good_as_a_transformer(records: Records) -> Any:
    """Differences on every data set, a dot a seed."""
    rows = []
    for group, name, metric, sign, margin in (
        ("control: points of score", "decisions", "score", 1, 5.0),
        ("events: nats an event, sign turned", "events", "nll", -1, 0.03),
        ("events: accuracy of the mark", "events", "accuracy", 1, 0.01),
        ("classification: accuracy", "classification", "accuracy", 1, 0.02),
        ("forecasting: relative squared error, sign turned", "forecasting", "mse", -1, 0.05),
    ):
        found = records.where(part=name, metric=metric)
        for dataset in found.datasets:
            ours, theirs = (
                found.where(dataset=dataset, system=system).by_seed() for system in ("aaren", "transformer")
            )
            relative = {seed: theirs[seed] if metric == "mse" else 1.0 for seed in theirs}
            values = [sign * (ours[seed] - theirs[seed]) / relative[seed] for seed in ours if seed in theirs]
            # With one kind of mark there is nothing to be right about.
            if values and (name, metric, dataset) != ("events", "accuracy", "Sin"):
                rows.append((group, dataset, values, margin))
    return figures.forest(rows, colours(["aaren"])["aaren"])


@plot
def price_of_the_fixed_query(records: Records) -> Any:
    """Associative recall against the number of pairs."""
    found = records.where(part="recall", metric="accuracy")
    accuracy: dict[str, dict[int | float, list[float]]] = {}
    for record in found:
        if record.at:
            accuracy.setdefault(record.system, {}).setdefault(dict(record.at)["pairs"], []).append(
                record.value
            )
    chance = found.where(system="chance").values()
    return figures.recall_curves(accuracy, chance[0], colours(list(accuracy)))
