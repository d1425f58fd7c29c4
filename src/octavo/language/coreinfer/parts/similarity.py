"""Whether texts that mean alike have cores alike: C3."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64
from scipy.stats import rankdata, spearmanr
from torch import Tensor

from octavo import data
from octavo.data import embedded
from octavo.lab import Lab, house_style, part
from octavo.language.coreinfer import figures
from octavo.language.coreinfer.blocks import Block, blocks_of
from octavo.language.coreinfer.clusters import multi_hot
from octavo.language.coreinfer.neurons import Tally, core_size, sentence_core
from octavo.language.coreinfer.parts import texts
from octavo.language.coreinfer.scales import Config
from octavo.language.coreinfer.watching import add, bos_of, counted_tokens, read, watching

GROUPS, BATCH, NEIGHBOURS = 6, 32, 5
RULES = {"abs": "core", "energy": "core_energy"}
"""How cores are chosen, and what the records call it; the claims are of the first."""
TOPICS = ("rec.sport.hockey", "sci.space", "comp.graphics", "talk.politics.mideast")

Vector = Float64[np.ndarray, " pairs"]


@part(seeds=1, data=("smollm2", "STSB"))
def stsb(config: Config, lab: Lab) -> None:
    """Cores and scores of the STS Benchmark."""
    pairs(config, lab, "STSB")


@part(seeds=1, data=("smollm2", "SICK"))
def sick(config: Config, lab: Lab) -> None:
    """Cores and scores of SICK."""
    pairs(config, lab, "SICK")


def pairs(config: Config, lab: Lab, name: str) -> None:
    """Correlations of the Jaccard index of cores with people's scores, beside that of words."""
    model, tokenizer = texts.load_model(config, lab.device)
    first, second, scores = sentence_pairs(config, lab, name)
    cores = cores_of(model, tokenizer, [*first, *second], config)
    words = np.array([word_jaccard(*pair) for pair in zip(first, second, strict=True)])
    near: dict[str, Vector] = {"words": words}
    for rule, system in RULES.items():
        by_layer, near[system] = jaccard(cores[rule][: len(first)], cores[rule][len(first) :])
        for layer in range(by_layer.shape[1]):
            at = {"layer": layer}
            rho = spearmanr(by_layer[:, layer], scores).statistic
            lab.record(system=system, dataset=name, metric="spearman", value=rho, at=at)
            rho = partial_spearman(by_layer[:, layer], scores, words)
            lab.record(system=system, dataset=name, metric="partial_spearman", value=rho, at=at)
    for group in range(GROUPS):
        some = slice(group, None, GROUPS)
        for system, values in near.items():
            rho = spearmanr(values[some], scores[some]).statistic
            lab.record(system=system, dataset=name, metric="spearman", value=rho, seed=group)
            if system != "words":
                rho = partial_spearman(values[some], scores[some], words[some])
                lab.record(system=system, dataset=name, metric="partial_spearman", value=rho, seed=group)
    with house_style():
        lab.figure("cores-and-scores", figures.pairs(near["core"], words, scores, name))


def jaccard(
    one: Bool[Tensor, "pairs layers neurons"], other: Bool[Tensor, "pairs layers neurons"]
) -> tuple[Float64[np.ndarray, "pairs layers"], Vector]:
    """What pairs of cores have in common, layer by layer and in all layers together."""
    common, union = (both.sum(2).double().cpu().numpy() for both in (one & other, one | other))
    return common / union, common.sum(1) / union.sum(1)


def sentence_pairs(config: Config, lab: Lab, name: str) -> tuple[list[str], list[str], Vector]:
    """Pairs of the test split with their scores; for the stand-in some of the manual with made-up ones."""
    generator = lab.generator("pairs")
    if config.model == "stand_in":
        lines = [line for text in embedded.manual() for line in text.splitlines() if 30 < len(line) < 60]
        some = [
            lines[n] for n in torch.randperm(len(lines), generator=generator)[: 2 * config.pairs].tolist()
        ]
        return some[::2], some[1::2], torch.rand(config.pairs, generator=generator).double().numpy()
    test = data.load(name).test
    rows = torch.randperm(len(test), generator=generator)[: config.pairs].tolist()
    return [test.first[r] for r in rows], [test.second[r] for r in rows], np.asarray(test.scores)[rows]


