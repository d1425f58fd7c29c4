"""What the experiment's parts read: collections with tuned candidates, titles, and models by their name."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from octavo import data
from octavo.data import JudgedTexts, MissingData
from octavo.data.places import find_file
from octavo.lab import Lab
from octavo.retrieval.neural_ranking.drmm import DRMM
from octavo.retrieval.neural_ranking.fitting import fold_of_each
from octavo.retrieval.neural_ranking.formats import read_beir
from octavo.retrieval.neural_ranking.heuristics import BM25
from octavo.retrieval.neural_ranking.image_models import ARCII, PACRR, MatchPyramid
from octavo.retrieval.neural_ranking.kernel_models import KNRM, ConvKNRM
from octavo.retrieval.neural_ranking.letter_models import CDSSM, DSSM
from octavo.retrieval.neural_ranking.ranker import Ranker
from octavo.retrieval.neural_ranking.ranking_set import RankingSet
from octavo.retrieval.neural_ranking.scales import LEARNING_RATES, Config
from octavo.retrieval.neural_ranking.sequence_models import ARCI, MVLSTM, Duet
from octavo.retrieval.neural_ranking.strategies import title_pairs
from octavo.retrieval.neural_ranking.text import Vocabulary, tokenise
from octavo.retrieval.neural_ranking.training import Recipe
from octavo.retrieval.neural_ranking.tuning import ndcg_of_settings, settings_of_folds
from octavo.retrieval.neural_ranking.vectors import shipped_words, static_vectors

POOLED = "ir_classic"
"""The data set of numbers over the queries of all collections together."""
FOLD_SEED = 0
"""Folds are the same for every seed, as a published split would be."""
CLASSIC = ("Cranfield", "CISI", "CACM", "NPL")
"""The collections that stand in for those of the paper."""
THIRDS = ("low_overlap", "middle_overlap", "high_overlap")
"""The queries by how many of their words are in what is relevant."""
CHEAP = ("knrm", "drmm")
"""Models over features that never change while vectors are frozen."""


@dataclass(frozen=True)
class Material:
    """The collections, joined.

    Args:
        texts: the collections as they are.
        joined: all judged queries with candidates by the tuned BM25.
        fold_of: the fold of each query.
        untuned: nDCG@10 of BM25 with k1 = 1.2 and b = 0.75.
        settings: of each collection, the k1 and b of every fold.
        vocabulary: of all documents, and the words that have shipped vectors.
        vectors: of the vocabulary.
        pooled: whether numbers over all queries together are recorded as well.
    """

    texts: Mapping[str, JudgedTexts]
    joined: RankingSet
    fold_of: Tensor
    untuned: np.ndarray
    settings: Mapping[str, list[tuple[float, float]]]
    vocabulary: Vocabulary
    vectors: Tensor
    pooled: bool = True

    @property
    def rows(self) -> dict[str, list[int]]:
        """The rows of each collection's queries, and of all of them."""
        found = {
            name: [row for row, query in enumerate(self.joined.names) if query.startswith(f"{name}/")]
            for name in self.texts
        }
        return {**found, POOLED: list(range(len(self.joined)))} if self.pooled else found


def collection(name: str) -> JudgedTexts:
    """A collection of the registry, or a BEIR folder of that name in the folder `beir` of OCTAVO_DATA.

    Raises:
        MissingData: it is in neither.
    """
    if name in {entry.name for entry in data.entries()}:
        found: JudgedTexts = data.load(name)
        return found
    place = find_file(f"beir/{name}", "corpus.jsonl")
    if place is None:
        raise MissingData(name, f"Put it, in the format of BEIR, into the folder beir/{name} of OCTAVO_DATA.")
    corpus = read_beir(place.parent)
    return JudgedTexts(name, dict.fromkeys(corpus.docs, ""), corpus.docs, corpus.queries, corpus.qrels)


def smaller(texts: JudgedTexts, queries: int, documents: int) -> JudgedTexts:
    """The first queries of a collection, over what was judged for them and further documents."""
    if queries >= len(texts.queries) and documents >= len(texts.texts):
        return texts
    asked = dict(list(texts.queries.items())[:queries])
    judged = dict.fromkeys(each for name in asked for each in texts.gains[name] if each in texts.texts)
    kept = list(dict.fromkeys([*list(judged)[:documents], *texts.texts]))[:documents]
    there = set(kept)
    gains = {
        name: {each: gain for each, gain in texts.gains[name].items() if each in there} for name in asked
    }
    return JudgedTexts(
        texts.name,
        {each: texts.titles[each] for each in kept},
        {each: texts.texts[each] for each in kept},
        asked,
        gains,
    )


