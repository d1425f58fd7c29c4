"""What slicing is compared with: masks over the whole computation, and the best core of every token."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from octavo.language.coreinfer.blocks import Block
from octavo.language.coreinfer.clusters import multi_hot
from octavo.language.coreinfer.neurons import core_size, token_core
from octavo.language.coreinfer.slicing import Cores, Means

Change = Callable[[Float[Tensor, "*batch neurons"]], Float[Tensor, "*batch neurons"]]


@contextmanager
def changed(blocks: Sequence[Block], changes: Mapping[int, Change]) -> Iterator[None]:
    """Puts a function between the neurons of each layer and its down projection."""

    def hook(change: Change) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...]]:
        return lambda _, inputs: (change(inputs[0]),)

    with ExitStack() as stack:
        for block in blocks:
            handle = block.down.register_forward_pre_hook(hook(changes[block.layer]))
            stack.callback(handle.remove)
        yield


def masks_of(blocks: Sequence[Block], cores: Cores, means: Means | None = None) -> dict[int, Change]:
    """For each layer the function that holds every neuron outside of its core at zero, or at its mean.

    Args:
        blocks, cores, means: as in `Slices`.
    """

    def mask_of(layer: int, neurons: int) -> Change:
        inside = multi_hot(cores[layer], neurons)[:, None]
        rest = None if means is None else means[layer][:, None] * (1 - inside)

        def mask(hidden: Tensor) -> Tensor:
            # OPT has batch and time in one axis.
            rows = hidden if hidden.ndim == 3 else hidden.reshape(len(inside), -1, hidden.shape[-1])
            kept = rows * inside.to(hidden.dtype)
            return (kept if rest is None else kept + rest.to(hidden.dtype)).reshape(hidden.shape)

        return mask

    return {block.layer: mask_of(block.layer, block.neurons) for block in blocks}


@contextmanager
def masked(blocks: Sequence[Block], cores: Cores, means: Means | None = None) -> Iterator[None]:
    """The whole computation with masks inside: what the sliced model must equal, and no faster.

    Args:
        blocks, cores, means: as in `Slices`.
    """
    with changed(blocks, masks_of(blocks, cores, means)):
        yield


@contextmanager
def each_tokens_own(blocks: Sequence[Block], keep: float) -> Iterator[None]:
    """Every token keeps the neurons of its own largest activations: the bound of any choice, and no faster.

    Args:
        blocks: from `blocks_of`.
        keep: the share of neurons.
    """

    def change(neurons: int) -> Change:
        share = core_size(neurons, keep) / neurons
        return lambda hidden: hidden * token_core(hidden, share, "abs")

    with changed(blocks, {block.layer: change(block.neurons) for block in blocks}):
        yield


def random_cores(blocks: Sequence[Block], keep: float, generator: torch.Generator) -> Cores:
    """As many neurons as a core has, drawn blindly.

    Args:
        blocks: from `blocks_of`.
        keep: the share of neurons.
        generator: on the CPU.
    """
    return {
        block.layer: torch.randperm(block.neurons, generator=generator)[
            None, : core_size(block.neurons, keep)
        ]
        .sort()
        .values
        for block in blocks
    }
