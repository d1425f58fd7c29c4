"""Metrics, formats, first stages, training and reranking, up to a user's own folder."""

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from octavo import data
from octavo.retrieval import (
    ARCI,
    BM25,
    DRMM,
    DSSM,
    KNRM,
    MVLSTM,
    LambdaMARTFeatures,
    MatchPyramid,
    QueryLikelihood,
    Ranker,
    Recipe,
    Reranker,
    Vocabulary,
    evaluate_run,
    fit,
    randomisation_test,
    read_beir,
    read_qrels,
    read_run,
    write_run,
)
from octavo.retrieval.neural_ranking.features import FEATURES, HandCrafted
from octavo.retrieval.neural_ranking.formats import Corpus, write_beir, write_qrels
from octavo.retrieval.neural_ranking.ranking_set import RankingSet, ideal_dcg
from octavo.retrieval.neural_ranking.strategies import title_pairs, weak_labels
from octavo.retrieval.neural_ranking.training import Pairs, best_weight, listing, train
from octavo.retrieval.neural_ranking.tuning import ndcg_of_settings

TOPICS = ("wing", "heat", "flow", "noise", "beam", "shock")
PUBLISHED = {
    "Cranfield": (0.532, 0.410, 0.811),
    "CISI": (0.370, 0.201, 0.638),
    "CACM": (0.413, 0.280, 0.708),
    "NPL": (0.357, 0.215, 0.656),
}
"""nDCG@10, MAP and MRR of BM25, as the data's own description has them."""


def small_corpus() -> Corpus:
    """Documents of six topics, asked by their words; the words around them are noise."""
    drawn = random.Random(0)
    noise = [f"word{place}" for place in range(40)]
    docs = {
        f"d{place}": " ".join([TOPICS[place % 6]] * (1 + place % 3) + drawn.choices(noise, k=8))
        for place in range(48)
    }
    queries = {f"q{place}": f"{TOPICS[place % 6]} {noise[place]}" for place in range(12)}
    qrels = {
        f"q{place}": {f"d{doc}": 1 + doc % 3 for doc in range(48) if doc % 6 == place % 6}
        for place in range(12)
    }
    return Corpus(docs, queries, qrels)


def test_metrics_equal_trec_eval() -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    drawn = random.Random(1)
    qrels = {str(q): {str(d): drawn.randint(0, 3) for d in range(30)} for q in range(20)}
    # Few different scores, so that there are many ties; some judged documents are not found.
    run = {str(q): {str(d): float(drawn.randint(0, 4)) for d in range(5, 150)} for q in range(20)}
    compare_with_trec_eval(pytrec_eval, run, qrels)


def compare_with_trec_eval(pytrec_eval: object, run: dict, qrels: dict) -> None:  # type: ignore[type-arg]
    names = {"nDCG@10": "ndcg_cut_10", "AP": "map", "RR": "recip_rank", "P@20": "P_20", "R@100": "recall_100"}
    asked = {"ndcg_cut.10", "map", "recip_rank", "P.20", "recall.100"}
    expected = pytrec_eval.RelevanceEvaluator(qrels, asked).evaluate(run)  # type: ignore[attr-defined]
    found = evaluate_run(run, qrels)
    for name, theirs in names.items():
        for query, value in found[name].items():
            assert value == pytest.approx(expected[query][theirs], abs=1e-6), (name, query)