@torch.no_grad()
def cores_of(
    model: Any, tokenizer: Any, sentences: Sequence[str], config: Config, longest: int = 128
) -> dict[str, Bool[Tensor, "sentences layers neurons"]]:
    """The cores of sentences as ones, by counts and by energy; sentences of like length are read together."""
    ids = [tokenizer(text, add_special_tokens=False, verbose=False).input_ids[:longest] for text in sentences]
    order = sorted(range(len(ids)), key=lambda number: len(ids[number]))
    blocks, device = blocks_of(model), next(model.parameters()).device
    cores: dict[str, list[Tensor]] = {rule: [] for rule in RULES}
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        batch = torch.zeros(len(rows), len(ids[rows[-1]]), dtype=torch.long, device=device)
        mask = torch.zeros_like(batch)
        for place, row in enumerate(rows):
            batch[place, : len(ids[row])] = torch.tensor(ids[row])
            mask[place, : len(ids[row])] = 1
        counted = counted_tokens(batch, mask, bos_of(model))
        tallies = {rule: {block.layer: Tally(rule, config.token_share) for block in blocks} for rule in RULES}

        def see(
            block: Block,
            activations: Tensor,
            tallies: dict[str, dict[int, Tally]] = tallies,
            counted: Tensor = counted,
        ) -> None:
            for of_rule in tallies.values():
                add(of_rule, block, activations, counted)

        with watching(blocks, see):
            read(model, batch, mask)
        for rule, found in cores.items():
            found.append(torch.stack([_hot(block, tallies[rule][block.layer]) for block in blocks], dim=1))
    places = torch.tensor(order, device=device).argsort()
    return {rule: torch.cat(found)[places] for rule, found in cores.items()}


def _hot(block: Block, tally: Tally) -> Bool[Tensor, "batch neurons"]:
    core = sentence_core(tally.scores(block.down_norms()), core_size(block.neurons, 0.4))
    return multi_hot(core, block.neurons).bool()


def word_jaccard(one: str, other: str) -> float:
    """The share of words that two sentences have in common.

    Example:
        >>> word_jaccard("A dog runs.", "a dog sleeps")
        0.5
    """
    a, b = (set(re.findall(r"\w+", text.lower())) for text in (one, other))
    return len(a & b) / max(1, len(a | b))


def partial_spearman(x: Vector, y: Vector, given: Vector) -> float:
    """The rank correlation of two lists once a third one's share in both is taken out.

    Example:
        >>> partial_spearman(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 4, 3]), np.array([2.0, 1, 4, 3]))
        0.666666666667
    """
    a, b, c = (rankdata(values) for values in (x, y, given))
    r = np.corrcoef([a, b, c])
    bottom = np.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    return round(float((r[0, 1] - r[0, 2] * r[1, 2]) / bottom), 12)


@part(seeds=1, data=("smollm2", "newsgroups20"))
def topics(config: Config, lab: Lab) -> None:
    """Neighbours of posts by their cores, beside those by words and by shuffled labels."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import silhouette_score

    model, tokenizer = texts.load_model(config, lab.device)
    posts, labels = topic_posts(config, lab)
    cores = cores_of(model, tokenizer, posts, config)["abs"].double()
    # (layers, texts, texts)
    common = torch.einsum("a l n, b l n -> l a b", cores, cores)
    size = cores[0, 0].sum()
    near = (common / (2 * size - common)).cpu().numpy()
    vectors = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(posts)
    words = (vectors @ vectors.T).toarray()
    order = torch.randperm(len(labels), generator=lab.generator("shuffled")).numpy()
    for system, closeness, target in (
        ("core", near.mean(0), labels),
        ("words", words, labels),
        ("shuffled", near.mean(0), labels[order]),
    ):
        right = neighbours_right(closeness, target)
        lab.record(system=system, dataset="topics", metric="accuracy", value=right.mean(), items=right)
        far = np.clip(1 - closeness, 0, None)
        np.fill_diagonal(far, 0)
        value = silhouette_score(far, target, metric="precomputed")
        lab.record(system=system, dataset="topics", metric="silhouette", value=value)
    for layer, closeness in enumerate(near):
        right = neighbours_right(closeness, labels)
        at = {"layer": layer}
        lab.record(system="core", dataset="topics", metric="accuracy", value=right.mean(), at=at, items=right)
    with house_style():
        lab.figure("map-of-topics", figures.topic_map(near.mean(0), labels, TOPICS))


def topic_posts(config: Config, lab: Lab) -> tuple[list[str], np.ndarray]:
    """Posts of four groups; for the stand-in chapters of the manual in four arbitrary groups."""
    count, generator = config.topic_texts, lab.generator("topics")
    if config.model == "stand_in":
        chapters = embedded.manual()[: 4 * count]
        return [text[:200] for text in chapters], np.arange(len(chapters)) % 4
    test = data.load("newsgroups20").test
    posts: list[str] = []
    for topic in TOPICS:
        long = [text for text in test.of(topic) if len(text.split()) >= 60]
        posts += [long[n] for n in torch.randperm(len(long), generator=generator)[:count].tolist()]
    return posts, np.repeat(np.arange(len(TOPICS)), count)


def neighbours_right(closeness: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether most of the nearest others have the label of each text; of a tie the nearest one decides."""
    closeness = closeness.copy()
    np.fill_diagonal(closeness, -np.inf)
    nearest = labels[np.argsort(-closeness, axis=1, kind="stable")[:, :NEIGHBOURS]]
    votes = np.stack([(nearest == label).sum(1) for label in range(labels.max() + 1)], axis=1).astype(float)
    votes[np.arange(len(labels)), nearest[:, 0]] += 0.5
    return np.asarray(votes.argmax(1) == labels)
