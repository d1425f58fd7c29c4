"""Which predictor fits which prompt: C4."""

import numpy as np

from octavo.lab import Lab, part
from octavo.language.coreinfer.blocks import blocks_of
from octavo.language.coreinfer.clusters import fit_clusters
from octavo.language.coreinfer.continuation import Continuation
from octavo.language.coreinfer.inference import CoreInfer
from octavo.language.coreinfer.parts import texts
from octavo.language.coreinfer.parts.kept import LEARNED
from octavo.language.coreinfer.scales import Config
from octavo.language.coreinfer.slicing import Slices

SYSTEMS = {"stability": "abs", "similarity": "clusters", "static": "static"}


@part(seeds=1, data=LEARNED)
def predictors(config: Config, lab: Lab) -> None:
    """The prompt's own core, that of its cluster, and that of all other texts, for long and short prompts."""
    model, tokenizer = texts.load_model(config, lab.device)
    layers = texts.sliced_layers(config)
    blocks = blocks_of(model, layers)
    learned = texts.of_all_kinds(
        config.cluster_texts,
        config.cluster_tokens,
        tokenizer,
        lab,
        config,
        held_out=False,
        stream="clustered",
    )
    ids = [text for some in learned.values() for text in some]
    clusters = fit_clusters(model, ids, token_share=config.token_share, max_tokens=config.cluster_tokens)
    lab.record(system="similarity", dataset="learned", metric="clusters", value=len(clusters.sizes))
    for dataset, prompt in (("long", config.prompt), ("short", config.short)):
        found = texts.of_all_kinds(
            config.texts, prompt + config.continuation + 1, tokenizer, lab, config, stream=f"{dataset} texts"
        )
        nats: dict[str, list[float]] = {system: [] for system in ("dense", *SYSTEMS)}
        for some in found.values():
            for one in some:
                text = Continuation(model, blocks, one.to(lab.device), prompt, token_share=config.token_share)
                nats["dense"].append(float(text.score().nats.mean()))
                for system, rule in SYSTEMS.items():
                    infer = CoreInfer(model, 0.4, config.token_share, rule, layers, clusters=clusters)
                    cores, means = infer.choose(text.tallies["abs"])
                    scored = text.score(Slices(blocks, cores, means).installed())
                    nats[system].append(float(scored.nats.mean()))
        for system, values in nats.items():
            lab.record(
                system=system, dataset=dataset, metric="nll", value=np.mean(values), unit="nats", items=values
            )
            if system != "dense":
                more = np.array(values) - np.array(nats["dense"])
                lab.record(
                    system=system,
                    dataset=dataset,
                    metric="perplexity_ratio",
                    value=np.exp(more.mean()),
                    items=more,
                )
