"""Whether neurons are active where their weights say, on running text."""

from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from octavo import data
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards
from octavo.interpretability.lm_head_neurons.neuron_map import NeuronMap
from octavo.interpretability.lm_head_neurons.parts.models import Loaded, load
from octavo.interpretability.lm_head_neurons.reader import HeadReader
from octavo.interpretability.lm_head_neurons.scales import Config
from octavo.interpretability.lm_head_neurons.selectivity import covering_windows, selected
from octavo.interpretability.lm_head_neurons.stand_in import random_text
from octavo.lab import Lab, part


@part(data=("smollm2", "wikitext2"))
def selectivity(config: Config, lab: Lab) -> None:
    """Whether a neuron is active where its token is read or about to follow."""
    loaded = load(config.model, config, lab)
    late = range(loaded.at(config.late_layers + 0.38), loaded.layers)
    built = NeuronMap.build(loaded.model, loaded.tokenizer, source="up", layers=late, null=config.null)
    pieces = cut(loaded.tokenizer, text_of(config, loaded, lab), config.window_tokens)
    counts = torch.bincount(pieces.flatten(), minlength=len(built.vocabulary))
    table = built.specialised(0.001)
    # Rare tokens would make a curve of two points.
    frequent = counts[torch.tensor(table.token_id.tolist(), dtype=torch.long)].numpy() >= 8
    chosen = table[table.content.to_numpy(dtype=bool) & frequent].head(config.specialists)
    if len(chosen) < 2:
        chosen = table.head(config.specialists)
    tokens = chosen.token_id.tolist()
    picked = covering_windows(pieces, tokens, config.windows, lab.generator("windows"))
    windows = pieces[picked].to(lab.device)
    own = list(zip(chosen.layer.tolist(), chosen.neuron.tolist(), strict=True))
    count = feed_forwards(loaded.model)[-1].neurons
    random = torch.randint(count, (len(own), config.randoms), generator=lab.generator("randoms")).tolist()
    others = [(layer, number) for (layer, _), some in zip(own, random, strict=True) for number in some]
    wanted = tokens + [token for token in tokens for _ in range(config.randoms)]
    reader = HeadReader.of_model(loaded.model, loaded.tokenizer, special=True)
    found = selected(loaded.model, reader, windows, [*own, *others], wanted)
    for suffix, areas in (("", found.unsigned), ("_signed", found.signed)):
        for system, some in (("specialised", areas[: len(own)]), ("random", areas[len(own) :])):
            values = some[~np.isnan(some)]
            lab.record(
                system=f"{system}{suffix}",
                dataset="text",
                metric="auc",
                value=np.median(values) if len(values) else np.nan,
                items=values if len(values) else None,
            )
        kept = ~np.isnan(areas)
        value = spearmanr(np.abs(found.scores[kept]), areas[kept]).statistic
        lab.record(system=f"up{suffix}", dataset="text", metric="spearman", value=value)


def text_of(config: Config, loaded: Loaded, lab: Lab) -> list[str]:
    """The articles that are read; random words for the stand-in."""
    if config.model == "stand_in":
        return [random_text(loaded.tokenizer, 3000, lab.generator("text"))]
    articles = data.load("wikitext2")
    return [*articles.validation, *articles.test]


def cut(tokenizer: Any, texts: list[str], length: int) -> Tensor:
    """Texts as pieces of one length."""
    pieces = []
    for text in texts:
        ids = torch.tensor(tokenizer(text, add_special_tokens=False, verbose=False).input_ids)
        pieces.append(ids[: len(ids) // length * length].reshape(-1, length))
    return torch.cat(pieces)
