"""The systems that are compared, each built from the config."""

from bisect import bisect_left
from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import nn

from octavo.errors import Missing
from octavo.science.mgno.baselines import (
    ConvStack,
    DenseMatrix,
    DilatedResNet,
    LiftedOperator,
    SpectralConv,
    UNet,
    real_parameters,
)
from octavo.science.mgno.checks import most_levels
from octavo.science.mgno.multigrid import MultigridConv
from octavo.science.mgno.neural_operator import MgNO
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import Task

Maker = Callable[[], nn.Module]
"""Builds a system."""


def seeded(key: int, make: Maker) -> nn.Module:
    """A module whose weights depend on the key alone.

    Args:
        key: of the draws.
        make: builds it.

    Example:
        >>> one, other = (seeded(3, lambda: nn.Linear(2, 2)) for _ in range(2))
        >>> torch.equal(one.weight, other.weight)
        True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key % 2**63)
        return make()


def mgno(config: Config, task: Task, width: int | None = None) -> nn.Module:
    """MgNO with the equation's own boundary condition; for Helmholtz' equation as the authors have it.

    Args:
        config: of the experiment.
        task: the equation.
        width: channels, where they are not the config's.
    """
    waves: dict[str, Any] = {"readout": "multigrid", "multigrid": {"coarsening": "interior"}}
    return MgNO(
        *task.channels,
        width=width or config.width,
        depth=config.depth,
        # No more grids than the equation's own, the flow's being coarser than the others at larger scales.
        levels=min(config.levels, most_levels(min(task.train[0].shape[2:]))),
        boundary=task.boundary,
        **(waves if task.name == "helmholtz" else {}),
    )


def mgno_lifted(config: Config, task: Task) -> nn.Module:
    """The same between a lifting and a projecting network."""
    inner = MgNO(
        config.width,
        config.width,
        width=config.width,
        depth=config.depth,
        levels=config.levels,
        boundary=task.boundary,
    )
    return LiftedOperator(inner, *task.channels, width=config.width)


def fno(task: Task, width: int, modes: int) -> nn.Module:
    """The Fourier neural operator of the library neuraloperator.

    Args:
        task: says the channels and the axes of space.
        width: channels.
        modes: frequencies kept a side.

    Raises:
        Missing: the library is not installed.
    """
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from neuralop.models import FNO
    except ImportError:
        raise Missing(
            "neuraloperator",
            "Run `pip install neuraloperator` (or, without what it requires besides, `pip install --no-deps "
            "neuraloperator tensorly tensorly-torch opt-einsum h5py`).",
        ) from None
    a, u = task.channels
    model: nn.Module = FNO(
        n_modes=(modes,) * (task.train[0].ndim - 2), in_channels=a, out_channels=u, hidden_channels=width
    )
    # The library's own adds a dictionary of settings, among them functions, which no checkpoint can keep.
    vars(model)["state_dict"] = MethodType(nn.Module.state_dict, model)
    return model


def unet(config: Config, task: Task) -> nn.Module:
    """The U-Net."""
    return UNet(*task.channels, width=config.unet_width, levels=config.unet_levels)


def convolutional(config: Config, task: Task) -> dict[str, Maker]:
    """Three convolutional networks of one number of parameters, MgNO's.

    Args:
        config: of the experiment.
        task: Helmholtz' equation.
    """

    def learnt() -> nn.Module:
        return mgno(config, task, config.wave_width)

    budget = real_parameters(learnt())
    unets = nearest(budget, lambda width: UNet(*task.channels, width=4 * width, levels=3))
    resnets = nearest(budget, lambda width: DilatedResNet(*task.channels, width=width, blocks=3))
    return {"mgno": learnt, "unet": unets, "dilated_resnet": resnets}


def nearest(budget: int, make: Callable[[int], nn.Module]) -> Maker:
    """The network of the width whose number of parameters is nearest to the budget.

    Args:
        budget: parameters.
        make: builds it from a width.

    Example:
        >>> nearest(90, lambda width: nn.Linear(width, width))().weight.shape
        torch.Size([9, 9])
    """

    def size(width: int) -> int:
        # Without numbers, since the wide ones that are only counted would take long to draw.
        with torch.device("meta"):
            return real_parameters(make(width))

    first = bisect_left(range(1, 257), budget, key=size) + 1
    width = min((max(1, first - 1), first), key=lambda width: abs(size(width) - budget))
    return lambda: make(width)


class LinearLayer(nn.Module):
    """One V-cycle from one channel to several and a linear read-out: still one linear operator.

    Args:
        width: channels in between.
        levels: grids.

    Shape:
        ``(batch, 1, height, width)`` -> the same.

    Example:
        >>> LinearLayer(4, 2)(torch.ones(1, 1, 9, 9)).shape
        torch.Size([1, 1, 9, 9])
    """

    def __init__(self, width: int, levels: int) -> None:
        super().__init__()
        self.W = MultigridConv(1, width, levels=levels)
        self.readout = nn.Conv2d(width, 1, 1, bias=False)

    def forward(self, f: Any) -> Any:
        """The operator's result."""
        return self.readout(self.W(f))


