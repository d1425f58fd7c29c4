"""The figures of the experiment: each is drawn from records."""

from typing import Any

from octavo.lab import Records, colours, plot
from octavo.vision.crnn import figures


@plot
def trade_of_the_edit_distance(records: Records) -> Any:
    """Accuracy and time of a dictionary search against the edit distance: the paper's Figure 4."""
    found = records.where(part="dictionary", system="english")
    curves = {
        metric: sorted((dict(record.at)["delta"], record.value) for record in found.where(metric=metric))
        for metric in ("accuracy", "coverage", "seconds")
    }
    exact = records.where(part="dictionary", system="exact", at={})
    levels = {metric: exact.where(metric=metric).values()[0] for metric in ("accuracy", "seconds")}
    return figures.edit_distances(curves, levels, colours(["english", "exact"]))


@plot
def readers_of_scenes(records: Records) -> Any:
    """Accuracy of readers of the same real words."""
    found = records.where(metric="accuracy", dataset="IIIT5k")
    accuracy = {system: found.where(system=system).values()[0] for system in found.systems}
    return figures.readers(accuracy, colours(list(accuracy)))


@plot
def size_and_accuracy(records: Records) -> Any:
    """Accuracy of readers of real words against the bytes of their weights."""
    size = {r.system: r.value for r in records.where(metric="bytes", dataset="model")}
    size["english"] = size.pop("easyocr")
    read = {r.system: r.value for r in records.where(part="rapidocr", metric="accuracy", system="rapidocr")}
    # Of the same words where all have read them.
    read |= {r.system: r.value for r in records.where(metric="accuracy", dataset="IIIT5k", at={})}
    known = [system for system in ("english", "rendered", "tesseract", "rapidocr") if system in read]
    return figures.size_and_accuracy(
        {system: (size[system], read[system]) for system in known}, colours(known)
    )


@plot
def squashed_to_one_width(records: Records) -> Any:
    """Accuracy of words that are squashed to one width, against that width."""
    found = [record for record in records.where(part="squashed", metric="accuracy") if record.at]
    curve = sorted((dict(record.at)["width"], record.value) for record in found)
    same = records.where(system="english", metric="accuracy", dataset=found[0].dataset)
    return figures.squashed(curve, same.values()[0], colours(["english", "english_squashed"]))
