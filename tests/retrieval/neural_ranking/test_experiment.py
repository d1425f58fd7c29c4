"""The experiment's configurations, its demo, and what it needs where data are missing."""

from pathlib import Path

import pytest
import torch

from octavo import catalogue, data
from octavo.ledger import judge
from octavo.retrieval.neural_ranking.demo import demo
from octavo.retrieval.neural_ranking.parts.material import BUILDERS, collection, smaller
from octavo.retrieval.neural_ranking.scales import SCALES
from octavo.retrieval.neural_ranking.text import Vocabulary
from octavo.retrieval.neural_ranking.vectors import shipped_words
from octavo.runner import plan, run

PAPER = catalogue.paper("neural_ranking")


def test_without_data_the_docstrings_are_measured_and_the_rest_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVO_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path / "runs"))
    parts = ("baselines", "known_items")
    outcome = run(plan("neural_ranking", scale="smoke", seeds=1, parts=parts), jobs=1, progress=False)
    assert not outcome.failed
    assert {unit.needs for unit in outcome.needs} == {"Cranfield"}
    found = outcome.run.records().where(dataset="Docstrings", metric="ndcg_at_10")
    assert {"bm25", "knrm", "drmm", "drmm+bm25"} <= set(found.systems)
    assert all(0 <= each.value <= 1 for each in found)
    verdicts = {each.verdict for each in judge(PAPER, outcome.run.records())}
    assert "holds" not in verdicts


def test_a_smaller_collection_keeps_what_was_judged() -> None:
    texts = smaller(data.load("Docstrings", modules=("numpy.linalg",), queries=8), 3, 10)
    assert len(texts.queries) == 3
    assert len(texts.texts) == 10
    assert all(doc in texts.texts for judged in texts.gains.values() for doc in judged)


def test_collections_of_ones_own_are_beir_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from octavo.retrieval.neural_ranking.formats import Corpus, write_beir

    monkeypatch.setenv("OCTAVO_DATA", str(tmp_path))
    with pytest.raises(data.MissingData, match="into the folder beir/Robust04 of OCTAVO_DATA"):
        collection("Robust04")
    write_beir(Corpus({"a": "x y"}, {"q": "x"}, {"q": {"a": 1}}), tmp_path / "beir" / "Robust04")
    assert collection("Robust04").documents == {"a": "x y"}


def test_models_of_a_laptop_are_small() -> None:
    vocabulary = Vocabulary(shipped_words())
    vectors = torch.zeros(len(vocabulary), 200)
    for name, build in BUILDERS.items():
        model = build(SCALES["laptop"], vectors, vocabulary)
        learnt = sum(each.numel() for each in model.parameters() if each.requires_grad)
        assert learnt <= 300_000, (name, learnt)


def test_the_demo_shows_two_columns() -> None:
    shown = demo(k=3)
    assert len(shown["results"]) == 3
    assert shown["milliseconds"] > 0
    assert {"query", "text", "cosine"} == set(shown["results"][0]["matches"][0])
    assert len(shown["text"].splitlines()) == 9
    alone = demo(weight=0.0, k=3)
    assert all(row["bm25"] == row["reranked"] for row in alone["results"])
    for wrong in ({"k": 0}, {"weight": 2.0}, {"query": "zzzz qqqq"}):
        with pytest.raises(ValueError, match=r"must lie between|no word of"):
            demo(**wrong)  # type: ignore[arg-type]
