"""Whether the core settles as a text grows, and whether it is that of the text: C2."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from octavo.lab import Lab, house_style, part
from octavo.language.coreinfer import figures
from octavo.language.coreinfer.blocks import Block, blocks_of
from octavo.language.coreinfer.neurons import core_size, sentence_core, token_core
from octavo.language.coreinfer.parts import texts
from octavo.language.coreinfer.scales import Config
from octavo.language.coreinfer.watching import bos_of, counted_tokens, read, watching

KINDS = ("story", "encyclopedia", "code", "news")
PREFIXES = (32, 64, 128, 192, 256, 264, 320, 384, 448, 512)
STRIPS = (10, 50, 100, 200, 300)


@part(seeds=1, data=("smollm2", "wikitext2", "gutenberg_stories", "newsgroups20"))
def stability(config: Config, lab: Lab) -> None:
    """The core of growing texts beside that of the whole text, of its second half, and of other texts."""
    model, tokenizer = texts.load_model(config, lab.device)
    blocks = blocks_of(model)
    cores: dict[int, list[Tensor]] = {tokens: [] for tokens in PREFIXES}
    second: list[Tensor] = []
    kinds: list[str] = []
    for kind in KINDS:
        generator = lab.generator(f"growing {kind}")
        for ids in texts.pieces(kind, config.growing, PREFIXES[-1], tokenizer, generator, config):
            counts = growing_counts(model, blocks, ids[None].to(lab.device), config.token_share)
            for tokens in PREFIXES:
                cores[tokens].append(chosen(counts[tokens], 0.4))
            second.append(chosen(counts[512] - counts[256], 0.4))
            if not kinds:
                with house_style():
                    layer = counts[10].shape[0] // 2
                    strips = {tokens: counts[tokens][layer].cpu().numpy() / tokens for tokens in STRIPS}
                    lab.figure("neurons-of-a-growing-text", figures.strips(strips, layer))
            kinds.append(kind)
    for tokens in PREFIXES[:-1]:
        record(lab, "prefix", "whole_text", shared(cores[tokens], cores[512]), {"tokens": tokens})
    record(lab, "grown", "by_8_tokens", shared(cores[256], cores[264]), {"tokens": 256})
    record(lab, "grown", "by_64_tokens", shared(cores[256], cores[320]), {"tokens": 256})
    own = shared(cores[256], second)
    record(lab, "own", "next_256", own)
    others = torch.stack(
        [
            torch.stack([shared([first], [other])[0] for j, other in enumerate(second) if j != i]).mean(0)
            for i, first in enumerate(cores[256])
        ]
    )
    record(lab, "foreign", "next_256", others)
    for layer in range(own.shape[1]):
        for system, values in (("own", own), ("foreign", others)):
            record(lab, system, "next_256_by_layer", values[:, layer : layer + 1], {"layer": layer})


def record(
    lab: Lab,
    system: str,
    dataset: str,
    values: Float[Tensor, "texts layers"],
    at: dict[str, Any] | None = None,
) -> None:
    """The share of the core that is the same, averaged over layers, an item a text."""
    items = values.mean(1).tolist()
    lab.record(system=system, dataset=dataset, metric="overlap", value=np.mean(items), at=at, items=items)


@torch.no_grad()
def growing_counts(
    model: Any, blocks: Sequence[Block], ids: Int[Tensor, "1 time"], token_share: float
) -> dict[int, Int[Tensor, "layers neurons"]]:
    """How often each neuron is core of a token among the first tokens of a text."""
    counted = counted_tokens(ids, bos=bos_of(model))[0]
    found: dict[int, list[Tensor]] = {tokens: [] for tokens in (*PREFIXES, *STRIPS)}

    def see(_: Block, activations: Tensor) -> None:
        core = token_core(activations.reshape(len(counted), -1), token_share) & counted[:, None]
        running = core.cumsum(0, dtype=torch.int32)
        for tokens, rows in found.items():
            rows.append(running[tokens - 1].clone())

    with watching(blocks, see):
        read(model, ids)
    return {tokens: torch.stack(rows) for tokens, rows in found.items()}


def chosen(counts: Int[Tensor, "layers neurons"], keep: float) -> Int[Tensor, "layers core"]:
    """The core by counts, layer by layer."""
    return sentence_core(counts.float(), core_size(counts.shape[1], keep))


def shared(one: Sequence[Tensor], other: Sequence[Tensor]) -> Float[Tensor, "texts layers"]:
    """The share of each text's core that is in the other's, layer by layer."""
    return torch.stack(
        [
            torch.stack([torch.isin(a, b).double().mean() for a, b in zip(core, reference, strict=True)])
            for core, reference in zip(one, other, strict=True)
        ]
    )
