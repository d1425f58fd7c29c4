"""Weights on the move: low-rank tuning, how far it went, and random steps of the same size."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize


class LowRankStep(nn.Module):
    r"""A weight plus a learned product of two thin matrices, :math:`W + B A`, with B zero at first.

    Args:
        weight: the frozen weight.
        rank: of the product.
        generator: of A.

    Shape:
        ``(out, in)`` -> the same.

    Example:
        >>> step = LowRankStep(torch.eye(3), rank=1)
        >>> torch.equal(step(torch.eye(3)), torch.eye(3))
        True
    """

    def __init__(
        self, weight: Float[Tensor, "out in_"], rank: int, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.A = nn.Parameter((torch.randn(rank, columns, generator=generator) / columns**0.5).to(weight))
        self.B = nn.Parameter(weight.new_zeros(rows, rank))

    def forward(self, weight: Float[Tensor, "out in_"]) -> Float[Tensor, "out in_"]:
        """The weight with the product added, so that whoever reads it reads it merged."""
        return weight + self.B @ self.A


def add_low_rank_steps(
    model: nn.Module,
    rank: int,
    generator: torch.Generator,
    names: tuple[str, ...] = ("up_proj", "gate_proj", "down_proj"),
) -> None:
    """Freezes a model and lets its feed-forward matrices move within a low rank.

    Args:
        model: changed in place.
        rank: of each step.
        generator: of the first matrices.
        names: the linear layers that move.
    """
    model.requires_grad_(False)
    for name, module in list(model.named_modules()):
        if name.rpartition(".")[2] in names and isinstance(module, nn.Linear):
            parametrize.register_parametrization(
                module, "weight", LowRankStep(module.weight, rank, generator)
            )


def read_weights(model: nn.Module, layers: tuple[int, ...]) -> dict[str, Tensor]:
    """The weights that a map of up-projections is made of: those of some layers, and the head."""
    from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards, head_weight

    found = {f"layer {block.layer}": block.up for block in feed_forwards(model) if block.layer in layers}
    return found | {"head": head_weight(model)}


def relative_step(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """The length of the step over that of the weights, over the matrices of the layers."""
    moved = sum(
        float((after[name].detach() - before[name].detach()).square().sum())
        for name in before
        if name != "head"
    )
    size = sum(float(before[name].detach().square().sum()) for name in before if name != "head")
    return (moved / size) ** 0.5


@contextmanager
def random_steps(
    model: nn.Module, layers: tuple[int, ...], after: Mapping[str, Tensor], generator: torch.Generator
) -> Iterator[None]:
    """Inside the block each weight of a model lies a random step away, as long as that to other weights.

    Args:
        model: where the steps start; it is as before afterwards.
        layers: whose up-projections move, and the head with them.
        after: the other weights, from `read_weights`.
        generator: of the directions.
    """
    weights = read_weights(model, layers)
    kept = {name: weight.detach().clone() for name, weight in weights.items()}
    with torch.no_grad():
        for name, weight in weights.items():
            noise = torch.randn(weight.shape, generator=generator).to(weight)
            length = cast(Tensor, (after[name].detach() - kept[name]).norm())
            weight.detach().add_(noise * (length / noise.norm()))
    try:
        yield
    finally:
        for name, weight in weights.items():
            weight.detach().copy_(kept[name])
