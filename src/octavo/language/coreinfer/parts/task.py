"""A task against the share of neurons: queries sorted by topic after examples."""

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from octavo import data
from octavo.lab import Lab, part
from octavo.language.coreinfer.blocks import blocks_of
from octavo.language.coreinfer.clusters import fit_clusters
from octavo.language.coreinfer.continuation import Continuation
from octavo.language.coreinfer.parts import texts
from octavo.language.coreinfer.parts.kept import change_of
from octavo.language.coreinfer.scales import Config

DOMAINS = {
    "banking": "bank",
    "travel": "travel",
    "work": "work",
    "kitchen_and_dining": "food",
    "auto_and_commute": "car",
}
RULES = ("abs_mean", "static_mean", "random")
BATCH = 12


@part(seeds=1, data=("smollm2", "CLINC150"))
def intents(config: Config, lab: Lab) -> None:
    """Accuracy of the likeliest topic, by rule and share, with the core of the examples."""
    model, tokenizer = texts.load_model(config, lab.device)
    examples, queries, labels, learned = questions(config, lab)
    names = list(DOMAINS.values())
    shown = "".join(line(text, names[label]) for text, label in examples)
    prompt = torch.tensor(tokenizer(shown, add_special_tokens=False).input_ids, device=lab.device)
    blocks = blocks_of(model, texts.sliced_layers(config))
    # The two last tokens are of no use: a continuation has at least one to score.
    cached = Continuation(model, blocks, torch.cat([prompt, prompt[:2]]), len(prompt))
    answers = [tokenizer(f" {name}", add_special_tokens=False).input_ids[0] for name in names]
    clusters = fit_clusters(model, learned, k=1, tokenizer=tokenizer, token_share=config.token_share)
    asked = [torch.tensor(tokenizer(line(text, ""), add_special_tokens=False).input_ids) for text in queries]

    def accuracy(system: str, change: AbstractContextManager[object], at: dict[str, float] | None) -> None:
        few = config.some_queries
        count = len(asked) if at is None or at["keep"] == 0.4 else few
        with change:
            said = answered(model, cached.cache, asked[:count], answers)
        for dataset, rows in (("intents", said), ("intents_table", said[:few])):
            if dataset == "intents" and count < len(asked):
                continue
            right = calibrated(rows).argmax(1).cpu().numpy() == np.array(labels[: len(rows)])
            lab.record(
                system=system, dataset=dataset, metric="accuracy", value=right.mean(), at=at, items=right
            )

    accuracy("dense", nullcontext(), None)
    for keep in config.keeps:
        for rule in RULES:
            change = change_of(rule, cached, keep, clusters, lab.generator("random", round(100 * keep)))
            accuracy(rule, change, {"keep": keep})


def line(text: str, topic: str) -> str:
    """A query as the examples show it."""
    return f"Query: {text}\nTopic: {topic}\n" if topic else f"Query: {text}\nTopic:"


def questions(config: Config, lab: Lab) -> tuple[list[tuple[str, int]], list[str], list[int], list[str]]:
    """Examples in random order, queries with their topics, and further queries in lines as examples."""
    generator = lab.generator("queries")
    count, topics = config.queries // len(DOMAINS) + 1, list(DOMAINS)
    examples: list[tuple[str, int]] = []
    queries: list[tuple[str, int]] = []
    others: list[tuple[str, int]] = []
    if config.model != "stand_in":
        found = data.load("CLINC150")
    for label, topic in enumerate(topics):
        if config.model == "stand_in":
            train = test = [f"{topic} number {n}" for n in range(20)]
        else:
            wanted = found.domains.index(topic)
            train, test = (
                [
                    text
                    for text, of in zip(split.texts, split.labels, strict=True)
                    if found.domain_of[of] == wanted
                ]
                for split in (found.train, found.test)
            )
        order = torch.randperm(len(train), generator=generator).tolist()
        examples += [(train[n], label) for n in order[: config.examples]]
        others += [(train[n], label) for n in order[config.examples : config.examples + 12]]
        order = torch.randperm(len(test), generator=generator)[:count].tolist()
        queries += [(test[n], label) for n in order]
    order = torch.randperm(len(examples), generator=generator).tolist()
    chosen = torch.randperm(len(queries), generator=generator)[: config.queries].tolist()
    mixed = torch.randperm(len(others), generator=generator).tolist()
    names = list(DOMAINS.values())
    rows = [line(others[n][0], names[others[n][1]]) for n in mixed]
    learned = ["".join(rows[start : start + 6]) for start in range(0, len(rows), 6)]
    return (
        [examples[n] for n in order],
        [queries[n][0] for n in chosen],
        [queries[n][1] for n in chosen],
        learned,
    )


@torch.no_grad()
def answered(
    model: Any, cache: Any, asked: Sequence[Tensor], answers: Sequence[int]
) -> Float[Tensor, "queries answers"]:
    """The log-probability of each answer after each query, which follows what is in the cache."""
    device, said = next(model.parameters()).device, []
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        ids = torch.zeros(len(some), max(map(len, some)), dtype=torch.long)
        for row, query in enumerate(some):
            ids[row, : len(query)] = query
        many = copy.deepcopy(cache)
        many.batch_repeat_interleave(len(some))
        # What pads a query comes after its last token, which therefore does not see it.
        logits = model(ids.to(device), past_key_values=many, use_cache=True).logits
        last = torch.tensor([len(query) - 1 for query in some], device=device)
        rows = logits[torch.arange(len(some), device=device), last]
        said.append(rows[:, list(answers)].float().log_softmax(1))
    return torch.cat(said)


def calibrated(log_probabilities: Float[Tensor, "queries answers"]) -> Float[Tensor, "queries answers"]:
    """What speaks for an answer beyond its mean probability over all queries (batch calibration, 2309.17249).

    Without it a small model gives most queries the topic that it has seen last.

    Example:
        >>> calibrated(torch.tensor([[0.8, 0.2], [0.6, 0.4]]).log()).argmax(1)
        tensor([0, 1])
    """
    return log_probabilities - log_probabilities.exp().mean(0).log()
