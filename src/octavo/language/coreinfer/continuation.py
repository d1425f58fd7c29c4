"""A text that was read up to a place, whose continuation is scored again and again with other neurons."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from octavo.language.coreinfer.blocks import Block
from octavo.language.coreinfer.clusters import CoreClusters
from octavo.language.coreinfer.neurons import Rule, Tally, core_size, sentence_core
from octavo.language.coreinfer.slicing import Cores, Means
from octavo.language.coreinfer.watching import add, bos_of, counted_tokens, watching


@dataclass(frozen=True)
class Scored:
    """What a model said of a continuation.

    Args:
        nats: the surprise of each token.
        first: the likeliest token at each place.
    """

    nats: Float[Tensor, " time"]
    first: Int[Tensor, " time"]

    def agrees(self, other: "Scored") -> Bool[Tensor, " time"]:
        """Where both think the same token likeliest."""
        return self.first == other.first


class Continuation:
    """The prompt of a text in the cache, with tallies of its neurons, and the text that follows.

    Args:
        model: a causal language model.
        blocks: from `blocks_of`.
        ids: the text's tokens, one more than the prompt and its continuation.
        prompt: tokens of the prompt.
        rules: tallied while the prompt is read.
        token_share: as in `Tally`.

    Example:
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> from octavo.language.coreinfer.blocks import blocks_of
        >>> shape = dict(hidden_size=8, intermediate_size=32, num_attention_heads=2)
        >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=2, **shape)).eval()
        >>> text = Continuation(model, blocks_of(model), torch.arange(13), 8)
        >>> text.score().nats.shape
        torch.Size([4])
    """

    @torch.no_grad()
    def __init__(
        self,
        model: Any,
        blocks: Sequence[Block],
        ids: Int[Tensor, " tokens"],
        prompt: int,
        rules: Sequence[Rule] = ("abs",),
        token_share: float = 0.4,
    ) -> None:
        if not 1 < prompt < len(ids) - 1:
            raise ValueError(f"a prompt of {prompt} tokens leaves nothing to score of a text of {len(ids)}")
        self.model, self.blocks, self.ids, self.length = model, blocks, ids[None], prompt
        self.tallies = {rule: {b.layer: Tally(rule, token_share) for b in blocks} for rule in rules}
        counted = counted_tokens(self.ids[:, :prompt], bos=bos_of(model))

        def see(block: Block, activations: Tensor) -> None:
            for tallies in self.tallies.values():
                add(tallies, block, activations, counted)

        with watching(blocks, see):
            read = model(self.ids[:, :prompt], use_cache=True, logits_to_keep=1)
        self.cache = read.past_key_values

    @torch.no_grad()
    def score(self, change: AbstractContextManager[object] | None = None) -> Scored:
        """Reads the continuation in a context, such as `Slices(...).installed()`, and forgets it again."""
        rest = self.ids[:, self.length : -1]
        with change or nullcontext():
            logits = self.model(rest, past_key_values=self.cache, use_cache=True).logits[0].float()
        # Only a negative number is taken: so many tokens less.
        self.cache.crop(-rest.shape[1])
        targets = self.ids[0, self.length + 1 :]
        nats = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        return Scored(nats, logits.argmax(-1))

    def cores(self, rule: Rule, keep: float) -> Cores:
        """The prompt's core by a rule that was tallied."""
        found = {}
        for block in self.blocks:
            norms = block.down_norms() if rule == "energy" else None
            found[block.layer] = sentence_core(
                self.tallies[rule][block.layer].scores(norms), core_size(block.neurons, keep)
            )
        return found

    def means(self) -> Means:
        """The mean activations of the prompt."""
        first = next(iter(self.tallies.values()))
        return {layer: tally.mean() for layer, tally in first.items()}

    @torch.no_grad()
    def hindsight(self, keep: float, token_share: float = 0.4) -> Cores:
        """The core of the continuation itself: the bound of what a core chosen beforehand can be."""
        tallies = {block.layer: Tally("abs", token_share) for block in self.blocks}
        all_of_it = torch.ones_like(self.ids[:, self.length : -1], dtype=torch.bool)
        with watching(self.blocks, lambda block, hidden: add(tallies, block, hidden, all_of_it)):
            self.score()
        return {
            block.layer: sentence_core(tallies[block.layer].scores(), core_size(block.neurons, keep))
            for block in self.blocks
        }


def static_cores(clusters: CoreClusters, blocks: Sequence[Block], keep: float) -> tuple[Cores, Means]:
    """The core of all texts of the clusters, that of none in particular, and its mean activations."""
    frequency, mean = clusters.pooled()
    places = {layer: place for place, layer in enumerate(clusters.layers)}
    cores = {
        block.layer: sentence_core(frequency[None, places[block.layer]], core_size(block.neurons, keep))
        for block in blocks
    }
    return cores, {block.layer: mean[None, places[block.layer]] for block in blocks}


def overlap(one: Cores, other: Cores) -> float:
    """The share of neurons that two cores have in common, averaged over the layers.

    Example:
        >>> overlap({0: torch.tensor([[0, 1]])}, {0: torch.tensor([[1, 2]])})
        0.5
    """
    shares = [torch.isin(one[layer], other[layer]).float().mean() for layer in one]
    return float(torch.stack(shares).mean())
