"""What clamping does to the probability of a token, beside random neurons held at the same value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from octavo.interpretability.lm_head_neurons.clamping import Neuron, clamp, find_neuron
from octavo.interpretability.lm_head_neurons.feed_forward import (
    At,
    FeedForward,
    feed_forwards,
    final_norm,
    head_weight,
)
from octavo.interpretability.lm_head_neurons.vocabulary import Vocabulary


@dataclass(frozen=True)
class ClampEffect:
    """The change of a token's log-probability, value by value and prompt by prompt.

    Args:
        values: what the neuron was held at.
        change: nats, of the neuron.
        control: nats, of random neurons of its layer held at the same value.
    """

    values: tuple[float, ...]
    change: Float[Tensor, "values prompts"]
    control: Float[Tensor, "values controls prompts"]


def left_padded(tokenizer: Any, texts: Sequence[str], device: torch.device) -> dict[str, Tensor]:
    """A batch whose texts end together, so that the last position is the last token of each.

    Args:
        tokenizer: of Hugging Face.
        texts: any lengths above zero.
        device: where the batch goes.
    """
    rows = [tokenizer(text, add_special_tokens=False).input_ids for text in texts]
    if not rows or not all(rows):
        raise ValueError(f"{len(rows)} prompts, of which each must have a token; got {list(texts)!r}")
    length = max(map(len, rows))
    fill = next(
        number for number in (tokenizer.pad_token_id, tokenizer.eos_token_id, 0) if number is not None
    )
    ids = torch.tensor([[fill] * (length - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows], device=device)
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": (mask.cumsum(1) - 1).clamp_min(0),
    }


@torch.no_grad()
def last_log_probabilities(model: nn.Module, batch: dict[str, Tensor]) -> Float[Tensor, "prompts vocabulary"]:
    """The distribution of the token after each prompt."""
    logits = model(**batch, logits_to_keep=1, use_cache=False).logits
    return logits[:, -1].float().log_softmax(-1)


def clamp_effect(
    model: nn.Module,
    tokenizer: Any,
    neuron: Neuron,
    token: str,
    prompts: Sequence[str],
    values: Sequence[float],
    *,
    at: At = "up",
    controls: int = 4,
    seed: int = 0,
) -> ClampEffect:
    """How much likelier a token becomes when a neuron is held at each of some values, at every position.

    Args:
        model: a causal language model of Hugging Face, in evaluation mode.
        tokenizer: its tokenizer.
        neuron: (layer, neuron), or (layer, neuron, expert).
        token: a single token, with the space before it.
        prompts: texts after which the token is asked for.
        values: to hold the neuron at.
        at: as of `clamp`.
        controls: so many random neurons of the same layer.
        seed: of the draw of the controls.

    Raises:
        ValueError: no such neuron, no single token, or no prompt.
    """
    number = Vocabulary.of(tokenizer).id(token)
    block, own = find_neuron(feed_forwards(model), neuron)
    generator = torch.Generator().manual_seed(seed)
    others = [i for i in torch.randperm(block.neurons, generator=generator).tolist() if i != own][:controls]
    batch = left_padded(tokenizer, prompts, head_weight(model).device)
    plain = last_log_probabilities(model, batch)[:, number]

    def change(which: int, value: float) -> Tensor:
        place = (block.layer, which) if block.expert is None else (block.layer, which, block.expert)
        with clamp(model, {place: value}, at=at):
            return last_log_probabilities(model, batch)[:, number] - plain

    return ClampEffect(
        tuple(values),
        torch.stack([change(own, value) for value in values]),
        torch.stack([torch.stack([change(other, value) for other in others]) for value in values])
        if others
        else plain.new_empty(len(values), 0, len(plain)),
    )


class LastLayer:
    """The last layer after some prompts, from which any clamp at the last position follows without a run.

    Held at v, neuron i changes the residual stream by ``(v - h_i)`` times its column of the down-projection;
    what is left is the final normalisation and the head.

    Args:
        model: a causal language model of Hugging Face whose last block adds its output as it is.
        batch: the prompts, as `left_padded` makes them.

    Raises:
        ValueError: the last layer has several blocks, or a normalisation after its block.
    """

    @torch.no_grad()
    def __init__(self, model: nn.Module, batch: dict[str, Tensor]) -> None:
        blocks = feed_forwards(model)
        block = blocks[-1]
        if block.expert is not None or not block.writes_straight or (norm := final_norm(model)) is None:
            raise ValueError(
                "the effect of the last layer has a closed form only for one block that adds its output as "
                "it is, before a final normalisation; use clamp_effect"
            )
        self.block: FeedForward = block
        self._norm, self._head = norm, head_weight(model)
        seen: dict[str, Tensor] = {}

        def keep(name: str, tensor: Tensor) -> None:
            seen[name] = tensor[:, -1].detach().clone()

        down, _, _ = block.place("hidden")
        handles = [
            down.register_forward_pre_hook(lambda _, args: keep("hidden", args[0])),
            norm.register_forward_pre_hook(lambda _, args: keep("residual", args[0])),
        ]
        up, _, first = block.place("up")
        handles.append(up.register_forward_hook(lambda _, args, output: keep("up", output[..., first:])))
        try:
            self.plain = last_log_probabilities(model, batch)
        finally:
            for handle in handles:
                handle.remove()
        self._hidden, self._residual, self._up = seen["hidden"], seen["residual"], seen["up"]

    @property
    def hidden(self) -> Float[Tensor, "prompts neurons"]:
        """The block's hidden vector at the last position."""
        return self._hidden

    def written(
        self, neurons: Int[Tensor, " some"], values: Float[Tensor, " some"]
    ) -> Float[Tensor, "some prompts"]:
        """What neurons would write if their up-projection were held at values: the gate's share times it.

        Raises:
            ValueError: the block has no gate, so that holding `up` means something else.
        """
        if self.block.gate is None:
            raise ValueError("without a gate, hold the hidden vector instead")
        # The activation of the gate is what the hidden vector has beyond the up-projection.
        up = self._up[:, : self.block.neurons][:, neurons]
        share = self._hidden[:, neurons] / torch.where(up == 0, 1e-12, up)
        return (share * values.to(share)).mT

    @torch.no_grad()
    def change(
        self,
        neurons: Int[Tensor, " some"],
        tokens: Int[Tensor, " some"],
        hidden: Float[Tensor, "some _"],
    ) -> Float[Tensor, "some prompts"]:
        """The change of each token's log-probability when its neuron's hidden value is replaced, in nats.

        Args:
            neurons: one at a time.
            tokens: of each the one that is asked for.
            hidden: of each the new value, one for all prompts or one a prompt.
        """
        found = []
        for neuron, token, value in zip(neurons.tolist(), tokens.tolist(), hidden, strict=True):
            step = (value.to(self._hidden) - self._hidden[:, neuron])[:, None] * self.block.down[neuron]
            found.append(self.log_probabilities(step)[:, token] - self.plain[:, token])
        return torch.stack(found)

    @torch.no_grad()
    def log_probabilities(self, step: Float[Tensor, "prompts dim"]) -> Float[Tensor, "prompts vocabulary"]:
        """The distribution after each prompt when something is added to the residual stream."""
        logits = self._norm(self._residual + step.to(self._residual.dtype)) @ self._head.mT
        return logits.float().log_softmax(-1)
