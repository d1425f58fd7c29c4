"""The feed-forward blocks of a causal language model, whatever its family calls their parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Source = Literal["up", "gate", "down"]
At = Literal["up", "gate", "hidden"]
SOURCES: tuple[Source, ...] = ("up", "gate", "down")


@dataclass(frozen=True)
class Parts:
    """What a family calls the matrices of a block; `fused` holds the gate's rows above those of up."""

    up: str
    down: str
    gate: str = ""
    fused: bool = False


FAMILIES = (
    Parts(up="up_proj", gate="gate_proj", down="down_proj"),  # Llama, Mistral, Qwen, Gemma, SmolLM
    Parts(up="gate_up_proj", down="down_proj", fused=True),  # Phi-3, GLM-4
    Parts(up="w3", gate="w1", down="w2"),  # experts of the first Mixtral
    Parts(up="c_fc", down="c_proj"),  # GPT-2, GPT-Neo
    Parts(up="dense_h_to_4h", down="dense_4h_to_h"),  # GPT-NeoX, Falcon, Bloom
    Parts(up="fc1", down="fc2"),  # OPT, Phi
)
# In this order: Gemma has both of the first two, and only the first is what its feed-forward block reads.
INPUT_NORMS = ("pre_feedforward_layernorm", "post_attention_layernorm", "ln_2", "final_layer_norm")
FINAL_NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm")


