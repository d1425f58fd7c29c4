"""The figures of the experiment, drawn from its records."""

from typing import Any

from octavo.lab import Records, colours, plot
from octavo.science.mgno import figures
from octavo.science.mgno.parts.boundaries import CONDITIONS


@plot
def contraction_of_a_cycle(records: Records) -> Any:
    """The factor a cycle against the size of the grid."""
    found = records.where(part="solver", metric="contraction")
    return figures.contraction(figures.placed(found, "points"), colours(found.systems))


@plot
def error_of_one_layer(records: Records) -> Any:
    """Parameters against error of linear layers, and the error by frequency."""
    found = records.where(part="green")
    points = {
        system: (
            found.where(system=system, metric="parameters", at={}).values(),
            found.where(system=system, metric="l2_error", at={}).values(),
        )
        for system in found.where(metric="parameters").systems
    }
    amplitudes = figures.placed(found.where(metric="amplitude"), "frequency")
    return figures.linear_layers(points, amplitudes, colours([*points, "target"]))


@plot
def errors_by_width(records: Records) -> Any:
    """One hidden layer: test error against neurons."""
    found = records.where(part="universality", metric="l2_error")
    curves = figures.placed(found.where(system="mgno"), "width")["mgno"]
    return figures.widths(curves, found.where(system="linear").values(), colours(["mgno"])["mgno"])


@plot
def padding_and_boundary(records: Records) -> Any:
    """The 3 x 3 matrix of paddings and boundary conditions."""
    found = records.where(part="boundaries")
    matrices = {
        metric: [
            [
                found.where(
                    metric=metric, dataset=f"poisson_{condition}", system=f"{padding}_padding"
                ).values()
                for padding in CONDITIONS
            ]
            for condition in CONDITIONS
        ]
        for metric in ("l2_error", "band_error")
    }
    return figures.boundary_matrices(matrices, CONDITIONS)


@plot
def training_and_test(records: Records) -> Any:
    """Training and test error, epoch by epoch, beside FNO."""
    found = records.where(part=("overfitting", "overfitting_on_a_line"))
    names = sorted(found.where(metric="level_error").datasets, reverse=True)
    if not names:
        return None
    sets = {
        name: {
            split: figures.placed(found.where(dataset=name, metric=f"{split}_error"), "epoch")
            for split in ("train", "test")
        }
        for name in names
    }
    levels = {name: found.where(dataset=name, metric="level_error").values() for name in names}
    return figures.training_and_test(sets, levels, colours(["mgno", "fno"]))


@plot
def training_on_waves(records: Records) -> Any:
    """Training error on Helmholtz' equation, epoch by epoch, at each network's best rate."""
    found = records.where(part="trainability", metric="training_error")
    return figures.training(figures.placed(found, "epoch"), colours(found.systems))


@plot
def accuracy_on_darcy(records: Records) -> Any:
    """Test error and parameters after equal time."""
    found = records.where(part=("accuracy", "other_equations"))
    return figures.accuracy(found, colours(["mgno", "mgno_lifted", "unet", "fno", "fno_small"]))
