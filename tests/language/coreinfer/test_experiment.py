"""The pieces that the experiment is made of do what they say; the parts run in the furniture test."""

import numpy as np
import pytest
import torch

from octavo import catalogue, data
from octavo.errors import Missing, OctavoError
from octavo.lab.lab import Lab, Nowhere
from octavo.language.coreinfer.parts import kept, predictors, relu, similarity, speed, stability, task, texts
from octavo.language.coreinfer.rouge import rouge_l
from octavo.language.coreinfer.scales import SCALES
from octavo.language.coreinfer.stand_in import stand_in
from octavo.ledger import judge
from octavo.runner import plan, run

from .toys import prompts, toy

SMOKE = SCALES["smoke"]
PAPER = catalogue.paper("coreinfer")


class Keep(Nowhere):
    """A writer that keeps records."""

    def __init__(self) -> None:
        self.records: dict = {}

    def append(self, record, items=None) -> None:
        self.records[record.system, record.dataset, record.metric, record.at] = record.value


def measured(part, name: str, config=SMOKE) -> dict:
    writer = Keep()
    part.function(config, Lab("coreinfer", name, writer=writer))
    return writer.records


def test_every_rule_and_share_is_in_the_table() -> None:
    found = measured(kept.kept, "kept")
    for rule in kept.RULES_OF_THE_TABLE:
        for keep in SMOKE.keeps:
            assert np.isfinite(found[rule, "table", "nll", (("keep", keep),)])
    dense = found["dense", "table", "nll", ()]
    ratio = found["abs", "table", "perplexity_ratio", (("keep", 0.4),)]
    assert ratio == pytest.approx(np.exp(found["abs", "table", "nll", (("keep", 0.4),)] - dense))
    assert found["token", "texts", "perplexity_ratio", (("keep", 0.4),)] < 1.3


def test_texts_do_without_data_and_keep_their_halves_apart(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("OCTAVO_DATA", str(tmp_path))
    config = SCALES["laptop"]
    for kind in texts.EMBEDDED:
        some, others = (texts.documents(kind, config, held_out=held_out) for held_out in (True, False))
        assert not set(some) & set(others)
    _, tokenizer = stand_in()
    generator = torch.Generator().manual_seed(0)
    found = texts.pieces("manual", 3, 50, tokenizer, generator, config)
    assert [len(ids) for ids in found] == [50, 50, 50]
    with pytest.raises(Missing, match="gutenberg_stories"):
        texts.documents("story", config, held_out=True)
    with pytest.raises(OctavoError, match="no texts of the kind"):
        texts.documents("poem", config, held_out=True)
    with pytest.raises(OctavoError, match="only 0 of 1"):
        texts.pieces("manual", 1, 10**6, tokenizer, generator, config)


def test_what_needs_data_or_a_gpu_says_so(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("OCTAVO_DATA", str(tmp_path))
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path / "runs"))
    outcome = run(plan("coreinfer", parts=["relu"]), jobs=1, progress=False)
    assert [unit.needs for unit in outcome.needs] == ["gpu"]
    verdicts = {each.claim.id: each.verdict for each in judge(PAPER, outcome.run.records())}
    assert verdicts["C1-relu"] == verdicts["C6"] == "needs gpu"
    assert set(PAPER.data) <= {entry.name for entry in data.entries()}


def test_growing_counts_are_those_of_each_prefix() -> None:
    from octavo.language.coreinfer.blocks import blocks_of
    from octavo.language.coreinfer.watching import core_neurons

    model, ids = toy(), prompts(1, 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stability, "PREFIXES", (32, 64))
        patch.setattr(stability, "STRIPS", (100,))
        counts = stability.growing_counts(model, blocks_of(model), ids, 0.4)
    for tokens in (32, 64, 100):
        cores = stability.chosen(counts[tokens], 0.4)
        expected = core_neurons(model, ids[:, :tokens], keep=0.4)
        assert all(torch.equal(cores[layer], expected[layer][0]) for layer in range(3))
    own = stability.shared([cores], [cores])
    assert torch.equal(own, torch.ones(1, 3, dtype=torch.float64))


def test_correlations_and_neighbours() -> None:
    rng = np.random.default_rng(0)
    given = rng.normal(size=4000)
    x, y = given + rng.normal(size=4000), given + rng.normal(size=4000)
    assert abs(similarity.partial_spearman(x, y, given)) < 0.04
    assert similarity.partial_spearman(x, x + 0.1 * y, given) > 0.8
    places = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 5.2])
    closeness = -np.abs(places[:, None] - places)
    assert not similarity.neighbours_right(closeness, np.array([0, 1, 0, 1, 0, 1])).all()
    far = np.repeat(places[::3], 8) + np.tile(np.arange(8) / 100, 2)
    assert similarity.neighbours_right(-np.abs(far[:, None] - far), np.repeat([0, 1], 8)).all()
    assert similarity.word_jaccard("", "") == 0


def test_cores_of_sentences_do_not_depend_on_their_batch() -> None:
    model, tokenizer = stand_in()
    sentences = ["a dog runs over the hill", "the sea", "numbers are added one by one"]
    together = similarity.cores_of(model, tokenizer, sentences, SMOKE)
    alone = [similarity.cores_of(model, tokenizer, [one], SMOKE) for one in sentences]
    for rule in similarity.RULES:
        assert torch.equal(together[rule], torch.cat([one[rule] for one in alone]))


def test_queries_are_sorted_as_one_by_one() -> None:
    from octavo.language.coreinfer.blocks import blocks_of
    from octavo.language.coreinfer.continuation import Continuation

    model, asked = toy(), [prompts(1, n, seed=n)[0] for n in (3, 6, 4)]
    shown = prompts(1, 20)[0]
    cached = Continuation(model, blocks_of(model), shown, 18)
    found = task.answered(model, cached.cache, asked, [3, 9, 27])
    for query, said in zip(asked, found, strict=True):
        with torch.no_grad():
            logits = model(torch.cat([shown[:18], query])[None]).logits[0, -1]
        torch.testing.assert_close(said, logits[[3, 9, 27]].log_softmax(0), atol=1e-5, rtol=1e-4)
    assert cached.cache.get_seq_length() == 18


def test_relu_takes_the_place_of_silu() -> None:
    model, ids = toy(), prompts()
    relu.with_relu(model)
    zeros = relu.share_of_zeros(model, list(ids), "cpu")
    assert 0.3 < zeros < 0.7
    del model.model.layers[1].mlp.act_fn
    with pytest.raises(ValueError, match="no activation function"):
        relu.with_relu(model)


def test_threads_and_what_a_task_asks() -> None:
    before = torch.get_num_threads()
    with speed.threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
    examples, queries, labels, learned = task.questions(SMOKE, Lab("coreinfer", "intents", writer=Nowhere()))
    assert (len(examples), len(queries), len(labels)) == (5, 8, 8)
    assert all("Topic: " in text for text in learned)
    assert set(predictors.SYSTEMS) == {"stability", "similarity", "static"}


def test_rouge() -> None:
    assert rouge_l([1, 2, 3], [1, 2, 3]) == 1
    assert rouge_l([1, 2, 3], [4]) == rouge_l([], [1]) == 0
    assert rouge_l([1, 2, 3, 4, 5], [2, 4, 9]) == 2 * 2 / 8
