"""Generating with the core neurons of the prompt."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from octavo.language.coreinfer.blocks import Block, blocks_of
from octavo.language.coreinfer.clusters import CoreClusters, multi_hot
from octavo.language.coreinfer.neurons import Tally, core_size, sentence_core
from octavo.language.coreinfer.phases import Chosen, Phases
from octavo.language.coreinfer.slicing import Slices
from octavo.language.coreinfer.watching import bos_of, counted_tokens

SHORTEST = 8


class CoreInfer:
    """Generates with the feed-forward neurons that matter for the prompt, chosen while the prompt is read.

    The whole model reads the prompt; then the weights of the core neurons are gathered once in every layer,
    and each further token reads only those. Nothing is predicted while decoding. How small the core may be
    depends on the model and the text: `CoreReport` measures it. The memory of the gathered weights is kept
    for the next prompt, unless `free_dense` is set.

    Args:
        model: a causal language model of transformers, in evaluation mode, with gated or plain feed-forward
            blocks (see `octavo.language.coreinfer.blocks.FAMILIES`). It is changed only inside `generate` and
            `prompt`, and the very layers are put back.
        keep: the share of neurons in the core, rounded to a multiple of 8 neurons.
        token_share: the share of neurons in a token's core, for counting.
        rule: how a core is chosen. By stability, from the prompt's own tokens: "abs" counts how often a
            neuron's absolute activation is among the token's largest, "paper" how often its positive one is,
            "energy" takes its root mean square times the length of what it writes. By similarity: "clusters"
            takes the core of the cluster of texts that the prompt's own core is nearest to, "static" that of
            all of them; both need `clusters`.
        layers: "auto" for the middle ones as in the official code, "all", or their numbers.
        mean_fill: replace a dropped neuron by its mean activation over the prompt and not by zero; this is
            one constant vector a layer, and costs nothing a token.
        clusters: from `fit_clusters`, for "clusters", "static", and prompts of fewer than 8 tokens.
        core: "row" for a core a sequence of the batch, whose weights are gathered for each; "shared" for one
            of them all, which beam search needs.
        free_dense: put the whole weights away while the core decodes: from an accelerator into main memory,
            from main memory on disk. They are back before the next prompt is read.

    Raises:
        ValueError: a share is not in (0, 1], a rule is not known or lacks clusters, or the model is of no
            known kind, compiled, or quantised.

    Example:
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> shape = dict(hidden_size=8, intermediate_size=32, num_attention_heads=2)
        >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=2, **shape)).eval()
        >>> infer = CoreInfer(model, keep=0.25)
        >>> infer.generate(torch.arange(10)[None], max_new_tokens=3, do_sample=False, pad_token_id=0).shape
        torch.Size([1, 13])
        >>> {layer: core.shape[1] for layer, core in infer.cores.items()}
        {0: 8, 1: 8}

    Paper: arXiv 2410.18311, sections 3 and 4.
    """

    def __init__(
        self,
        model: nn.Module,
        keep: float = 0.4,
        token_share: float = 0.4,
        rule: str = "abs",
        layers: Literal["auto", "all"] | Iterable[int] = "auto",
        mean_fill: bool = True,
        clusters: CoreClusters | None = None,
        core: str = "row",
        free_dense: bool = False,
    ) -> None:
        if hasattr(model, "_orig_mod"):
            raise ValueError(
                "the model is compiled, and its layers cannot be exchanged; pass the plain model"
            )
        if core not in ("row", "shared"):
            raise ValueError(f"core={core!r} is not row or shared")
        if rule in ("clusters", "static") and clusters is None:
            raise ValueError(f"rule={rule!r} needs clusters=fit_clusters(model, texts, tokenizer=tokenizer)")
        self.model, self.keep, self.rule, self.clusters, self.shared = (
            model,
            keep,
            rule,
            clusters,
            core == "shared",
        )
        self.mean_fill, self.free_dense = mean_fill, free_dense
        self.blocks = blocks_of(model, layers)
        self.sizes = {block.layer: core_size(block.neurons, keep) for block in self.blocks}
        # Clusters know cores that were chosen in their way, so a prompt is compared by that.
        self.token_share = clusters.token_share if rule == "clusters" and clusters else token_share
        self.own_rule = clusters.rule if rule in ("clusters", "static") and clusters else rule
        self._tally()
        if clusters is not None and not {block.layer for block in self.blocks} <= set(clusters.layers):
            raise ValueError(f"the clusters know the layers {clusters.layers}, not all that are asked for")
        if clusters is not None:
            self.clusters = clusters.to(next(model.parameters()).device)
        self.cores: Mapping[int, Int[Tensor, "rows core"]] = {}
        """The core of the last prompt, layer by layer."""
        self._slices: Slices | None = None

    @contextmanager
    def prompt(
        self, input_ids: Int[Tensor, "batch time"], attention_mask: Int[Tensor, "batch time"] | None = None
    ) -> Iterator[Phases]:
        """Inside, the model reads this prompt whole and goes on with its core: with `generate`, or by hand.

        Args:
            input_ids: the prompts, padded on the left.
            attention_mask: 0 where a prompt is padded.

        Raises:
            ValueError: the model is in training mode; a prompt is no table of ids, is padded on the right, or
                has fewer than 8 tokens and there are no clusters; and inside, if the model reads another
                prompt, goes on from the cache of another one, has no cache, or its activations are not
                finite.
        """
        if self.model.training:
            raise ValueError("the model is in training mode; call model.eval() first")
        counted = counted_tokens(input_ids, attention_mask, bos_of(self.model))
        if attention_mask is not None and not bool(attention_mask[:, -1].all()):
            raise ValueError("a prompt is padded on the right, where its continuation goes; pad on the left")
        real = input_ids.shape[1] if attention_mask is None else int(attention_mask.sum(1).min())
        rule = self.rule
        if real < SHORTEST and rule not in ("clusters", "static"):
            if self.clusters is None:
                raise ValueError(
                    f"a prompt has {real} tokens, from which no core can be told; give at least {SHORTEST}, "
                    "or clusters=fit_clusters(...)"
                )
            warnings.warn(
                f"a prompt has {real} tokens; the core of all the clusters' texts is used", stacklevel=3
            )
            rule = "static"

        phases = Phases(
            self.model,
            self.blocks,
            input_ids,
            counted,
            self._tally,
            partial(self.choose, rule=rule),
            free_dense=self.free_dense,
            instead=self._slices,
        )
        # Whoever opens another prompt inside of this one must not write into its weights.
        self._slices = None
        try:
            with phases:
                yield phases
        finally:
            # With free_dense it is memory that counts, and not the time of a prompt.
            self._slices = None if self.free_dense else phases.slices

    def generate(
        self,
        input_ids: Int[Tensor, "batch time"],
        attention_mask: Int[Tensor, "batch time"] | None = None,
        max_new_tokens: int = 64,
        **settings: Any,
    ) -> Any:
        """What `model.generate` returns, decoded with the core of the prompt.

        Args:
            input_ids: the prompts, padded on the left.
            attention_mask: 0 where a prompt is padded; None where none is.
            max_new_tokens: at most so many; the first one comes from the whole model.
            settings: of `model.generate`: sampling, `streamer`, `stopping_criteria` and so on.

        Raises:
            ValueError: as `prompt`, or beam search without `core="shared"`.

        Example:
            See the class.
        """
        general = settings.get("generation_config") or getattr(self.model, "generation_config", None)
        beams = settings.get("num_beams") or getattr(general, "num_beams", 1) or 1
        if beams > 1 and not self.shared:
            raise ValueError(f'{beams} beams change places between tokens; use CoreInfer(core="shared")')
        if attention_mask is None and isinstance(input_ids, Tensor):
            attention_mask = torch.ones_like(input_ids)
        generate: Any = self.model.generate
        with self.prompt(input_ids, attention_mask):
            return generate(
                input_ids, attention_mask=attention_mask, max_new_tokens=max_new_tokens, **settings
            )

    def choose(self, tallies: Mapping[int, Tally], rule: str | None = None) -> Chosen:
        """The cores and the mean activations that stand in for the rest, from what a prompt's neurons did.

        Args:
            tallies: of the prompt, layer by layer.
            rule: in place of the usual one.
        """
        rule = rule or self.rule
        if rule in ("clusters", "static") and self.clusters is not None:
            chosen = self._by_similarity(tallies, self.clusters, rule == "static")
        else:
            chosen = self._by_stability(tallies)
        self.cores = chosen[0]
        return chosen if self.mean_fill else (chosen[0], None)

    def _tally(self) -> Tally:
        return Tally(self.own_rule, self.token_share)

    def _scores(self, block: Block, tally: Tally) -> Float[Tensor, "rows neurons"]:
        norms = block.down_norms() if tally.rule == "energy" else None
        return tally.scores(norms, shared=self.shared)

    def _by_stability(self, tallies: Mapping[int, Tally]) -> Chosen:
        cores, means = {}, {}
        for block in self.blocks:
            tally = tallies[block.layer]
            cores[block.layer] = sentence_core(self._scores(block, tally), self.sizes[block.layer])
            means[block.layer] = tally.mean(shared=self.shared)
        return cores, means

    def _by_similarity(self, tallies: Mapping[int, Tally], clusters: CoreClusters, static: bool) -> Chosen:
        places = [clusters.layers.index(block.layer) for block in self.blocks]
        if static:
            frequency, mean = (both[None] for both in clusters.pooled())
        else:
            own = [
                multi_hot(
                    sentence_core(
                        self._scores(block, tallies[block.layer]), core_size(block.neurons, clusters.keep)
                    ),
                    block.neurons,
                )
                for block in self.blocks
            ]
            known = CoreClusters(
                clusters.frequency[:, places], clusters.means[:, places], clusters.sizes, clusters.layers
            )
            found = known.nearest(torch.stack(own, dim=1))
            frequency, mean = clusters.frequency[found], clusters.means[found]
        cores = {
            block.layer: sentence_core(frequency[:, place], self.sizes[block.layer])
            for block, place in zip(self.blocks, places, strict=True)
        }
        return cores, {block.layer: mean[:, place] for block, place in zip(self.blocks, places, strict=True)}
