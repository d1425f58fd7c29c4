"""What is drawn from the records of all parts."""

from typing import Any

from octavo.lab import Records, plot
from octavo.language.coreinfer import figures
from octavo.language.coreinfer.parts.kept import BESIDE, RULES_OF_THE_TABLE
from octavo.language.coreinfer.parts.texts import KINDS


def line(records: Records, axis: str) -> figures.Line:
    """Places, values and the ends of their intervals over items."""
    rows = sorted((dict(one.at)[axis], one) for one in records if axis in dict(one.at))
    return (
        [place for place, _ in rows],
        [one.value for _, one in rows],
        [one.value if one.item_low is None else one.item_low for _, one in rows],
        [one.value if one.item_high is None else one.item_high for _, one in rows],
    )


@plot
def perplexity(records: Records) -> Any:
    """Perplexity against the share of neurons, a line a rule."""
    found = records.where(part="kept", dataset="table", metric="perplexity_ratio")
    if not len(found):
        return None
    lines = {rule: line(found.where(system=rule), "keep") for rule in (*RULES_OF_THE_TABLE, *BESIDE)}
    return figures.kept(lines, "How few neurons are enough for what follows a prompt")


@plot
def growing(records: Records) -> Any:
    """How the core settles, and whether it is the text's own."""
    found = records.where(part="stability", metric="overlap")
    if not len(found):
        return None
    layers = {}
    for system in ("own", "foreign"):
        x, y, _, _ = line(found.where(system=system, dataset="next_256_by_layer"), "layer")
        layers[system] = (x, y)
    (foreign,) = found.where(system="foreign", dataset="next_256").values()
    return figures.grows(line(found.where(system="prefix"), "tokens"), foreign, layers)


@plot
def speedup(records: Records) -> Any:
    """Speed-up against the share of neurons, with the bound."""
    found = records.where(part="decode", system="core")
    if not len(found):
        return None
    one = found.where(dataset="decode")
    two = line(found.where(dataset="decode_two_threads", metric="speedup"), "keep")
    (dense,) = records.where(part="decode", system="dense", dataset="decode", metric="seconds").values()
    bounds = line(one.where(metric="bound"), "keep")[1]
    return figures.speed(line(one.where(metric="speedup"), "keep"), bounds, two, 1e3 * dense)


@plot
def quality(records: Records) -> Any:
    """A task and the next token, against the share of neurons."""
    found = records.where(part="intents", dataset="intents_table", metric="accuracy")
    kinds = records.where(part="kept", metric="agreement", system="abs_mean")
    if not len(found) or not len(kinds):
        return None
    lines = {rule: line(found.where(system=rule), "keep") for rule in ("abs_mean", "static_mean", "random")}
    (dense,) = found.where(system="dense").values()
    agreement = {kind: line(kinds.where(dataset=kind), "keep")[:2] for kind in KINDS}
    return figures.task(lines, dense, agreement)
