"""Which layers are read, and in which units their vectors are."""

from collections.abc import Iterable, Sequence
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from octavo.interpretability.lm_head_neurons.feed_forward import SOURCES, FeedForward, Source, gain

Norm = Literal["none", "input", "final"]


def chosen_layers(
    blocks: list[FeedForward], layers: Literal["all"] | Iterable[int] = "all"
) -> list[FeedForward]:
    """The blocks of some layers, in order.

    Args:
        blocks: of the whole model.
        layers: all, or their numbers.

    Raises:
        ValueError: a layer does not exist, or none is left.
    """
    if layers == "all":
        return blocks
    numbers = sorted({int(number) for number in layers})
    known = {each.layer for each in blocks}
    if not numbers or set(numbers) - known:
        strange = ", ".join(str(number) for number in numbers if number not in known) or "none at all"
        raise ValueError(f"layers {strange} were asked for, the model has 0 to {max(known)}")
    return [each for each in blocks if each.layer in numbers]


def check_norm(norm: str, sources: Sequence[str], blocks: Sequence[FeedForward]) -> None:
    """Refuses a source that there is not, or a normalisation that a reading does not have.

    Raises:
        ValueError: it is unknown, or no such reading exists.
    """
    if norm not in ("none", "input", "final"):
        raise ValueError(f"norm={norm!r} is not one of none, input, final")
    if not sources:
        raise ValueError("no source was asked for; give some of up, gate, down")
    for source in sources:
        if source not in SOURCES:
            raise ValueError(f"source={source!r} is not one of up, gate, down")
        if norm == "input" and source == "down":
            raise ValueError(
                "norm='input' is the gain of what a neuron reads, and down is what it writes; "
                "use source=('up', 'gate'), or norm='final'"
            )
        for each in blocks:
            if source not in each.sources:
                raise ValueError(
                    f"layer {each.layer} has no gate; use source=('up', 'down') for models like GPT-2"
                )
            if norm == "input" and each.norm is None:
                raise ValueError(f"layer {each.layer} has no normalisation before its block; use norm='none'")


def vectors(block: FeedForward, source: Source, norm: Norm = "none") -> Float[Tensor, "neurons dim"]:
    """The vectors of a block, with the gain of its input where that is asked for."""
    rows = block.rows(source)
    return rows * gain(block.norm, rows).to(rows.dtype) if norm == "input" else rows
