"""The feed-forward blocks of a causal language model, whatever its family calls their parts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class Family:
    """What a family of models calls the layers of its feed-forward block.

    Args:
        up: reads the residual stream.
        down: writes to it; its input are the neurons.
        gate: the gate's layer; empty where there is none.
        fused: whether `up` holds the gate's rows above its own.
    """

    up: str
    down: str
    gate: str = ""
    fused: bool = False

    @property
    def readers(self) -> tuple[str, ...]:
        """The layers whose rows are neurons."""
        return (self.gate, self.up) if self.gate else (self.up,)


FAMILIES: list[Family] = [
    Family(up="up_proj", gate="gate_proj", down="down_proj"),  # Llama, Mistral, Qwen, Gemma, SmolLM
    Family(up="gate_up_proj", down="down_proj", fused=True),  # Phi-3, GLM-4
    Family(up="c_fc", down="c_proj"),  # GPT-2, GPT-Neo
    Family(up="dense_h_to_4h", down="dense_4h_to_h"),  # GPT-NeoX, Falcon, Bloom
    Family(up="fc1", down="fc2"),  # OPT, Phi
]
"""The families that are known; append your own."""


@dataclass(frozen=True)
class Block:
    """One feed-forward block.

    Args:
        layer: counted from 0.
        module: whose attributes are the layers that `family` names.
        family: the names.
    """

    layer: int
    module: nn.Module
    family: Family

    @property
    def down(self) -> nn.Module:
        """The layer that the neurons' activations go into."""
        return self.module.get_submodule(self.family.down)

    @property
    def neurons(self) -> int:
        """How many neurons it has."""
        return matrix(self.down).shape[1]

    def down_norms(self) -> Float[Tensor, " neurons"]:
        """How much each neuron writes for an activation of one: the lengths of the columns of `down`."""
        return matrix(self.down).float().norm(dim=0)


def matrix(linear: nn.Module) -> Float[Tensor, "outputs inputs"]:
    """The weight of a linear layer as a view, one output a row; GPT-2's own layer keeps it the other way."""
    weight: Tensor = linear.weight.detach()  # type: ignore[operator]
    return weight.mT if type(linear).__name__ == "Conv1D" else weight


def blocks_of(model: nn.Module, layers: Literal["auto", "all"] | Iterable[int] = "all") -> list[Block]:
    """The feed-forward blocks of some layers of a Hugging Face causal language model.

    Args:
        model: of a family in `FAMILIES`: Llama, Mistral, Qwen, Gemma, SmolLM, Phi, GPT-2, GPT-NeoX, OPT.
        layers: their numbers; "all"; or "auto" for the middle ones, see `middle`.

    Raises:
        ValueError: there is no list of layers, a layer has no block of a known kind, its weights are packed,
            or a number is of no layer.

    Example:
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> shape = dict(hidden_size=8, intermediate_size=12, num_attention_heads=2)
        >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=3, **shape))
        >>> [(block.layer, block.neurons) for block in blocks_of(model, [0, 2])]
        [(0, 12), (2, 12)]
    """
    stack = _stack(model)
    if layers == "auto":
        wanted = list(middle(len(stack)))
    elif layers == "all":
        wanted = list(range(len(stack)))
    elif isinstance(layers, str):
        raise ValueError(f'layers={layers!r} is not "auto", "all", or the numbers of layers')
    else:
        wanted = sorted({int(number) for number in layers})
    if not wanted or wanted[0] < 0 or wanted[-1] >= len(stack):
        raise ValueError(f"layers={layers!r}: the model has the layers 0 to {len(stack) - 1}")
    return [_block(stack[number], number) for number in wanted]


def middle(layers: int) -> range:
    """The layers from a fifth to nine tenths of the depth: 6 to 26 of the 30 of SmolLM2.

    The official code changes the layers 6 to 26 of 32; a model of fewer than eight layers is changed whole.

    Example:
        >>> middle(30), middle(4)
        (range(6, 27), range(0, 4))
    """
    return range(round(0.19 * layers), round(0.9 * layers)) if layers >= 8 else range(layers)


def _stack(model: nn.Module) -> nn.ModuleList:
    body: Any = getattr(model, "get_decoder", lambda: None)() or getattr(model, "base_model", model)
    body = getattr(body, "decoder", body)
    for name in ("layers", "h", "blocks"):
        if isinstance(found := getattr(body, name, None), nn.ModuleList) and len(found):
            return found
    raise ValueError(
        f"{type(model).__name__} is not a causal language model of a known kind: no list of layers named "
        "layers, h or blocks"
    )


def _block(layer: nn.Module, number: int) -> Block:
    for module in layer.modules():
        for family in FAMILIES:
            parts = [getattr(module, name, None) for name in (*family.readers, family.down)]
            if all(isinstance(part, nn.Module) for part in parts):
                for part in parts:
                    _check_plain(part, number)
                return Block(number, module, family)
    inside = ", ".join(f"{name} ({type(part).__name__})" for name, part in layer.named_children())
    raise ValueError(
        f"layer {number} has no feed-forward block of a known kind among {inside or 'its parts'}; known are "
        + ", ".join("/".join((*family.readers, family.down)) for family in FAMILIES)
        + "; append a Family to FAMILIES for another"
    )


def _check_plain(part: Any, number: int) -> None:
    # A subclass may pack its weights or add to them, and slicing would lose that in silence.
    plain = type(part) is nn.Linear or type(part).__name__ == "Conv1D"
    weight = getattr(part, "weight", None)
    if not plain or not isinstance(weight, Tensor) or not torch.is_floating_point(weight):
        raise ValueError(
            f"layer {number}: {type(part).__module__}.{type(part).__name__} is no plain linear layer "
            "(quantised, compiled or adapted?), and its rows cannot be sliced; load the model without that, "
            "or merge the adapter first"
        )
