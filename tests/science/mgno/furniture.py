"""The example modules that the furniture test puts through its rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from octavo.science import MgNO, MultigridConv

Example = tuple[nn.Module, dict[str, Any]]


def operator() -> Example:
    return MultigridConv(2, 3, levels=3, post_smoothing=1), {"f": torch.randn(2, 2, 13, 16)}


def solver() -> Example:
    return MultigridConv.classical(levels=3), {"f": torch.randn(2, 1, 15, 15)}


def line() -> Example:
    model = MgNO(
        2, 1, width=4, depth=2, levels=2, boundary="periodic", bias="function", readout="multigrid", dim=1
    )
    return model, {"x": torch.randn(2, 2, 16)}


def plane() -> Example:
    options = {"restrict": "residual", "coarsening": "interior", "growth": True}
    model = MgNO(1, 1, width=4, depth=2, levels=2, boundary="neumann", skip=True, multigrid=options)
    return model, {"x": torch.randn(2, 1, 11, 9)}


EXAMPLES: dict[str, Callable[[], Example]] = {
    "MultigridConv": operator,
    "MultigridConv.classical": solver,
    "MgNO of a line": line,
    "MgNO": plane,
}
