"""Decoding with some of the neurons: their weights gathered once, contiguous, in the place of the whole."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from octavo.language.coreinfer.blocks import Block, matrix

Cores = Mapping[int, Int[Tensor, "rows core"]]
Means = Mapping[int, Float[Tensor, "rows neurons"]]


class CoreLinear(nn.Module):
    """A linear layer of gathered rows or columns, one for all sequences of a batch or one for each.

    Args:
        weight: one output a row; with a leading axis where each sequence has its own.
        bias: of the outputs.

    Shape:
        ``(batch, time, inputs)`` -> ``(batch, time, outputs)``, or both with batch and time in one axis, as
        OPT has it; `weight` is ``(outputs, inputs)`` or
        ``(batch, outputs, inputs)``, `bias` ``(outputs,)`` or ``(batch, 1, outputs)``.

    Example:
        >>> CoreLinear(torch.eye(3)[[0, 2]])(torch.tensor([[[1.0, 2.0, 3.0]]]))
        tensor([[[1., 3.]]])
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        weight: Float[Tensor, "*rows outputs inputs"],
        bias: Float[Tensor, "*rows2 outputs"] | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The outputs that are left."""
        if self.weight.ndim == 2 and (self.bias is None or self.bias.ndim == 1):
            return nn.functional.linear(x, self.weight, self.bias)
        rows = len(self.bias if self.weight.ndim == 2 and self.bias is not None else self.weight)
        out = x.reshape(rows, -1, x.shape[-1]) @ self.weight.mT
        if self.bias is not None:
            out = out + self.bias
        return out.reshape(*x.shape[:-1], -1)


class Swap(NamedTuple):
    """A layer in its place, and what stands there while the core is at work."""

    parent: nn.Module
    name: str
    whole: nn.Module
    core: CoreLinear


class Slices:
    """The gathered weights of some blocks, put in the place of the whole ones and taken out again.

    Args:
        blocks: from `blocks_of`.
        cores: for each layer its neurons, one row for all sequences or one a sequence. A core of all neurons
            leaves its block as it is.
        means: what a dropped neuron is replaced by: its mean activation, which makes one constant vector a
            layer and costs nothing a token. None replaces it by zero.
        instead: slices that are done with, whose memory is used again where it fits: fresh memory takes twice
            as long to write.

    Example:
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> from octavo.language.coreinfer.blocks import blocks_of
        >>> shape = dict(hidden_size=8, intermediate_size=32, num_attention_heads=2)
        >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=2, **shape)).eval()
        >>> slices = Slices(blocks_of(model), {layer: torch.arange(8)[None] for layer in (0, 1)})
        >>> with slices.installed():
        ...     model.model.layers[0].mlp.up_proj.weight.shape
        torch.Size([8, 8])

    Paper: section 3.3.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        cores: Cores,
        means: Means | None = None,
        instead: "Slices | None" = None,
    ) -> None:
        self.swaps: list[Swap] = []
        old = {} if instead is None else {(id(s.parent), s.name): s.core.weight for s in instead.swaps}
        for block in blocks:
            core = cores[block.layer]
            if core.shape[1] < block.neurons:
                self.swaps += _gathered(block, core, None if means is None else means[block.layer], old)
        self.active = False

    @property
    def nbytes(self) -> int:
        """What a step of decoding reads of these blocks, and what they hold beside the whole weights."""
        buffers = [buffer for swap in self.swaps for buffer in swap.core.buffers()]
        return sum(buffer.numel() * buffer.element_size() for buffer in buffers)

    def install(self) -> None:
        """Puts the core in its place."""
        for swap in self.swaps:
            setattr(swap.parent, swap.name, swap.core)
        self.active = True

    def remove(self) -> None:
        """Puts the very layers back that were there."""
        for swap in self.swaps:
            setattr(swap.parent, swap.name, swap.whole)
        self.active = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The core in its place inside the block, for every token that is read there."""
        self.install()
        try:
            yield
        finally:
            self.remove()


@torch.no_grad()
def _gathered(
    block: Block, core: Tensor, mean: Tensor | None, old: Mapping[tuple[int, str], Tensor]
) -> list[Swap]:
    found = []
    for name in block.family.readers:
        whole = block.module.get_submodule(name)
        rows = torch.cat([core, core + block.neurons], dim=1) if block.family.fused else core
        bias = _bias(whole)
        weight = _picked(matrix(whole), 0, rows, old.get((id(block.module), name)))
        bias = None if bias is None else _one(bias[rows][:, None])
        found.append(Swap(block.module, name, whole, CoreLinear(weight, bias)))
    down, name = matrix(block.down), block.family.down
    bias = _bias(block.down)
    if mean is not None:
        filled = dropped_part(down, core, mean)[:, None]
        bias = filled if bias is None else filled + bias
        bias = _one(bias)
    weight = _picked(down, 1, core, old.get((id(block.module), name)))
    found.append(Swap(block.module, name, block.down, CoreLinear(weight, bias)))
    return found


def _picked(weight: Tensor, axis: int, rows: Tensor, old: Tensor | None) -> Tensor:
    """The rows or columns of a weight that each core names, one matrix of them where there is one core."""
    shape = list(weight.shape)
    shape[axis] = rows.shape[1]
    wanted = torch.Size(shape if len(rows) == 1 else [len(rows), *shape])
    out = old if old is not None and _fits(old, weight, wanted) else weight.new_empty(wanted)
    for row, into in zip(rows, out[None] if len(rows) == 1 else out, strict=True):
        torch.index_select(weight, axis, row, out=into)
    return out


def _fits(old: Tensor, weight: Tensor, wanted: torch.Size) -> bool:
    # What was made in inference mode is not written to outside of it.
    writable = torch.is_inference_mode_enabled() or not old.is_inference()
    return writable and (old.shape, old.dtype, old.device) == (wanted, weight.dtype, weight.device)


def dropped_part(
    down: Float[Tensor, "dim neurons"], core: Int[Tensor, "rows core"], mean: Float[Tensor, "rows neurons"]
) -> Float[Tensor, "rows dim"]:
    """What the neurons outside of the core would write at their mean activations."""
    rest = mean.to(down.dtype).expand(len(core), -1).scatter(1, core, 0)
    return rest @ down.mT


def _bias(linear: nn.Module) -> Tensor | None:
    bias = linear.bias
    return bias.detach() if isinstance(bias, Tensor) else None


def _one(stacked: Tensor) -> Tensor:
    """A stack of one bias without its axis, so that the plain product is used."""
    return stacked.contiguous() if len(stacked) > 1 else stacked.reshape(-1)
