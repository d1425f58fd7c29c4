"""What is lost when only some neurons are kept: C1, C1b and C7."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo.lab import Lab, part
from octavo.language.coreinfer.blocks import Block, blocks_of
from octavo.language.coreinfer.clusters import CoreClusters, fit_clusters
from octavo.language.coreinfer.continuation import Continuation, static_cores
from octavo.language.coreinfer.inference import CoreInfer
from octavo.language.coreinfer.neurons import RULES
from octavo.language.coreinfer.parts import texts
from octavo.language.coreinfer.peers import each_tokens_own, random_cores
from octavo.language.coreinfer.rouge import rouge_l
from octavo.language.coreinfer.scales import Config
from octavo.language.coreinfer.slicing import Slices

Pieces = Mapping[str, Sequence[Tensor]]
LEARNED = ("smollm2", "wikitext2", "gutenberg_stories", "newsgroups20", "self_instruct")
RULES_OF_THE_TABLE = ("paper", "abs", "abs_mean", "energy", "static", "random")
BESIDE = ("static_mean", "hindsight", "token")
"""At one share on a laptop, at all of them on a GPU."""
EVERYWHERE = ("abs_mean", "token")


@part(seeds=1, data=LEARNED)
def kept(config: Config, lab: Lab) -> None:
    """Surprise at what follows the prompt, by rule and share, on five kinds of text; then with all layers."""
    model, tokenizer = texts.load_model(config, lab.device)
    found = texts.of_all_kinds(
        config.texts, config.prompt + config.continuation + 1, tokenizer, lab, config, stream="texts"
    )
    clusters = static_of(model, tokenizer, config, lab)
    blocks = blocks_of(model, texts.sliced_layers(config))
    measure(lab, config, model, blocks, found, clusters, "texts", arms(config))
    everything = [(rule, 0.4) for rule in EVERYWHERE]
    measure(lab, config, model, blocks_of(model), found, clusters, "texts_all_layers", everything)


def arms(config: Config) -> list[tuple[str, float]]:
    """The rules of the table at all shares, and what stands beside them."""
    table = [(rule, keep) for keep in config.keeps for rule in RULES_OF_THE_TABLE]
    shares = [keep for keep in config.keeps if keep == 0.4 or config.bounds_everywhere]
    return table + [(rule, keep) for keep in shares for rule in BESIDE]


@part(seeds=1, data=("smollm2",))
def embedded(config: Config, lab: Lab) -> None:
    """The same for texts that every Python brings, programs and a manual, at one share."""
    model, tokenizer = texts.load_model(config, lab.device)
    tokens = config.prompt + config.continuation + 1
    found, learned = {}, []
    for kind in texts.EMBEDDED:
        generator = lab.generator(f"embedded {kind}")
        found[kind] = texts.pieces(kind, config.texts, tokens, tokenizer, generator, config)
        learned += texts.pieces(
            kind,
            config.static_texts,
            config.cluster_tokens,
            tokenizer,
            generator,
            config,
            held_out=False,
        )
    clusters = fit_clusters(model, learned, k=1, token_share=config.token_share)
    blocks = blocks_of(model, texts.sliced_layers(config))
    some = [(rule, 0.4) for rule in ("abs", "abs_mean", "static", "random", "token")]
    measure(lab, config, model, blocks, found, clusters, "embedded", some)


@part(seeds=1, data=LEARNED)
def greedy(config: Config, lab: Lab) -> None:
    """What is written after the prompt: how much of it is the same with the core."""
    model, tokenizer = texts.load_model(config, lab.device)
    found = texts.of_all_kinds(config.texts, config.prompt, tokenizer, lab, config, stream="texts")
    settings: dict[str, Any] = {"do_sample": False, "pad_token_id": tokenizer.pad_token_id}
    new = config.continuation
    for kind, some in found.items():
        ids = torch.stack(list(some)).to(lab.device)
        mask = torch.ones_like(ids)
        whole = model.generate(ids, attention_mask=mask, max_new_tokens=new, min_new_tokens=new, **settings)
        infer = CoreInfer(model, 0.4, config.token_share, layers=texts.sliced_layers(config))
        scores = []
        for row, expected in zip(ids, whole, strict=True):
            # One by one: a batch would gather, and read, weights for each of its rows.
            (core,) = infer.generate(row[None], mask[:1], max_new_tokens=new, min_new_tokens=new, **settings)
            scores.append(rouge_l(core[config.prompt :].tolist(), expected[config.prompt :].tolist()))
        lab.record(
            system="abs_mean",
            dataset=kind,
            metric="rouge",
            value=np.mean(scores),
            at={"keep": 0.4},
            items=scores,
        )


def static_of(model: Any, tokenizer: Any, config: Config, lab: Lab) -> CoreClusters:
    """One core of other texts of the five kinds."""
    learned = texts.of_all_kinds(
        config.static_texts,
        config.cluster_tokens,
        tokenizer,
        lab,
        config,
        held_out=False,
        stream="learned",
    )
    ids = [text for some in learned.values() for text in some]
    return fit_clusters(model, ids, k=1, token_share=config.token_share, max_tokens=config.cluster_tokens)


def measure(
    lab: Lab,
    config: Config,
    model: Any,
    blocks: Sequence[Block],
    pieces: Pieces,
    clusters: CoreClusters,
    dataset: str,
    arms: Sequence[tuple[str, float]],
) -> None:
    """Scores the continuation of every text under every rule and share, and records it."""
    tallied = [rule for rule in RULES if any(arm.startswith(rule) for arm, _ in arms)]
    nats: dict[tuple[str, float], list[float]] = {}
    same: dict[tuple[str, float], dict[str, list[float]]] = {}
    dense_nats: list[float] = []
    for kind, some in pieces.items():
        for number, ids in enumerate(some):
            text = Continuation(model, blocks, ids.to(lab.device), config.prompt, tallied, config.token_share)
            dense = text.score()
            dense_nats.append(float(dense.nats.mean()))
            for rule, keep in arms:
                generator = lab.generator(f"random {kind}", number)
                scored = text.score(change_of(rule, text, keep, clusters, generator))
                nats.setdefault((rule, keep), []).append(float(scored.nats.mean()))
                agreed = float(scored.agrees(dense).double().mean())
                same.setdefault((rule, keep), {}).setdefault(kind, []).append(agreed)
            lab.say(f"{dataset}: {kind} {number + 1} of {len(some)}")
    lab.record(
        system="dense",
        dataset=dataset,
        metric="nll",
        value=np.mean(dense_nats),
        unit="nats",
        items=dense_nats,
    )
    for (rule, keep), values in nats.items():
        at = {"keep": keep}
        lab.record(
            system=rule,
            dataset=dataset,
            metric="nll",
            value=np.mean(values),
            unit="nats",
            at=at,
            items=values,
        )
        more = np.array(values) - np.array(dense_nats)
        lab.record(
            system=rule,
            dataset=dataset,
            metric="perplexity_ratio",
            value=np.exp(more.mean()),
            at=at,
            items=more,
        )
        kinds = same[rule, keep]
        everything = [value for some in kinds.values() for value in some]
        lab.record(
            system=rule,
            dataset=dataset,
            metric="agreement",
            value=np.mean(everything),
            at=at,
            items=everything,
        )
        held = sum(float(np.mean(some) >= 0.9) for some in kinds.values())
        lab.record(system=rule, dataset=dataset, metric="kinds_kept", value=held, at=at)
        if dataset == "texts":
            for kind, agreed_there in kinds.items():
                lab.record(
                    system=rule,
                    dataset=kind,
                    metric="agreement",
                    value=np.mean(agreed_there),
                    at=at,
                    items=agreed_there,
                )


def change_of(
    rule: str, text: Continuation, keep: float, clusters: CoreClusters, generator: torch.Generator
) -> AbstractContextManager[object]:
    """What stands in the model's place: `_mean` replaces a dropped neuron by its mean over the prompt."""
    blocks, name = text.blocks, rule.removesuffix("_mean")
    if name == "token":
        return each_tokens_own(blocks, keep)
    if name == "random":
        cores = {
            layer: core.to(text.ids.device) for layer, core in random_cores(blocks, keep, generator).items()
        }
    elif name == "static":
        cores = dict(static_cores(clusters.to(text.ids.device), blocks, keep)[0])
    elif name == "hindsight":
        cores = dict(text.hindsight(keep))
    else:
        cores = dict(text.cores(name, keep))  # type: ignore[arg-type]
    return Slices(blocks, cores, text.means() if rule.endswith("_mean") else None).installed()
