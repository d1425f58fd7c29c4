"""What is lost when only some neurons are kept: C1, C1b and C7."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import chain
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
Arm = tuple[str, float]
"""A rule and a share."""
LEARNED = ("smollm2", "wikitext2", "gutenberg_stories", "newsgroups20", "self_instruct")
RULES_OF_THE_TABLE = ("paper", "abs", "abs_mean", "energy", "static", "random")
BESIDE = ("static_mean", "hindsight", "token")
"""At one share on a laptop, at all of them on a GPU."""
CLAIMED = ("abs", "abs_mean", "static", "static_mean", "random", "token")
"""At two fifths on more texts."""
EVERYWHERE = ("abs_mean", "token")


@part(seeds=1, data=LEARNED)
def kept(config: Config, lab: Lab) -> None:
    """Surprise at what follows the prompt, by rule and share, on five kinds of text; then with all layers.

    The table of all shares is of some texts of each kind, what the claims ask for of more.
    """
    model, tokenizer = texts.load_model(config, lab.device)
    found = texts.of_all_kinds(
        config.more_texts, config.prompt + config.continuation + 1, tokenizer, lab, config, stream="texts"
    )
    clusters = static_of(model, tokenizer, config, lab)
    blocks = blocks_of(model, texts.sliced_layers(config))
    some = {kind: pieces[: config.texts] for kind, pieces in found.items()}
    rest = {kind: pieces[config.texts :] for kind, pieces in found.items()}
    table = score(lab, config, model, blocks, some, clusters, arms(config))
    record(lab, table, "table")
    claimed = [(rule, 0.4) for rule in CLAIMED]
    further = score(lab, config, model, blocks, rest, clusters, claimed, first=config.texts)
    record(lab, table.of(claimed) + further, "texts")
    everything = [(rule, 0.4) for rule in EVERYWHERE]
    record(lab, score(lab, config, model, blocks_of(model), some, clusters, everything), "texts_all_layers")


def arms(config: Config) -> list[Arm]:
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
    record(lab, score(lab, config, model, blocks, found, clusters, some), "embedded")


@part(seeds=1, data=LEARNED)
def greedy(config: Config, lab: Lab) -> None:
    """What is written after the prompt: how much of it is the same with the core."""
    model, tokenizer = texts.load_model(config, lab.device)
    found = texts.of_all_kinds(config.written, config.prompt, tokenizer, lab, config, stream="texts")
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


@dataclass
class Scores:
    """Mean nats of each text by kind, and the share of next tokens that stay the same, by rule and share."""

    dense: dict[str, list[float]]
    nats: dict[Arm, dict[str, list[float]]]
    same: dict[Arm, dict[str, list[float]]]

    def of(self, arms: Sequence[Arm]) -> "Scores":
        """Those of some rules and shares."""
        return Scores(
            self.dense, {arm: self.nats[arm] for arm in arms}, {arm: self.same[arm] for arm in arms}
        )

    def __add__(self, other: "Scores") -> "Scores":
        """Those of further texts with the same rules and shares."""
        return Scores(
            joined(self.dense, other.dense),
            {arm: joined(kinds, other.nats[arm]) for arm, kinds in self.nats.items()},
            {arm: joined(kinds, other.same[arm]) for arm, kinds in self.same.items()},
        )


def joined(one: dict[str, list[float]], other: dict[str, list[float]]) -> dict[str, list[float]]:
    """Lists of the same names, one behind the other."""
    return {kind: values + other[kind] for kind, values in one.items()}


def score(
    lab: Lab,
    config: Config,
    model: Any,
    blocks: Sequence[Block],
    pieces: Pieces,
    clusters: CoreClusters,
    arms: Sequence[Arm],
    first: int = 0,
) -> Scores:
    """Scores the continuation of every text under every rule and share; `first` numbers the texts on."""
    tallied = [rule for rule in RULES if any(arm.startswith(rule) for arm, _ in arms)]
    dense: dict[str, list[float]] = {kind: [] for kind in pieces}
    nats: dict[Arm, dict[str, list[float]]] = {arm: {kind: [] for kind in pieces} for arm in arms}
    same: dict[Arm, dict[str, list[float]]] = {arm: {kind: [] for kind in pieces} for arm in arms}
    for kind, some in pieces.items():
        for number, ids in enumerate(some):
            text = Continuation(model, blocks, ids.to(lab.device), config.prompt, tallied, config.token_share)
            whole = text.score()
            dense[kind].append(float(whole.nats.mean()))
            for rule, keep in arms:
                generator = lab.generator(f"random {kind}", first + number)
                scored = text.score(change_of(rule, text, keep, clusters, generator))
                nats[rule, keep][kind].append(float(scored.nats.mean()))
                same[rule, keep][kind].append(float(scored.agrees(whole).double().mean()))
            lab.say(f"{kind} {number + 1} of {len(some)}: {len(arms)} rules and shares")
    return Scores(dense, nats, same)


def record(lab: Lab, scores: Scores, dataset: str) -> None:
    """Records nats, their ratio to the whole model's as perplexities, and the agreement of next tokens."""
    dense = np.array(list(chain(*scores.dense.values())))
    lab.record(system="dense", dataset=dataset, metric="nll", value=dense.mean(), unit="nats", items=dense)
    for (rule, keep), by_kind in scores.nats.items():
        put = partial(lab.record, system=rule, dataset=dataset, at={"keep": keep})
        values = np.array(list(chain(*by_kind.values())))
        put(metric="nll", value=values.mean(), unit="nats", items=values)
        more = values - dense
        put(metric="perplexity_ratio", value=np.exp(more.mean()), items=more)
        kinds = scores.same[rule, keep]
        everything = list(chain(*kinds.values()))
        put(metric="agreement", value=np.mean(everything), items=everything)
        put(metric="kinds_kept", value=sum(float(np.mean(some) >= 0.9) for some in kinds.values()))
        if dataset == "table":
            for kind, agreed in kinds.items():
                put(dataset=kind, metric="agreement", value=np.mean(agreed), items=agreed)


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
