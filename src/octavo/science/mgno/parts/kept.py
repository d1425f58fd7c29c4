"""Solved pairs, kept in the cache of this machine under their seed, with a checksum."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import torch
from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from octavo.data.places import cache_folder
from octavo.science.mgno.pde import DARCY_VERSION
from octavo.science.mgno.tasks import Task, make_task

Pairs = tuple[Tensor, Tensor]

WORTH_KEEPING = 500
"""So many solved pairs are kept; fewer are solved as soon as read."""


def darcy_task(
    equation: Literal["darcy", "darcy_rough"], size: int, train: int, test: int, seed: int
) -> Task:
    """As `make_task` makes it, from the cache where it was made before.

    Args:
        equation: which medium.
        size: points a side.
        train: pairs to learn from.
        test: pairs to be judged by.
        seed: of the media.
    """

    def solve() -> Pairs:
        task = make_task(equation, size, train, test, seed)
        return torch.cat([task.train[0], task.test[0]]), torch.cat([task.train[1], task.test[1]])

    name = f"{equation}-{size}-{train + test}-{seed}-v{DARCY_VERSION}"
    a, u = kept_pairs(name, solve) if train + test >= WORTH_KEEPING else solve()
    return Task(equation, (a[:train], u[:train]), (a[train:], u[train:]), "dirichlet")


def kept_pairs(name: str, solve: Callable[[], Pairs]) -> Pairs:
    """Inputs and solutions from the cache, or solved now and left there.

    What lies there is used only if its checksum is right; where the cache cannot be written, the equation is
    solved each time.

    Args:
        name: says everything that the pairs depend on, the version of the solver among it.
        solve: gives them.
    """
    path = cache_folder() / "mgno" / f"{name}.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The same seed is solved by one process; another one waits for it.
        with FileLock(f"{path}.lock"):
            return _read(path) or _written(path, solve())
    except OSError:
        return solve()


def checksum(pairs: Pairs) -> str:
    """SHA-256 of the numbers.

    Args:
        pairs: inputs and solutions.

    Example:
        >>> checksum((torch.zeros(1), torch.zeros(1)))[:8]
        'af5570f5'
    """
    digest = hashlib.sha256()
    for fields in pairs:
        digest.update(fields.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> Pairs | None:
    with suppress(FileNotFoundError, SafetensorError, KeyError):
        held = load_file(path)
        pairs = held["a"], held["u"]
        if checksum(pairs) == bytes(held["sha256"].tolist()).decode():
            return pairs
    return None


def _written(path: Path, pairs: Pairs) -> Pairs:
    mark = torch.tensor(list(checksum(pairs).encode()), dtype=torch.uint8)
    partly = path.with_suffix(".part")
    save_file({"a": pairs[0].contiguous(), "u": pairs[1].contiguous(), "sha256": mark}, partly)
    partly.replace(path)
    return pairs