@dataclass(frozen=True)
class FeedForward:
    """One feed-forward block: neurons are rows, and all matrices are views of the model's own.

    Args:
        layer: counted from 0.
        up: what each neuron reads from the residual stream.
        down: what each neuron writes to it.
        gate: what the gate of each neuron reads; None where there is no gate.
        norm: the normalisation before the block; None where there is none.
        expert: which block of a layer with several; None where it is the only one.
        block: the module with the matrices; None for experts that are stacked in one tensor.
        parts: the names of the matrices in it.
        writes_straight: whether the block's output is added as it is, with no normalisation after it.
    """

    layer: int
    up: Float[Tensor, "neurons dim"]
    down: Float[Tensor, "neurons dim"]
    gate: Float[Tensor, "neurons dim"] | None = None
    norm: nn.Module | None = None
    expert: int | None = None
    block: nn.Module | None = None
    parts: Parts | None = None
    writes_straight: bool = True

    @property
    def neurons(self) -> int:
        """How many neurons it has."""
        return len(self.up)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The readings that it has: a block without a gate has two."""
        return tuple(source for source in SOURCES if source != "gate" or self.gate is not None)

    def rows(self, source: Source) -> Float[Tensor, "neurons dim"]:
        """The vectors of all neurons, one a row.

        Raises:
            ValueError: the block has no gate, or a weight is not a number.
        """
        rows = {"up": self.up, "gate": self.gate, "down": self.down}[source]
        if rows is None:
            raise ValueError(
                f"layer {self.layer} has no gate, source={source!r} needs one; use 'up' or 'down'"
            )
        # A sum is not finite if a term is not, and is far cheaper than a mask.
        if not rows.sum().isfinite() and not rows.isfinite().all():
            bad = int((~rows.isfinite()).any(dim=1).nonzero()[0])
            raise ValueError(
                f"layer {self.layer}, {source}, neuron {bad}: a weight is not a finite number; "
                "the checkpoint is damaged, load it again"
            )
        return rows

    def place(self, at: At) -> tuple[nn.Module, bool, int]:
        """Where a neuron can be clamped: a module, whether at its input, and the place of neuron 0 there.

        Raises:
            ValueError: the block has no such place.
        """
        if self.block is None or self.parts is None:
            raise ValueError(
                f"layer {self.layer} keeps its experts in one tensor, where no hook reaches a neuron; "
                "its neurons can be read, and clamped only in a model with one module an expert"
            )
        if at == "hidden":
            return self.block.get_submodule(self.parts.down), True, 0
        if at == "gate" and self.gate is None:
            raise ValueError(f"layer {self.layer} has no gate, at='gate' needs one; use 'up' or 'hidden'")
        if self.parts.fused:
            return self.block.get_submodule(self.parts.up), False, self.neurons if at == "up" else 0
        return self.block.get_submodule(self.parts.up if at == "up" else self.parts.gate), False, 0


def feed_forwards(model: nn.Module) -> list[FeedForward]:
    """All feed-forward blocks of a Hugging Face causal language model, in the order of the layers.

    Args:
        model: of a family with gated blocks (Llama, Mistral, Qwen, Gemma, SmolLM, Phi-3), with plain ones
            (GPT-2, GPT-NeoX, OPT), or with experts (Mixtral).

    Raises:
        ValueError: no layers, or no block of a known kind, are found; or weights are packed.

    Example:
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> shape = dict(hidden_size=8, intermediate_size=12, num_attention_heads=2)
        >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=3, **shape))
        >>> [block.neurons for block in feed_forwards(model)]
        [12, 12, 12]
    """
    found = []
    for number, layer in enumerate(_layers(model)):
        blocks = list(_blocks(layer, number))
        if not blocks:
            inside = ", ".join(f"{name} ({type(part).__name__})" for name, part in layer.named_children())
            raise ValueError(
                f"layer {number} of {type(model).__name__} has no feed-forward block of a known kind; "
                f"it has {inside or 'no parts'}; known are "
                + ", ".join("/".join(filter(None, (kind.gate, kind.up, kind.down))) for kind in FAMILIES)
            )
        several = len(blocks) > 1
        norm = _input_norm(layer)
        straight = not hasattr(layer, "post_feedforward_layernorm")
        for expert, (block, parts, matrices) in enumerate(blocks):
            found.append(
                FeedForward(
                    number,
                    matrices["up"],
                    matrices["down"],
                    matrices.get("gate"),
                    norm,
                    expert if several else None,
                    block,
                    parts,
                    straight,
                )
            )
    return found


def head_weight(model: nn.Module) -> Float[Tensor, "vocabulary dim"]:
    """The weights of the language-model head.

    Raises:
        ValueError: the model has no head.
    """
    head = getattr(model, "get_output_embeddings", lambda: None)()
    if head is None:
        raise ValueError(
            f"{type(model).__name__} has no language-model head; load it with AutoModelForCausalLM"
        )
    return _unpacked(head.weight, "the language-model head")


def final_norm(model: nn.Module) -> nn.Module | None:
    """The normalisation before the head; None where the model has none."""
    body = _body(model)
    return next((getattr(body, name) for name in FINAL_NORMS if hasattr(body, name)), None)


@torch.no_grad()
def gain(norm: nn.Module | None, like: Float[Tensor, "_ dim"]) -> Float[Tensor, " dim"]:
    """By what a normalisation multiplies each coordinate, found by trying it.

    Families store it differently (Gemma's weight is the gain less one), so the module itself is asked.

    Args:
        norm: LayerNorm, RMSNorm or their like; None gives ones.
        like: a matrix of the model, for size, device and dtype.
    """
    dim = like.shape[1]
    if norm is None:
        return torch.ones(dim, device=like.device)
    found = torch.ones(dim, device=like.device)
    # Its mean is zero, so that LayerNorm and RMSNorm agree on it; of an odd size a coordinate is left out.
    pattern = torch.ones(dim, device=like.device)
    pattern[1::2] = -1
    if dim % 2:
        pattern[-1] = 0
    for probe in (pattern, pattern.roll(1)):
        there = probe != 0
        plus, minus = (norm((sign * 100 * probe).to(like.dtype)[None])[0].float() for sign in (1, -1))
        scale = probe / probe.square().mean().sqrt()
        found[there] = ((plus - minus) / 2)[there] / scale[there]
    return found


def _body(model: nn.Module) -> nn.Module:
    body: Any = getattr(model, "get_decoder", lambda: None)() or getattr(model, "base_model", model)
    found: nn.Module = getattr(body, "decoder", body)
    return found


def _layers(model: nn.Module) -> nn.ModuleList:
    body = _body(model)
    for name in ("layers", "h", "blocks"):
        if isinstance(layers := getattr(body, name, None), nn.ModuleList) and len(layers):
            return layers
    parts = ", ".join(f"{name} ({type(part).__name__})" for name, part in body.named_children())
    raise ValueError(
        f"{type(model).__name__} is not a causal language model of a known kind: no list of layers among "
        f"{parts or 'its parts, of which it has none'}; expected one named layers, h or blocks"
    )


def _input_norm(layer: nn.Module) -> nn.Module | None:
    # OLMo-2 normalises after its blocks only, and what follows attention is not what the next block reads.
    after_only = hasattr(layer, "post_feedforward_layernorm") and not hasattr(layer, INPUT_NORMS[0])
    if after_only:
        return None
    return next((getattr(layer, name) for name in INPUT_NORMS if hasattr(layer, name)), None)


Found = tuple[nn.Module | None, Parts | None, dict[Source, Tensor]]


def _blocks(layer: nn.Module, number: int) -> Iterator[Found]:
    for name, module in layer.named_modules():
        where = f"layer {number}, {name or 'the layer itself'}"
        stacked = getattr(module, "gate_up_proj", None)
        if isinstance(stacked, nn.Parameter) and stacked.ndim == 3:
            yield from _stacked(stacked, getattr(module, "down_proj"), where)  # noqa: B009
            continue
        for parts in FAMILIES:
            wanted = [part for part in (parts.up, parts.gate, parts.down) if part]
            if all(isinstance(getattr(module, part, None), nn.Module) for part in wanted):
                up, down = (_matrix(getattr(module, part), where) for part in (parts.up, parts.down))
                matrices: dict[Source, Tensor] = {"up": up, "down": down.mT}
                if parts.fused:
                    matrices["gate"], matrices["up"] = up.chunk(2)
                elif parts.gate:
                    matrices["gate"] = _matrix(getattr(module, parts.gate), where)
                yield module, parts, matrices
                break


def _stacked(both: Tensor, down: Tensor, where: str) -> Iterator[Found]:
    if both.shape[2] != down.shape[1] or both.shape[1] != 2 * down.shape[2]:
        raise ValueError(
            f"{where}: experts of shapes {tuple(both.shape)} and {tuple(down.shape)}; expected "
            "(experts, 2 neurons, dim) and (experts, dim, neurons), gates first"
        )
    for one, back in zip(_unpacked(both, where), _unpacked(down, where), strict=True):
        gate, up = one.chunk(2)
        yield None, None, {"up": up, "gate": gate, "down": back.mT}


def _matrix(linear: nn.Module, where: str) -> Tensor:
    weight = _unpacked(linear.weight, where)
    # GPT-2's own layer keeps its weight the other way round.
    return weight.mT if type(linear).__name__ == "Conv1D" else weight


def _unpacked(weight: object, where: str) -> Tensor:
    if not isinstance(weight, Tensor) or not weight.is_floating_point() or weight.ndim < 2:
        kind = f"{weight.dtype} of shape {tuple(weight.shape)}" if isinstance(weight, Tensor) else weight
        raise ValueError(
            f"{where}: the weights are packed ({kind}), and reading them needs numbers; "
            "load the model without quantisation or call model.dequantize()"
        )
    return weight.detach()
