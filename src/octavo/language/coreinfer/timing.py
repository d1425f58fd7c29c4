"""Milliseconds of a decoded token, whole and sliced in turn, and the bound that the bytes set."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from octavo.language.coreinfer.blocks import Block
from octavo.language.coreinfer.neurons import core_size
from octavo.language.coreinfer.slicing import Slices


def first_neurons(blocks: Sequence[Block], keep: float) -> Slices:
    """Slices of a share of the neurons, whichever: speed does not depend on the choice."""
    return Slices(
        blocks,
        {
            block.layer: torch.arange(
                core_size(block.neurons, keep), device=next(block.module.parameters()).device
            )[None]
            for block in blocks
        },
    )


class Decoding:
    """A model with a cache, which reads one token and forgets it again.

    Args:
        model: a causal language model.
        tokens: in the cache.
        batch: sequences.
    """

    @torch.no_grad()
    def __init__(self, model: Any, tokens: int = 192, batch: int = 1) -> None:
        device = next(model.parameters()).device
        ids = torch.arange(tokens, device=device)[None].expand(batch, -1) % model.config.vocab_size
        self.model, self.ids = model, ids[:, :1]
        self.cache = model(ids, use_cache=True, logits_to_keep=1).past_key_values

    @torch.no_grad()
    def step(self) -> None:
        """One token."""
        self.model(self.ids, past_key_values=self.cache, use_cache=True)
        self.cache.crop(-1)

    def with_slices(self, slices: Slices) -> Callable[[], None]:
        """A step with a core in its place; changing the layers takes microseconds."""

        def step() -> None:
            with slices.installed():
                self.step()

        return step


class Clock:
    """A streamer that notes when each token came."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, _: Any) -> None:
        """A token, or first the prompt."""
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is left to show."""

    def milliseconds(self) -> float:
        """The median time between tokens, but for the first two: the prompt is read, the weights gathered."""
        gaps = sorted(b - a for a, b in zip(self.times[2:], self.times[3:], strict=False))
        return 1e3 * gaps[len(gaps) // 2] if gaps else float("nan")


def milliseconds_per_token(
    model: nn.Module, blocks: Sequence[Block], keeps: Sequence[float], rounds: int = 9
) -> dict[float, float]:
    """The median time of a token for each share of neurons, measured in turn.

    Args:
        model: a causal language model.
        blocks: those that are sliced.
        keeps: shares.
        rounds: that count, after two that do not.
    """
    decoding = Decoding(model)
    steps = {keep: decoding.with_slices(first_neurons(blocks, keep)) for keep in dict.fromkeys(keeps)}
    seconds: dict[float, list[float]] = {keep: [] for keep in steps}
    for turn in range(rounds + 2):
        for keep, step in steps.items():
            start = time.perf_counter()
            step()
            if next(model.parameters()).is_cuda:
                torch.cuda.synchronize()
            if turn >= 2:
                seconds[keep].append(time.perf_counter() - start)
    return {keep: 1e3 * sorted(times)[len(times) // 2] for keep, times in seconds.items()}


def bytes_per_token(model: Any, slices: Slices | None = None) -> int:
    """The bytes of weights that a decoded token reads: all but the embeddings, of which it reads one row.

    Args:
        model: whole.
        slices: what stands in the place of its blocks.
    """
    tables = {id(model.get_input_embeddings().weight)} - {id(model.get_output_embeddings().weight)}
    replaced = {} if slices is None else {id(p): p for swap in slices.swaps for p in swap.whole.parameters()}
    read = [p for p in model.parameters() if id(p) not in tables and id(p) not in replaced]
    whole = sum(p.numel() * p.element_size() for p in read)
    return whole + (slices.nbytes if slices is not None else 0)


def bound(model: Any, slices: Slices) -> float:
    """How many times faster decoding can become where it waits for memory: the ratio of the bytes read.

    Args:
        model: whole.
        slices: of its blocks.
    """
    return bytes_per_token(model) / bytes_per_token(model, slices)


def allocated(step: Callable[[], object]) -> int:
    """The bytes of the tensors that a step makes, whether it keeps them or not.

    Args:
        step: what is watched.

    Example:
        >>> allocated(lambda: torch.zeros(256)[:16].add_(1))
        1024
    """
    with _Made() as made:
        step()
    return made.nbytes


class _Made(TorchDispatchMode):
    """Adds up the storages that come out of operations and did not go into them."""

    def __init__(self) -> None:
        super().__init__()
        self.nbytes = 0

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = operation(*args, **(kwargs or {}))
        given = {_storage(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        made = {_storage(leaf): leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)}
        self.nbytes += sum(
            leaf.untyped_storage().nbytes() for place, leaf in made.items() if place not in given
        )
        return out


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
