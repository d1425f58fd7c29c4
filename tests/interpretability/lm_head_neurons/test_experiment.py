"""The parts run at smoke scale, and the pieces that they are made of do what they say."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from octavo import catalogue, data
from octavo.errors import Missing
from octavo.interpretability import NeuronMap
from octavo.interpretability.lm_head_neurons import answers, drift, experiment, peers, prompts
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards
from octavo.interpretability.lm_head_neurons.parts import models
from octavo.interpretability.lm_head_neurons.reader import HeadReader
from octavo.interpretability.lm_head_neurons.scales import SCALES
from octavo.interpretability.lm_head_neurons.scan import scan
from octavo.interpretability.lm_head_neurons.selectivity import (
    area_under_curve,
    covering_windows,
    read_or_written,
    up_activations,
)
from octavo.interpretability.lm_head_neurons.stand_in import stand_in
from octavo.interpretability.lm_head_neurons.vocabulary import Vocabulary, is_content, stem
from octavo.lab.lab import Lab, Nowhere
from octavo.ledger import judge
from octavo.runner import Outcome, plan, run

from .toys import toy, words

PAPER = catalogue.paper("lm_head_neurons")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCTAVO_RUNS", str(tmp_path_factory.mktemp("runs")))
        parts = ["specialised", "sources", "selectivity", "last_layer", "instructed"]
        yield run(plan("lm_head_neurons", scale="smoke", parts=parts), jobs=1, progress=False)


def test_parts_run_or_say_what_they_need(smoke: Outcome) -> None:
    assert not smoke.failed, smoke.failed[0]
    assert {unit.part for unit in smoke.needs} == {"instructed"}
    verdicts = {judgement.claim.id: judgement.verdict for judgement in judge(PAPER, smoke.run.records())}
    assert verdicts["C4"] == "needs hub"
    assert verdicts["C6-8B"] == "needs gpu"


def test_controls_stand_beside_the_systems(smoke: Outcome) -> None:
    records = smoke.run.records()
    gain = {
        system: records.where(metric="gain", system=system).values()[0]
        for system in ("hidden_right_sign", "hidden_wrong_sign")
    }
    assert gain["hidden_right_sign"] > 0 > gain["hidden_wrong_sign"]
    assert records.where(system="shuffled", metric="share").values()[0] < 0.05
    assert records.where(system="find", dataset="dog", metric="first").values() == (1.0,)
    assert 0 <= records.where(system="random", metric="auc").values()[0] <= 1


def test_the_planted_neuron_of_the_stand_in_is_found() -> None:
    model, tokenizer = stand_in()
    first = NeuronMap.build(model, tokenizer, source="up", null=0).find(" dog")[0]
    assert (first.layer, first.neuron, first.sign) == (1, 5, -1)


def test_a_model_of_the_hub_that_is_not_here_is_missing() -> None:
    lab = Lab("lm_head_neurons", "instructed", writer=Nowhere())
    with pytest.raises(Missing, match="hub"):
        models.load("no/such-model", SCALES["smoke"], lab)


def test_a_pair_of_saved_models_is_compared(tmp_path) -> None:
    kept = []

    class Keep(Nowhere):
        def append(self, record, items=None):
            kept.append(record)

    for name, seed in (("instruct", 0), ("base", 0), ("other", 1)):
        model = toy(seed=seed).float()
        with torch.no_grad():
            model.lm_head.weight[0] += 1e-4 if name == "base" else 0
        model.save_pretrained(tmp_path / name)
        words().save_pretrained(tmp_path / name)
    for base in ("base", "other"):
        config = experiment.Config(model=str(tmp_path / "instruct"), base=str(tmp_path / base))
        experiment.instructed.function(config, Lab("lm_head_neurons", "instructed", writer=Keep()))
    same, _, different, chance = (record.value for record in kept)
    assert same > 0.95
    assert different == pytest.approx(chance, abs=0.15)


def test_scales_name_only_what_is_known() -> None:
    known = {entry.name for entry in data.entries()}
    assert set(PAPER.data) <= known
    assert len(set(prompts.QUESTIONS) & set(prompts.CALIBRATION)) == 0
    assert (len(prompts.OPENINGS), len(prompts.QUESTIONS), len(prompts.NOUNS)) == (60, 20, 40)


def test_areas_under_the_curve() -> None:
    values = np.array([0.0, 1.0, 1.0, 2.0])
    assert area_under_curve(values, np.array([False, False, True, True])) == 0.875
    assert np.isnan(area_under_curve(values, np.zeros(4, bool)))
    windows = torch.tensor([[4, 7, 5, 5]])
    assert read_or_written(windows, 7).tolist() == [[True, True, False, False]]
    assert read_or_written(windows, 4).tolist() == [[True, False, False, False]]


def test_windows_cover_what_is_rare() -> None:
    pieces = torch.zeros(50, 4, dtype=torch.long)
    pieces[17, 2], pieces[33, 0] = 8, 9
    chosen = covering_windows(pieces, [8, 9], 2, torch.Generator().manual_seed(0))
    assert sorted(chosen.tolist()) == [17, 33]


@pytest.mark.parametrize("family", ["llama", "phi"])
def test_activations_are_those_of_the_up_projection(family: str) -> None:
    model = toy(family)
    windows = torch.tensor([[5, 9, 2], [3, 3, 8], [1, 2, 3]])
    found = up_activations(model, windows, [(1, 7), (0, 2)], batch=2)
    seen = {}
    norm = model.model.layers[1].post_attention_layernorm
    handle = norm.register_forward_hook(lambda _, args, output: seen.update(x=output))
    with torch.no_grad():
        model(windows)
    handle.remove()
    expected = seen["x"] @ feed_forwards(model)[1].up[7]
    torch.testing.assert_close(found[:, :, 0].double(), expected.detach(), atol=1e-5, rtol=1e-5)
    assert found.shape == (3, 3, 2)


def test_low_rank_steps_are_read_merged_and_measured() -> None:
    model = toy().float()
    before = {name: weight.clone() for name, weight in drift.read_weights(model, (0, 1)).items()}
    drift.add_low_rank_steps(model, 2, torch.Generator().manual_seed(0))
    assert drift.relative_step(before, drift.read_weights(model, (0, 1))) == 0
    linear = model.model.layers[1].mlp.up_proj
    step = linear.parametrizations.weight[0]
    with torch.no_grad():
        step.B.fill_(0.5)
    after = drift.read_weights(model, (0, 1))
    torch.testing.assert_close(after["layer 1"], before["layer 1"] + step.B @ step.A)
    moved = (after["layer 1"] - before["layer 1"]).norm() / sum(
        before[f"layer {i}"].square().sum() for i in (0, 1)
    ).sqrt()
    assert drift.relative_step(before, after) == pytest.approx(float(moved), rel=1e-5)
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {
        f"model.layers.{i}.mlp.{part}.parametrizations.weight.0.{which}"
        for i in (0, 1)
        for part in ("up_proj", "gate_proj", "down_proj")
        for which in "AB"
    }


def test_random_steps_are_as_long_and_are_taken_back() -> None:
    model = toy().float()
    before = {name: weight.clone() for name, weight in drift.read_weights(model, (1,)).items()}
    after = {name: weight + 0.1 for name, weight in before.items()}
    with drift.random_steps(model, (1,), after, torch.Generator().manual_seed(0)):
        now = drift.read_weights(model, (1,))
        for name, weight in before.items():
            expected = (after[name] - weight).norm()
            torch.testing.assert_close((now[name] - weight).norm(), expected, rtol=1e-4, atol=0)
    assert all(torch.equal(weight, drift.read_weights(model, (1,))[name]) for name, weight in before.items())


def test_answers_are_the_same_alone_and_in_a_batch() -> None:
    model, tokenizer = stand_in()
    questions = [prompts.QUESTIONS[0], prompts.QUESTIONS[18]]
    together = answers.ask(model, tokenizer, questions, new_tokens=4)
    alone = [answers.ask(model, tokenizer, [question], new_tokens=4)[0] for question in questions]
    assert together == alone
    state = torch.get_rng_state()
    drawn = [answers.ask(model, tokenizer, questions, new_tokens=4, samples=3, seed=5) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert [len(some) for some in drawn[0]] == [3, 3]
    assert torch.equal(state, torch.get_rng_state())


def test_what_answers_say() -> None:
    assert answers.shares([["A dog!", "Dogma."], ["cats"]], ("dog",)).tolist() == [0.5, 0.0]
    assert answers.distinct_pairs(["a b a b a", ""]) == 0.5
    model, tokenizer = stand_in()
    nats = answers.surprise(model, tokenizer, ["Which animal?"] * 2, [" dog", ""])
    assert nats[0] > 0
    assert nats[1].isnan()


def test_words() -> None:
    assert stem("Dogs") == stem(" dog")
    assert not is_content(" because")
    vocabulary = Vocabulary.of(words(5))
    assert vocabulary.words == ("w0", "w1", "w2", "w3", "w4")
    assert Vocabulary(["a", "b", "a"]).id("a") == 0


def test_peers_find_the_same_tokens() -> None:
    generator = torch.Generator().manual_seed(0)
    reader = HeadReader(torch.randn(300, 16, generator=generator))
    rows = torch.randn(5, 16, generator=generator)
    (found,) = scan(reader, [rows], 3)
    assert torch.equal(peers.full_matrix(reader, rows, 3), found.ids)
    (logits,) = scan(HeadReader(reader.weight, score="softmax"), [rows], 3)
    assert peers.neuron_by_neuron(reader, rows, 3) == logits.ids[0].tolist()
    assert peers.seconds_of_shapes(2, 8, 16, 64, device="cpu") > 0
    before = torch.get_num_threads()
    with peers.threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
