"""Pairs of fields on a grid: what an equation is given, and its solution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from octavo.data.registry import Entry
from octavo.errors import OctavoError

Pair = tuple[Float[Tensor, "n 1 *grid"], Float[Tensor, "n channels *grid"]]


@dataclass(frozen=True)
class FieldPairs:
    """Inputs and solutions, with the same to be tested on at one or more resolutions.

    Args:
        name: the data set's name.
        train: inputs and solutions.
        tests: the same by the number of points a side.
    """

    name: str
    train: Pair
    tests: Mapping[int, Pair]


def load_darcy(entry: Entry) -> FieldPairs:
    """Read the small Darcy set: an indicator of two phases and the pressure, 16 and 32 points a side.

    Raises:
        OctavoError: a file is not in its format.
    """
    return _field_pairs(entry, "darcy", ("a", "x"), _one_channel)


def load_burgers(entry: Entry) -> FieldPairs:
    """Read the small Burgers set: a velocity and what it is after each of 16 steps, the first left out.

    Raises:
        OctavoError: a file is not in its format.
    """
    return _field_pairs(entry, "burgers", ("u0", "x"), lambda u: u[:, 1:])


def _one_channel(fields: Tensor) -> Tensor:
    return fields[:, None]


def _field_pairs(
    entry: Entry, stem: str, inputs: tuple[str, str], outputs: Callable[[Tensor], Tensor]
) -> FieldPairs:
    found: dict[tuple[str, int], Pair] = {}
    for name, path in entry.files.items():
        _, split, size = Path(name).stem.split("_")
        arrays = _arrays(path)
        given, solved = (
            next((arrays[key] for key in keys if key in arrays), None) for keys in (inputs, ("u", "y"))
        )
        if given is None or solved is None:
            raise OctavoError(
                f"{path}: it holds {', '.join(arrays)}; expected {inputs[0]} and u, fetch it again"
            )
        pair = given.float()[:, None], outputs(solved.float())
        if len(pair[0]) != len(pair[1]) or {pair[0].shape[-1], pair[1].shape[-1]} != {int(size)}:
            raise OctavoError(
                f"{path}: inputs {tuple(given.shape)} and solutions {tuple(solved.shape)} do not belong "
                f"together on {size} points a side; fetch it again"
            )
        found[split, int(size)] = pair
    (train,) = (pair for (split, _), pair in found.items() if split == "train")
    tests = {size: pair for (split, size), pair in sorted(found.items()) if split == "test"}
    return FieldPairs(entry.name, train, tests)


def _arrays(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        loaded: dict[str, Tensor] = torch.load(path, weights_only=True)
        return loaded
    except Exception as error:
        raise OctavoError(
            f"{path} cannot be read ({type(error).__name__}: {error}); fetch it again"
        ) from error
