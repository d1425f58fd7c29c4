"""How far a field is from the true one, as a share of the true one's size."""

import torch
from jaxtyping import Float
from torch import Tensor

from octavo.science.mgno.checks import check_sizes


def relative_l2(
    predicted: Float[Tensor, "batch channels *grid"], target: Float[Tensor, "batch channels *grid"]
) -> Float[Tensor, " batch"]:
    """The norm of the difference over that of the target, for each item; 0 where both are 0.

    Args:
        predicted: what a model gave.
        target: the true field.

    Raises:
        ValueError: shapes differ, or a target is 0 and its prediction is not.

    Example:
        >>> relative_l2(torch.full((1, 1, 4), 1.1), torch.ones(1, 1, 4))
        tensor([0.1000])
    """
    _check(predicted, target)
    return _ratio((predicted - target).flatten(1).norm(dim=1), target.flatten(1).norm(dim=1))


def relative_h1(
    predicted: Float[Tensor, "batch channels *grid"],
    target: Float[Tensor, "batch channels *grid"],
    modes: int = 20,
) -> Float[Tensor, " batch"]:
    """The same in the norm that weighs a frequency k by sqrt(1 + |k|^2): slopes count as well as values.

    Frequencies are those of the discrete Fourier transform, in whole periods a side. As in the authors'
    code, a component of k that is not below `modes` counts as 0 in the weight.

    Args:
        predicted: what a model gave.
        target: the true field.
        modes: up to which frequency slopes count.

    Raises:
        ValueError: shapes differ, or a target is 0 and its prediction is not.

    Example:
        >>> wave = torch.linspace(0, 6.2832, 65)[:-1].sin()[None, None]
        >>> relative_h1(wave + 0.1, wave) < relative_l2(wave + 0.1, wave)
        tensor([True])
    """
    _check(predicted, target)
    check_sizes(modes=modes)
    dim = target.ndim - 2
    weight = torch.ones([1] * dim, device=target.device)
    for axis, size in enumerate(target.shape[2:]):
        k = torch.fft.fftfreq(size, 1 / size, device=target.device).abs()
        k = torch.where(k < modes, k, 0.0)
        weight = weight + k.reshape([-1 if a == axis else 1 for a in range(dim)]) ** 2
    axes = tuple(range(2, dim + 2))
    # The difference of transforms is the transform of the difference, which is one transform less.
    # A transform needs single precision at least.
    precision = torch.promote_types(target.dtype, torch.float32)
    parts = (torch.fft.fftn(x.to(precision), dim=axes) for x in (predicted - target, target))
    difference, size_of_target = ((weight.sqrt() * part.abs()).flatten(1).norm(dim=1) for part in parts)
    return _ratio(difference, size_of_target)


def _ratio(difference: Float[Tensor, " batch"], size: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    zero = size == 0
    if bool((zero & (difference != 0)).any()):
        items = (zero & (difference != 0)).nonzero().flatten().tolist()
        raise ValueError(
            f"the relative error of items {items[:8]} is not defined: the target is 0, the prediction is not"
        )
    return torch.where(zero, 0.0, difference / torch.where(zero, 1.0, size))


def _check(predicted: Tensor, target: Tensor) -> None:
    if not (predicted.is_floating_point() and target.is_floating_point()):
        raise TypeError(
            f"expected fields of floating point numbers, got {predicted.dtype} and {target.dtype}"
        )
    if predicted.shape != target.shape or target.ndim < 3:
        raise ValueError(
            f"expected two fields of one shape (batch, channels, *grid), got {tuple(predicted.shape)} "
            f"and {tuple(target.shape)}"
        )