@pytest.mark.parametrize("name", PUBLISHED)
def test_bm25_has_its_published_figures_and_trec_eval_agrees(name: str) -> None:
    if not data.available(name):
        pytest.skip(f"OCTAVO_DATA does not hold {name}")
    texts = data.load(name)
    stage = BM25(texts.documents)
    places, _ = stage.top(list(texts.queries.values()), 1000)
    # The description breaks ties by the order of the documents, so ranks stand in for scores.
    run = {
        query: {stage.names[place]: -float(rank) for rank, place in enumerate(row)}
        for query, row in zip(texts.queries, places.tolist(), strict=True)
    }
    found = evaluate_run(run, texts.gains, ["nDCG@10", "AP", "RR"], exponential=True)
    means = [float(np.mean(list(values.values()))) for values in found.values()]
    assert means == pytest.approx(PUBLISHED[name], abs=0.01)
    pytrec_eval = pytest.importorskip("pytrec_eval")
    tied = {query: {doc: float(int(-rank) // 3) for doc, rank in docs.items()} for query, docs in run.items()}
    some = dict(list(tied.items())[:10])
    compare_with_trec_eval(pytrec_eval, some, {query: dict(texts.gains[query]) for query in some})


def test_average_precision_counts_what_was_not_found() -> None:
    found = evaluate_run({"q": {"a": 1.0}}, {"q": {"a": 1, "b": 1}, "r": {"a": 1}}, ["AP"])
    assert found["AP"] == {"q": 0.5, "r": 0.0}


def test_metrics_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="is no metric"):
        evaluate_run({}, {"q": {"a": 1}}, ["nDCG@ten"])
    with pytest.raises(ValueError, match="negative gain"):
        evaluate_run({}, {"q": {"a": -1}})
    with pytest.raises(ValueError, match="no query"):
        evaluate_run({}, {"q": {"a": 0}})
    with pytest.raises(ValueError, match="cannot be paired"):
        randomisation_test([1.0], [1.0, 2.0])


def test_the_randomisation_test_is_a_test() -> None:
    drawn = np.random.default_rng(0)
    p_values = [
        randomisation_test(drawn.normal(size=30).tolist(), drawn.normal(size=30).tolist(), 500, seed)
        for seed in range(200)
    ]
    assert 0.01 < np.mean(np.array(p_values) < 0.05) < 0.1


def test_files_of_trec_come_back(tmp_path: Path) -> None:
    run = {"q": {"a": 0.5, "b": 1.25}}
    write_run(run, tmp_path / "run")
    assert read_run(tmp_path / "run") == run
    assert (tmp_path / "run").read_text().split("\n")[0] == "q Q0 b 1 1.25 octavo"
    write_qrels({"q": {"a": 2}}, tmp_path / "qrels")
    assert read_qrels(tmp_path / "qrels") == {"q": {"a": 2}}
    (tmp_path / "run").write_text("q Q0 a 1 high tag\n")
    with pytest.raises(ValueError, match="line 1: the score 'high'"):
        read_run(tmp_path / "run")
    (tmp_path / "qrels").write_text("q a 1\n")
    with pytest.raises(ValueError, match="expected 4 columns; got 3"):
        read_qrels(tmp_path / "qrels")


def test_a_folder_of_beir_trains_and_reranks(tmp_path: Path) -> None:
    write_beir(small_corpus(), tmp_path)
    corpus = read_beir(tmp_path)
    words = Vocabulary.build(corpus.docs.values())
    model = DRMM(torch.randn(len(words), 16, generator=torch.Generator().manual_seed(0)), vocabulary=words)
    report = fit(model, corpus.queries, corpus.docs, corpus.qrels, folds=3, depth=48, recipe=Recipe(epochs=3))
    search = Reranker(BM25(corpus.docs), model, depth=48, interpolate=report.weight)
    found = search.search("wing", k=5)
    assert all("wing" in corpus.docs[f"d{place}"] for place, _ in found)
    assert set(report.metrics) == {"together", "model", "first stage"}
    assert report.metrics["together"]["nDCG@10"] >= report.metrics["first stage"]["nDCG@10"] - 0.05
    assert 0 < report.p_value <= 1


@pytest.mark.filterwarnings("ignore:a query has no word")
def test_the_ten_lines_of_the_documentation_serve_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[3] / "docs" / "retrieval.md"
    lines = next(
        each for each in re.findall(r"```python\n(.*?)```", page.read_text(), re.S) if "read_beir" in each
    )
    assert len(lines.strip().splitlines()) <= 10
    corpus = small_corpus()
    more = {f"more{place}": f"nothing of note {place}" for place in range(60)}
    write_beir(Corpus({**corpus.docs, **more}, corpus.queries, corpus.qrels), tmp_path / "my_collection")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(lines, names)
    assert names["report"].metrics["together"]["nDCG@10"] > 0.5
    assert len(names["search"].search("a wing", k=10)) == 10


WRONG = {
    "no folder": ({}, "there is no folder .*; it holds corpus.jsonl"),
    "no judgements": ({"qrels/test.tsv": None}, "test.tsv is not there; .* holds dev.tsv"),
    "broken JSON": (
        {"corpus.jsonl": '{"_id": "a", "text": "x"\n'},
        "corpus.jsonl, line 1: expected an object",
    ),
    "no text": (
        {"queries.jsonl": '{"_id": "q"}\n'},
        "queries.jsonl, line 1: expected an object with _id and",
    ),
    "no object": ({"queries.jsonl": "\n"}, "queries.jsonl holds no query; it has one object a line"),
    "an id twice": ({"queries.jsonl": '{"_id": "q", "text": "x"}\n' * 2}, "line 2: query 'q' comes twice"),
    "unknown query": ({"qrels/test.tsv": "p\ta\t1\n"}, "query 'p', which is not among the queries; add it"),
    "unknown document": (
        {"qrels/test.tsv": "q\tb\t1\n"},
        "document 'b' is judged, but not in the corpus; add",
    ),
    "negative gain": ({"qrels/test.tsv": "q\ta\t-1\n"}, "the gain -1 is negative; 0 is not relevant"),
    "no number": ({"qrels/test.tsv": "q\ta\t1\nq\ta\thigh\n"}, "test.tsv, line 2: expected query, document"),
    "two columns": (
        {"qrels/test.tsv": "q a 1\n"},
        "test.tsv, line 1: expected query, document and a whole gain",
    ),
    "nothing judged": ({"qrels/test.tsv": "query-id\tcorpus-id\tscore\n"}, "holds no judgement; a line is"),
    "empty document": (
        {"corpus.jsonl": '{"_id": "a", "text": " "}\n'},
        "document 'a' has no text, 1 in all; mend",
    ),
    "empty query": (
        {"queries.jsonl": '{"_id": "q", "text": ""}\n'},
        "query 'q' has no text, 1 in all; mend the",
    ),
    "another encoding": ({"corpus.jsonl": b"\xff\xfe"}, "corpus.jsonl is not in UTF-8 .*; convert it first"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_folder_that_is_wrong_is_told_in_a_line(name: str, tmp_path: Path) -> None:
    files, message = WRONG[name]
    folder = tmp_path / "mine"
    if files:
        write_beir(Corpus({"a": "x"}, {"q": "x"}, {"q": {"a": 1}}), folder)
        (folder / "qrels" / "dev.tsv").write_text("")
    for file, content in files.items():
        if content is None:
            (folder / file).unlink()
        else:
            (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message) as error:
        read_beir(folder)
    assert "\n" not in str(error.value)


def test_texts_that_are_empty_can_be_left_out(tmp_path: Path) -> None:
    whole = Corpus({"a": "x", "b": ""}, {"q": "x", "p": ""}, {"q": {"a": 1, "b": 1}, "p": {"a": 1}})
    write_beir(whole, tmp_path)
    assert read_beir(tmp_path, on_empty="skip") == Corpus({"a": "x"}, {"q": "x"}, {"q": {"a": 1}})


def test_fit_names_a_query_that_is_empty_and_warns_of_one_that_is_unknown() -> None:
    corpus = small_corpus()
    words = Vocabulary.build(corpus.docs.values())
    model = KNRM(torch.randn(len(words), 4), vocabulary=words)
    with pytest.raises(
        ValueError, match="query 'q3' has no word that is no stop word: 'what is'; leave it out"
    ):
        fit(model, {**corpus.queries, "q3": "what is"}, corpus.docs, corpus.qrels, folds=3)
    with pytest.warns(UserWarning, match="1 queries have no word of the vocabulary, the first is 'q3'"):
        report = fit(
            model,
            {**corpus.queries, "q3": "unheard"},
            corpus.docs,
            corpus.qrels,
            folds=3,
            recipe=Recipe(epochs=1),
        )
    assert list(report.run["q3"].values()) == sorted(report.run["q3"].values(), reverse=True)


def test_reranking_says_what_is_wrong_and_keeps_the_order_of_unknown_words() -> None:
    docs = ["wing flow", "heat of a wing", "unheard wing"]
    words = Vocabulary.build(["wing flow heat"])
    model = KNRM(torch.randn(4, 8), vocabulary=words)
    with pytest.raises(ValueError, match="depth=4 candidates of 3 documents"):
        Reranker(BM25(docs), model, depth=4)
    with pytest.raises(ValueError, match="must lie between 0"):
        Reranker(BM25(docs), model, depth=3, interpolate=2.0)
    search = Reranker(BM25(docs), model, depth=3)
    with pytest.raises(ValueError, match="the query is empty"):
        search.search(" ", k=1)
    with pytest.raises(ValueError, match="k=4"):
        search.search("wing", k=4)
    with pytest.warns(UserWarning, match="the first stage ranks"):
        found = search.search("unheard", k=3)
    assert [place for place, _ in found] == [place for place, _ in BM25(docs).search("unheard", k=3)]


def test_the_weight_is_tuned_on_judgements() -> None:
    corpus = small_corpus()

    class Oracle(KNRM):
        def scores(self, query: str, docs: object) -> torch.Tensor:
            return torch.tensor([float(text.count(query.split()[0])) for text in docs])  # type: ignore[attr-defined]

    words = Vocabulary.build(corpus.docs.values())
    search = Reranker(BM25(corpus.docs), Oracle(torch.randn(len(words), 4), vocabulary=words), depth=48)
    assert search.tune(corpus.queries, corpus.qrels) > 0
    with pytest.raises(ValueError, match="no query has a relevant document"):
        search.tune(corpus.queries, {})


@pytest.mark.parametrize("stage", [BM25, QueryLikelihood])
def test_first_stages(stage: type[BM25]) -> None:
    search = stage(["heat", "heat", "wing"])
    assert [place for place, _ in search.search("heat", k=3)] == [0, 1, 2]
    assert search.scores("unknown").tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="4 best of 3"):
        search.search("heat", k=4)
    with pytest.raises(ValueError, match="at least one document"):
        stage([])


def test_tuning_sees_what_bm25_finds() -> None:
    corpus = small_corpus()
    found = ndcg_of_settings(corpus.docs, corpus.queries, corpus.qrels, [(1.2, 0.75), (0.8, 0.35)])
    for row, (k1, b) in enumerate([(1.2, 0.75), (0.8, 0.35)]):
        stage = BM25(corpus.docs, k1, b)
        run = {
            name: {stage.names[p]: -float(r) for r, (p, _) in enumerate(stage.search(query, k=10))}
            for name, query in corpus.queries.items()
        }
        expected = evaluate_run(run, corpus.qrels, ["nDCG@10"], exponential=True)["nDCG@10"]
        assert found[row].tolist() == pytest.approx(list(expected.values()))


def test_lambdamart_learns_from_features() -> None:
    pytest.importorskip("lightgbm")
    corpus = small_corpus()
    crafted = HandCrafted([""] * 48, list(corpus.docs.values()))
    features = [crafted.of(query, np.arange(48)) for query in corpus.queries.values()]
    assert features[0].shape == (48, len(FEATURES))
    gains = [np.array([corpus.qrels[name].get(doc, 0) for doc in corpus.docs]) for name in corpus.queries]
    with pytest.raises(ValueError, match="no trees yet"):
        LambdaMARTFeatures().scores(features[0])
    model = LambdaMARTFeatures(rounds=5).fit(features, gains)
    scores = model.scores(features[0])
    assert scores[gains[0] > 0].mean() > scores[gains[0] == 0].mean()


def test_sets_know_what_is_best() -> None:
    corpus = small_corpus()
    words = Vocabulary.build(corpus.docs.values())
    found = RankingSet.build(words, corpus.queries, BM25(corpus.docs), corpus.qrels, depth=48)
    assert found.ndcg(found.gains).tolist() == pytest.approx([1.0] * 12)
    run = found.as_run(found.first)
    expected = evaluate_run(run, corpus.qrels, ["nDCG@10"], exponential=True)["nDCG@10"]
    assert list(expected) == list(found.names)
    assert best_weight(found, found.gains)[1] == pytest.approx(1.0)
    both = RankingSet.joined({"one": found, "two": found.take([3])})
    assert len(both) == 13
    assert both.names[12] == "two/q3"
    assert both.candidates[12].min() >= 48
    assert ideal_dcg([0, 2, 1]) == pytest.approx(3 + 1 / np.log2(3))


def test_half_of_a_list_is_relevant_where_it_can_be() -> None:
    gains = torch.zeros(2, 20)
    gains[0, 3] = gains[1, :15] = 1
    rows = listing(gains, 8, torch.Generator().manual_seed(0))
    assert gains.gather(1, rows).sum(1).tolist() == [1, 4]
    assert all(len(set(row)) == 8 for row in rows.tolist())


def test_features_that_are_kept_give_the_same_scores() -> None:
    corpus = small_corpus()
    words = Vocabulary.build(corpus.docs.values())
    found = RankingSet.build(words, corpus.queries, BM25(corpus.docs), corpus.qrels, depth=20)
    for kind in (KNRM, DRMM):
        model = kind(torch.randn(len(words), 8, generator=torch.Generator().manual_seed(0)))
        query, docs = found.query_ids[:1], found.doc_ids[found.candidates[0]]
        expected = model.of_query(query[0], docs, found.query_idf[0])
        torch.testing.assert_close(Pairs(model, found).all_scores([0])[0], expected.detach())


@pytest.mark.parametrize("kind", [ARCI, DSSM, MVLSTM, MatchPyramid])
def test_every_kind_of_model_can_learn_a_few_queries_by_heart(kind: type[Ranker]) -> None:
    corpus = small_corpus()
    words = Vocabulary.build([*corpus.docs.values(), *corpus.queries.values()])
    found = RankingSet.build(words, corpus.queries, BM25(corpus.docs), corpus.qrels, depth=30, doc_length=8)
    torch.manual_seed(0)
    with_letters = kind is DSSM
    table = words.letter_trigrams(200) if with_letters else torch.randn(len(words), 16)
    model = kind(table, **({"hidden": 32, "out": 16} if with_letters else {}))  # type: ignore[call-arg]
    before = float(found.ndcg(Pairs(model, found).all_scores(range(12))).mean())
    train(model, found, recipe=Recipe(epochs=10, batch=4, learning_rate=1e-2), seed=0)
    after = float(found.ndcg(Pairs(model, found).all_scores(range(12))).mean())
    assert after > before + 0.15


def test_titles_and_the_teacher_make_lists() -> None:
    titles = [(f"{topic} number{place}", f"about {topic} {place}") for place, topic in enumerate(TOPICS * 3)]
    words = Vocabulary.build(text for pair in titles for text in pair)
    found = title_pairs(words, titles, negatives=5)
    assert found.gains.sum(1).min() >= 1
    own = found.candidates == torch.arange(len(titles))[:, None]
    assert torch.equal(found.gains > 0, own)
    taught = weak_labels(words, titles, depth=6)
    assert taught.gains.max() == pytest.approx(1.0)
    corpus = small_corpus()
    known = Vocabulary.build(corpus.docs.values())
    model = KNRM(torch.randn(len(known), 4), vocabulary=known)
    with pytest.raises(ValueError, match="needs titles"):
        fit(model, corpus.queries, corpus.docs, corpus.qrels, strategy="weak")