def linear_layers(size: int) -> dict[str, Maker]:
    """Linear operators on a grid, those of like size at no more than 1.2 times the parameters of the V-cycle.

    The padded Fourier layer has a free factor for every frequency of the padded grid, the most that such a
    layer can have between two fields of one channel. The dense matrix is there to be seen; it has hundreds
    of times as many.

    Args:
        size: points a side.

    Example:
        >>> sorted(linear_layers(16))
        ['convolutions', 'dense', 'fourier', 'fourier_padded', 'low_rank', 'multigrid']
    """
    levels = 4 if size >= 24 else 3
    budget = real_parameters(LinearLayer(7, levels))
    rank = max(1, int(1.2 * budget / (2 * size**2)))
    return {
        "multigrid": lambda: LinearLayer(7, levels),
        "fourier": lambda: SpectralConv(1, 1, modes=size // 2),
        "fourier_padded": lambda: SpectralConv(1, 1, modes=3 * size // 4, padding=0.5),
        "convolutions": lambda: ConvStack(width=8, depth=9),
        "low_rank": lambda: DenseMatrix(size**2, rank),
        "dense": lambda: DenseMatrix(size**2),
    }


Contestant = tuple[int | float, float, Maker]
"""Epochs, learning rate, and what builds it."""


def public_contestants(config: Config, task: Task) -> dict[str, Contestant]:
    """Who learns a public set of 16 points a side, on a plane or on a line.

    Args:
        config: of the experiment.
        task: the set.
    """
    dim = task.train[0].ndim - 2

    def learnt() -> nn.Module:
        return MgNO(
            *task.channels,
            width=config.width,
            depth=config.depth,
            levels=3,
            boundary=task.boundary,
            dim=dim,
        )

    modes = min(8, config.fno_modes)
    return {
        "mgno": (config.public_epochs, config.rate, learnt),
        "fno": (config.public_fno_epochs, config.fno_rate, lambda: fno(task, config.fno_width, modes)),
    }


def contestants(config: Config, task: Task, *, all_of_them: bool) -> dict[str, Contestant]:
    """Who learns an equation, for how long: all take the same time.

    Args:
        config: of the experiment.
        task: the equation.
        all_of_them: whether others than MgNO and the FNO of its size do, as on Darcy's equation.
    """

    def small() -> nn.Module:
        return fno(task, config.fno_small_width, config.fno_small_modes)

    if not all_of_them:
        return {
            "mgno": (config.other_epochs, config.rate, lambda: mgno(config, task)),
            "fno_small": (
                config.wave_fno_epochs if task.name == "helmholtz" else config.flow_fno_epochs,
                config.fno_rate,
                small,
            ),
        }
    return {
        "mgno": (config.epochs, config.rate, lambda: mgno(config, task)),
        "unet": (config.unet_epochs, config.unet_rate, lambda: unet(config, task)),
        "fno": (
            config.fno_epochs,
            config.fno_rate,
            lambda: fno(task, config.fno_width, config.fno_modes),
        ),
        "fno_small": (config.fno_small_epochs, config.fno_rate, small),
    }
