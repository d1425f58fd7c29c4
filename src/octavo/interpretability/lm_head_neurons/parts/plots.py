"""The figures, drawn from records alone."""

from typing import Any

from octavo.interpretability.lm_head_neurons import figures
from octavo.lab import Records, plot


@plot
def specialised_by_layer(records: Records) -> Any:
    """Share of neurons above the null, layer by layer."""
    found = records.where(part="whole_model", dataset="by_layer")
    return figures.by_layer(
        {
            metric: figures.by_place(found.where(metric=metric), "layer")
            for metric in ("share_loud", "share_one_concept")
        }
    )


@plot
def sign_structure(records: Records) -> Any:
    """Whether neurons write with or against what they read."""
    found = records.where(part="sources", dataset="sign")
    return figures.signs(
        figures.by_place(found.where(metric="positive_share"), "layer"),
        figures.by_place(found.where(metric="mean_cosine"), "layer"),
    )


@plot
def clamps(records: Records) -> Any:
    """What clamping does: by rule in the last layer, and by value for the dog neuron."""
    rules = {
        system: records.where(dataset="last_layer", metric="gain", system=system).values()
        for system in figures.RULES
    }
    curve = records.where(dataset="dog_curve", metric="gain")
    curves = {system: figures.by_place(curve.where(system=system), "value") for system in curve.systems}
    return figures.clamps(rules, curves)


@plot
def agreement_and_drift(records: Records) -> Any:
    """Top tokens kept, against how far the weights moved."""
    found = records.where(part="tuning", dataset="drift")
    curves = {}
    for system in ("full", "lora"):
        moved = figures.by_place(found.where(system=system, metric="relative_step"), "steps")
        for name in (system, f"{system}_random"):
            kept = figures.by_place(found.where(system=name, metric="agreement"), "steps")
            curves[name] = ([moved[1][i] for i in range(len(kept[0]))], kept[1])
    return figures.drift(curves)
