"""What is learnt: pairs of fields with their scales, split into training and test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from octavo.science.mgno import pde
from octavo.science.mgno.boundary import Boundary

Equation = Literal["darcy", "darcy_rough", "helmholtz", "navier_stokes"]
Errors = Callable[[Tensor, Tensor], Float[Tensor, " batch"]]


@dataclass(frozen=True)
class Task:
    """Inputs a and solutions u.

    Args:
        name: as records name it.
        train: inputs and solutions to learn from.
        test: those to be judged by.
        boundary: that of the equation.
    """

    name: str
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    boundary: Boundary

    @property
    def channels(self) -> tuple[int, int]:
        """Channels of the input and of the output."""
        return self.train[0].shape[1], self.train[1].shape[1]

    def scaled(self, model: nn.Module) -> "Scaled":
        """The model between this task's units."""
        return Scaled(model, *self.train)


class Scaled(nn.Module):
    """A model that sees its input with mean 0 and variance 1, and whose output is given the solutions' units.

    Args:
        model: what learns.
        inputs: of the training set.
        outputs: of the training set.

    Shape:
        as the model's.

    Raises:
        ValueError: the training set holds what is not a number.

    Example:
        >>> a = torch.tensor([[[1.0, 3.0]]])
        >>> Scaled(nn.Identity(), a, 10 * a)(a)
        tensor([[[10., 30.]]])
    """

    def __init__(self, model: nn.Module, inputs: Tensor, outputs: Tensor) -> None:
        super().__init__()
        for name, fields in (("inputs", inputs), ("outputs", outputs)):
            if not bool(fields.isfinite().all()):
                bad = (~fields.isfinite()).flatten(1).any(1).nonzero().flatten().tolist()
                raise ValueError(f"{name} {bad[:8]} of the training set are not finite; leave them out")
        self.model = model
        self.a_mean: Tensor
        self.a_scale: Tensor
        self.u_mean: Tensor
        self.u_scale: Tensor
        for name, fields in (("a", inputs), ("u", outputs)):
            # Over pairs and points, for each channel.
            axes = (0, *range(2, fields.ndim))
            self.register_buffer(f"{name}_mean", fields.mean(axes, keepdim=True)[0])
            self.register_buffer(f"{name}_scale", fields.std(axes, correction=0, keepdim=True)[0])

    def forward(self, a: Float[Tensor, "batch c_in *grid"]) -> Float[Tensor, "batch c_out *grid"]:
        """The solution."""
        found: Tensor = self.model((a - self.a_mean) / self.a_scale)
        return found * self.u_scale + self.u_mean


@torch.no_grad()
def widened(narrow: nn.Module, wide: nn.Module) -> nn.Module:
    """The wide network with the weights of the narrow one and zeros for the rest: the same function.

    Training keeps it so. A neuron to which and from which all weights are 0 is 0 itself, and then the
    gradients of these weights are exactly 0.

    Args:
        narrow: a network.
        wide: one of the same form with more channels; it is changed.

    Raises:
        ValueError: a parameter of the narrow one does not fit into that of the wide one.

    Example:
        >>> narrow, wide = (nn.Sequential(nn.Linear(2, n), nn.GELU(), nn.Linear(n, 1)) for n in (3, 8))
        >>> x = torch.randn(5, 2)
        >>> torch.allclose(widened(narrow, wide)(x), narrow(x), atol=1e-6)
        True
    """
    for (name, one), other in zip(narrow.named_parameters(), wide.parameters(), strict=True):
        if one.ndim != other.ndim or any(a > b for a, b in zip(one.shape, other.shape, strict=True)):
            raise ValueError(f"{name} of shape {tuple(one.shape)} does not fit into {tuple(other.shape)}")
        other.zero_()
        other[tuple(slice(size) for size in one.shape)] = one
    return wide


def one_cycle(progress: float) -> float:
    """The learning rate's factor: from a tenth up over the first fifth, and down to nothing, as the authors
    have it.

    Args:
        progress: share of the training that is over.

    Example:
        >>> [round(one_cycle(p), 2) for p in (0.0, 0.2, 0.6)]
        [0.1, 1.0, 0.5]
    """
    from math import cos, pi

    if progress < 0.2:
        return 0.1 + 0.9 * (progress / 0.2)
    return 0.5 * (1 + cos(pi * (progress - 0.2) / 0.8))