@lru_cache(maxsize=2)
def material(config: Config, names: tuple[str, ...], pooled: bool = True) -> Material:
    """Load collections and find candidates; the k1 and b of a query are chosen without its fold."""
    texts = {name: smaller(collection(name), config.judged_queries, config.documents) for name in names}
    words = Vocabulary.build(text for each in texts.values() for text in each.documents.values())
    vocabulary = Vocabulary(list(dict.fromkeys([*words.words[1:], *shipped_words()])))
    sets, folds, untuned, settings = {}, [], [], {}
    for name, each in texts.items():
        fold_of = fold_of_each(len(each.queries), config.folds, FOLD_SEED)
        documents = each.documents
        # A judgement of a document that the file lacks can be met by no system.
        qrels = {q: {d: g for d, g in judged.items() if d in documents} for q, judged in each.gains.items()}
        reached = ndcg_of_settings(documents, each.queries, qrels)
        settings[name] = settings_of_folds(reached, fold_of)
        untuned.append(ndcg_of_settings(documents, each.queries, qrels, [(1.2, 0.75)])[0])
        parts = {
            setting: RankingSet.build(
                vocabulary,
                each.queries,
                BM25(documents, *setting),
                qrels,
                config.depth,
                config.query_length,
                config.doc_length,
            )
            for setting in set(settings[name])
        }
        sets[name] = RankingSet.chosen([parts[settings[name][fold]] for fold in fold_of.tolist()])
        folds.append(fold_of)
    return Material(
        texts,
        RankingSet.joined(sets),
        torch.cat(folds),
        np.concatenate(untuned),
        settings,
        vocabulary,
        static_vectors(vocabulary),
        pooled,
    )


@lru_cache(maxsize=2)
def titles(number: int) -> tuple[tuple[str, str], ...]:
    """Titles of papers with their abstracts, spread over the whole table."""
    papers = data.load("arxiv_abstracts")
    rows = np.random.default_rng(0).permutation(len(papers))[:number]
    return tuple((papers.titles[row], papers.abstracts[row]) for row in rows)


@lru_cache(maxsize=2)
def of_titles(config: Config, vocabulary: Vocabulary) -> RankingSet:
    """The titles beside abstracts, the same for all models and seeds."""
    return title_pairs(
        vocabulary,
        titles(config.titles),
        negatives=3,
        query_length=config.query_length,
        doc_length=config.doc_length,
    )


def frequent_words(number: int) -> tuple[str, ...]:
    """The words of most documents, every collection counting the same."""
    shares: Counter[str] = Counter()
    papers = data.load("arxiv_abstracts")
    sources = [
        [f"{title} {text}" for title, text in zip(papers.titles, papers.abstracts, strict=True)],
        *(list(data.load(name).documents.values()) for name in (*CLASSIC, "Docstrings")),
    ]
    for texts in sources:
        counts = Counter(word for text in texts for word in set(tokenise(text)))
        for word, count in counts.items():
            # A word of a single document teaches a ranker nothing.
            if count > 1:
                shares[word] += count / len(texts)  # type: ignore[assignment]
    return tuple(sorted(shares, key=lambda word: (-shares[word], word))[:number])


BUILDERS: dict[str, Callable[[Config, Tensor, Vocabulary], Ranker]] = {
    "knrm": lambda config, vectors, words: KNRM(vectors),
    "drmm": lambda config, vectors, words: DRMM(vectors),
    "conv_knrm": lambda config, vectors, words: ConvKNRM(vectors, filters=config.phrase_filters),
    "match_pyramid": lambda config, vectors, words: MatchPyramid(vectors),
    "arc_ii": lambda config, vectors, words: ARCII(vectors, maps=max(2, config.maps // 4)),
    "pacrr": lambda config, vectors, words: PACRR(vectors),
    "mv_lstm": lambda config, vectors, words: MVLSTM(vectors),
    "duet": lambda config, vectors, words: Duet(vectors, maps=config.maps // 2),
    "arc_i": lambda config, vectors, words: ARCI(vectors, maps=config.maps),
    "dssm": lambda config, vectors, words: DSSM(
        words.letter_trigrams(config.letter_trigrams), hidden=config.letter_hidden, out=64
    ),
    "cdssm": lambda config, vectors, words: CDSSM(
        words.letter_trigrams(config.letter_trigrams), hidden=config.letter_hidden // 2, out=64
    ),
}
"""The learnt models of the comparison; on a laptop each has fewer than 300,000 parameters."""


def built(name: str, config: Config, found: Material, lab: Lab) -> Ranker:
    """A model with weights of the unit's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.key("init"))
        return BUILDERS[name](config, found.vectors, found.vocabulary).to(lab.device)


def recipe(config: Config, name: str, **changes: object) -> Recipe:
    """How a model is trained on judged queries."""
    settings: dict[str, object] = {
        "loss": config.loss,
        "epochs": config.cheap_epochs if name in CHEAP else config.epochs,
        "batch": config.batch,
        "listed": config.listed,
        "learning_rate": LEARNING_RATES[name],
        "patience": 5 if name in CHEAP else 1,
        "watched": config.watched,
    }
    return Recipe(**{**settings, **changes})  # type: ignore[arg-type]
