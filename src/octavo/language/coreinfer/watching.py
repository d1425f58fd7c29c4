"""Seeing the activations of neurons while a model reads, and which of its tokens count."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.language.coreinfer.blocks import Block, blocks_of
from octavo.language.coreinfer.neurons import Rule, Tally, core_size, sentence_core

See = Callable[[Block, Float[Tensor, "*batch neurons"]], None]


@contextmanager
def watching(blocks: Sequence[Block], see: See) -> Iterator[None]:
    """Calls `see(block, activations)` for each block that the model runs inside.

    Args:
        blocks: from `blocks_of`.
        see: is given what goes into the block's down projection; OPT has batch and time in one axis there.
    """

    def hook(block: Block) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def give(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            see(block, inputs[0].detach())

        return give

    handles = [block.down.register_forward_pre_hook(hook(block)) for block in blocks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def counted_tokens(
    input_ids: Int[Tensor, "batch time"],
    attention_mask: Int[Tensor, "batch time"] | None = None,
    bos: int | None = None,
) -> Bool[Tensor, "batch time"]:
    """The tokens that say something of a sentence: no padding, no BOS, and not the first one.

    Whatever token stands first takes on the massive activations of a BOS that is not there.

    Args:
        input_ids: the prompts.
        attention_mask: 0 where a prompt is padded; None where none is.
        bos: the id of the BOS.

    Raises:
        ValueError: the ids are no table of numbers, or the mask is of another shape.

    Example:
        >>> counted_tokens(torch.tensor([[0, 5, 6, 7]]), torch.tensor([[0, 1, 1, 1]]))
        tensor([[False, False,  True,  True]])
    """
    if not isinstance(input_ids, Tensor) or input_ids.ndim != 2 or not input_ids.numel():
        shape = tuple(input_ids.shape) if isinstance(input_ids, Tensor) else type(input_ids).__name__
        raise ValueError(f"input_ids is a tensor of (batch, time), with a token at least; got {shape}")
    if attention_mask is not None and attention_mask.shape != input_ids.shape:
        raise ValueError(
            f"attention_mask has the shape of input_ids, {tuple(input_ids.shape)}; got "
            f"{tuple(attention_mask.shape)}"
        )
    real = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
    counted = real & (real.cumsum(1) > 1)
    return counted if bos is None else counted & (input_ids != bos)


@torch.no_grad()
def tallies_of(
    model: nn.Module,
    blocks: Sequence[Block],
    input_ids: Int[Tensor, "batch time"],
    attention_mask: Int[Tensor, "batch time"] | None = None,
    *,
    rule: Rule = "abs",
    token_share: float = 0.4,
) -> dict[int, Tally]:
    """Reads prompts once and tallies their neurons, layer by layer.

    Args:
        model: whose blocks these are.
        blocks: from `blocks_of`.
        input_ids, attention_mask: the prompts, padded on either side.
        rule, token_share: as in `Tally`.

    Raises:
        ValueError: an activation is not a finite number; the layer is named.
    """
    tallies = {block.layer: Tally(rule, token_share) for block in blocks}
    counted = counted_tokens(input_ids, attention_mask, bos_of(model))

    def see(block: Block, activations: Tensor) -> None:
        add(tallies, block, activations, counted)

    with watching(blocks, see):
        read(model, input_ids, attention_mask)
    return tallies


def read(model: nn.Module, input_ids: Tensor, attention_mask: Tensor | None = None) -> None:
    """Runs a model without its head, which says nothing of neurons and is a fifth of a small model."""
    body: Any = getattr(model, "base_model", model)
    places = {}
    if attention_mask is not None and "position_ids" in inspect.signature(body.forward).parameters:
        places["position_ids"] = (attention_mask.cumsum(1) - 1).clamp(min=0)
    body(input_ids=input_ids, attention_mask=attention_mask, use_cache=False, **places)


def add(tallies: dict[int, Tally], block: Block, activations: Tensor, counted: Tensor) -> None:
    """Adds to a block's tally, and names the layer where that fails."""
    try:
        tallies[block.layer].add(activations.reshape(*counted.shape, -1), counted)
    except ValueError as error:
        raise ValueError(f"layer {block.layer}: {error}") from error


def bos_of(model: nn.Module) -> int | None:
    """The id of the model's BOS."""
    found = getattr(getattr(model, "config", None), "bos_token_id", None)
    return found if isinstance(found, int) else None


def core_neurons(
    model: nn.Module,
    input_ids: Int[Tensor, "batch time"],
    attention_mask: Int[Tensor, "batch time"] | None = None,
    token_share: float = 0.4,
    keep: float = 0.4,
    rule: Rule = "abs",
) -> dict[int, Int[Tensor, "batch core"]]:
    """The core neurons of each sentence, in every layer of a causal language model.

    A neuron is core of a token if its activation is among the token's largest; core of a sentence are the
    neurons that are so for the most tokens. Padding, the BOS and the first token are left out.

    Args:
        model: with gated or plain feed-forward blocks.
        input_ids, attention_mask: the sentences, padded on either side.
        token_share: the share of neurons in a token's core.
        keep: the share of a layer's neurons in a sentence's core, rounded to a multiple of 8 neurons.
        rule: "abs", "paper" or "energy", see `Tally`.

    Returns:
        For each layer the neurons in ascending order.

    Raises:
        ValueError: a share is not in (0, 1], the rule or the kind of model is not known, or an activation is
            not finite.

    Example:
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> shape = dict(hidden_size=8, intermediate_size=32, num_attention_heads=2)
        >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=2, **shape)).eval()
        >>> found = core_neurons(model, torch.arange(24).reshape(2, 12), keep=0.25)
        >>> {layer: tuple(core.shape) for layer, core in found.items()}
        {0: (2, 8), 1: (2, 8)}

    Paper: section 3.1.
    """
    blocks = blocks_of(model)
    sizes = {block.layer: core_size(block.neurons, keep) for block in blocks}
    tallies = tallies_of(model, blocks, input_ids, attention_mask, rule=rule, token_share=token_share)
    return {
        block.layer: sentence_core(tallies[block.layer].scores(block.down_norms()), sizes[block.layer])
        for block in blocks
    }
