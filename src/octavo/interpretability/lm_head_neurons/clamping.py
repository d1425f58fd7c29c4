"""Holding neurons at a value while the model runs, by hooks that come off by themselves."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from octavo.interpretability.lm_head_neurons.feed_forward import At, FeedForward, feed_forwards

Mode = Literal["set", "add", "min"]
Neuron = tuple[int, int] | tuple[int, int, int]
"""Layer and neuron, or layer, neuron and expert."""


class clamp:  # noqa: N801 - used like a function
    r"""Holds neurons at a value inside a `with` block: :math:`(W_u x)_i \leftarrow v`.

    With ``at="up"``, the paper's rule, what is written is ``act(gate) * v``, whose size and sign depend on
    the context. With ``at="hidden"`` the neuron's output itself is held: ``v`` times its column of the
    down-projection, so that the sign of ``<down, token> * v`` says whether a token becomes likelier.

    The clamp is active whenever the model runs inside the block, while a prompt is read and while tokens are
    generated. A key-value cache that was filled outside of the block is not filled again. Clamps may be
    nested; where two set one neuron the inner one wins.

    Args:
        model: a causal language model of Hugging Face.
        values: from (layer, neuron), or (layer, neuron, expert), to the value.
        at: the output of the up-projection, the input of the gate's activation, or the block's hidden vector.
        positions: all, or a slice of positions in the sequence, counted over padding and cache; a negative
            bound counts from the newest position, so that ``slice(-1, None)`` is always the newest.
        mode: set the value, add it, or raise what is smaller to it.

    Raises:
        ValueError: no such neuron, place or mode; a value that is not finite or that the weights' dtype
            cannot hold; or a neuron of stacked experts, which no hook reaches.

    Example:
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> shape = dict(hidden_size=8, intermediate_size=12, num_attention_heads=2)
        >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=2, **shape)).eval()
        >>> ids = torch.tensor([[1, 2, 3]])
        >>> before = model(ids).logits
        >>> with clamp(model, {(1, 5): 20.0}, at="hidden"):
        ...     held = model(ids).logits
        >>> torch.equal(before, held), torch.equal(before, model(ids).logits)
        (False, True)

    Paper: arXiv 2501.02688.
    """

    def __init__(
        self,
        model: nn.Module,
        values: Mapping[Neuron, float],
        *,
        at: At = "up",
        positions: Literal["all"] | slice = "all",
        mode: Mode = "set",
    ) -> None:
        check_options(at, mode, positions)
        self._model, self._mode = model, mode
        self._positions = None if positions == "all" else positions
        self._held: dict[tuple[nn.Module, bool], dict[int, float]] = {}
        blocks = feed_forwards(model) if values else []
        for neuron, value in values.items():
            block, number = find_neuron(blocks, neuron)
            module, is_input, first = block.place(at)
            _check_value(value, block.up.dtype)
            self._held.setdefault((module, is_input), {})[first + number] = float(value)
        self._stack: ExitStack | None = None

    def __enter__(self) -> "clamp":
        with ExitStack() as stack:
            before = [0]
            if self._positions is not None and self._held:
                stack.enter_context(_cached_length(self._model, before))
            for (module, is_input), numbers in self._held.items():
                hold = self._holder(numbers, before)
                if is_input:
                    handle = module.register_forward_pre_hook(
                        lambda _, args, hold=hold: (hold(args[0]), *args[1:])
                    )
                else:
                    handle = module.register_forward_hook(lambda _, args, output, hold=hold: hold(output))
                stack.callback(handle.remove)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._stack is not None
        self._stack.close()

    def _holder(self, numbers: Mapping[int, float], before: list[int]) -> Callable[[Tensor], Tensor]:
        places, wanted = list(numbers), list(numbers.values())

        def hold(activations: Float[Tensor, "*batch neurons"]) -> Float[Tensor, "*batch neurons"]:
            held = activations.clone()
            part = held
            if self._positions is not None:
                part = held[..., within(self._positions, before[0], held.shape[-2]), :]
            index = torch.tensor(places, device=held.device)
            value = torch.tensor(wanted, dtype=held.dtype, device=held.device)
            now = part[..., index]
            new = {"set": value.expand_as(now), "add": now + value, "min": now.maximum(value)}[self._mode]
            part.index_copy_(-1, index, new)
            return held

        return hold


def check_options(at: str, mode: str, positions: object) -> None:
    """Refuses places, modes and positions that there are not.

    Raises:
        ValueError: one of them is not known.
    """
    if at not in ("up", "gate", "hidden"):
        raise ValueError(f"at={at!r} is not one of up, gate, hidden")
    if mode not in ("set", "add", "min"):
        raise ValueError(f"mode={mode!r} is not one of set, add, min")
    if positions != "all" and not isinstance(positions, slice):
        raise ValueError(f"positions={positions!r} is neither 'all' nor a slice, such as slice(-1, None)")


def find_neuron(blocks: Sequence[FeedForward], neuron: Neuron) -> tuple[FeedForward, int]:
    """The block of a neuron, and its number in it.

    Raises:
        ValueError: there is none; the message says which there are.
    """
    layer, number, expert = (*neuron, None)[:3]
    inside = [each for each in blocks if each.layer == layer]
    if not inside:
        raise ValueError(
            f"there is no layer {layer}; the model has 0 to {max(each.layer for each in blocks)}"
        )
    for each in inside:
        if each.expert == expert:
            if not 0 <= number < each.neurons:
                raise ValueError(f"layer {layer} has no neuron {number}; it has 0 to {each.neurons - 1}")
            return each, number
    have = "one block and no experts" if len(inside) == 1 else f"experts 0 to {len(inside) - 1}"
    raise ValueError(
        f"layer {layer} has {have}, got expert {expert}; write a neuron as (layer, neuron, expert)"
    )


def within(positions: slice, before: int, length: int) -> slice:
    """The part of a piece of a sequence that a slice of the whole sequence covers.

    Args:
        positions: of the whole sequence as far as it is known.
        before: positions before the piece.
        length: of the piece.

    Example:
        >>> within(slice(2, 5), before=3, length=4), within(slice(-1, None), before=3, length=4)
        (slice(0, 2, 1), slice(3, 4, 1))
    """
    start, stop, step = positions.indices(before + length)
    if step < 1:
        raise ValueError(f"positions={positions!r} runs backwards; a step of 1 or more is expected")
    if start < before:
        start += -(-(before - start) // step) * step
    return slice(start - before, max(start, stop) - before, step)


def _check_value(value: float, dtype: torch.dtype) -> None:
    largest = torch.finfo(dtype).max
    if not math.isfinite(value):
        raise ValueError(f"a neuron can be held at a finite number only, got {value}")
    if abs(value) > largest:
        raise ValueError(f"{value} is beyond what {dtype} can hold ({largest:g}); use a smaller value")


@contextmanager
def _cached_length(model: nn.Module, before: list[int]) -> Iterator[None]:
    """Keeps count of the positions that the key-value cache already holds when the model is called."""

    def count(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        cache = kwargs.get("past_key_values")
        before[0] = cache.get_seq_length() if cache is not None else 0

    handle = model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