def make_task(
    equation: Equation,
    size: int,
    train: int,
    test: int,
    seed: int,
    *,
    omega: float = 300.0,
    viscosity: float = 1e-3,
) -> Task:
    """Solves an equation often enough.

    Args:
        equation: which.
        size: points a side.
        train: pairs to learn from.
        test: pairs to be judged by.
        seed: of the coefficients.
        omega: frequency of Helmholtz's waves.
        viscosity: of the fluid.

    Example:
        >>> task = make_task("darcy", 16, train=3, test=2, seed=0)
        >>> task.train[0].shape, task.test[1].shape
        (torch.Size([3, 1, 16, 16]), torch.Size([2, 1, 16, 16]))
    """
    boundary: Boundary
    if equation == "helmholtz":
        c, u = pde.helmholtz(train + test, size, omega=omega, seed=seed)
        # The wave comes in at one side, which no padding tells; FNO is always given the coordinates.
        line = torch.linspace(0, 1, size)
        places = torch.stack(torch.meshgrid(line, line, indexing="ij")).expand(len(c), 2, size, size)
        a, boundary = torch.cat([c, places], dim=1), "neumann"
    elif equation == "navier_stokes":
        # From a while after its start, when the force has stirred it, two units of time are learnt.
        dt = 0.04 if viscosity >= 1e-3 else 0.01
        flow = pde.navier_stokes(
            train + test, size, viscosity=viscosity, steps=2, interval=2.0, dt=dt, seed=seed
        )
        a, u = flow[:, 1:2], flow[:, 2:3]
        boundary = "periodic"
    else:
        a, u = pde.darcy(train + test, size, "rough" if equation == "darcy_rough" else "two-phase", seed=seed)
        boundary = "dirichlet"
    return Task(equation, (a[:train], u[:train]), (a[train:], u[train:]), boundary)


def poisson_task(boundary: pde.Condition, size: int, train: int, test: int, seed: int) -> Task:
    """Sources and potentials under one boundary condition.

    Args:
        boundary: the condition.
        size: points a side.
        train: pairs to learn from.
        test: pairs to be judged by.
        seed: of the sources.

    Example:
        >>> poisson_task("neumann", 16, 2, 1, 0).name
        'poisson_neumann'
    """
    f, u = pde.poisson(train + test, size, boundary=boundary, seed=seed)
    return Task(f"poisson_{boundary}", (f[:train], u[:train]), (f[train:], u[train:]), boundary)


def band_error(
    predicted: Float[Tensor, "batch c height width"],
    target: Float[Tensor, "batch c height width"],
    cells: int = 2,
) -> Float[Tensor, " batch"]:
    """The relative error in the outermost cells alone.

    Args:
        predicted: what a model gave.
        target: the true field.
        cells: how wide the band is.

    Example:
        >>> target = torch.ones(1, 1, 8, 8)
        >>> predicted = target.clone()
        >>> predicted[..., 4, 4] = 9.0
        >>> band_error(predicted, target)
        tensor([0.])
    """
    outside = torch.ones(target.shape[2:], dtype=torch.bool, device=target.device)
    outside[cells:-cells, cells:-cells] = False
    return pde.relative_l2(predicted[..., outside], target[..., outside])


def at_equal_error(train: list[float], test: list[float], level: float) -> float:
    """The ratio of test to training error where the training error first comes down to a level.

    Args:
        train: training errors, one an evaluation.
        test: test errors at the same times.
        level: the training error to compare at.

    Raises:
        ValueError: the training error never comes down to it.

    Example:
        >>> at_equal_error([0.4, 0.2], [0.4, 0.3], 0.3)
        1.1666666666666667
    """
    for before in range(len(train)):
        if train[before] <= level:
            if before == 0:
                return test[0] / train[0]
            share = (train[before - 1] - level) / (train[before - 1] - train[before])
            return (test[before - 1] + share * (test[before] - test[before - 1])) / level
    raise ValueError(
        f"the training error comes down to {min(train):.3g} only, not to {level:.3g}; train for longer"
    )
