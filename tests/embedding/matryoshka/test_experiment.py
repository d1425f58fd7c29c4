"""The experiment at smoke scale, on files of the real format where the real ones are not here."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from octavo import catalogue, data
from octavo.embedding.matryoshka import experiment
from octavo.embedding.matryoshka.demo import demo
from octavo.embedding.matryoshka.scales import SCALES
from octavo.errors import OctavoError
from octavo.lab import Records
from octavo.lab.parts import plots_of
from octavo.ledger import judge
from octavo.runner import Outcome, plan, run
from octavo.runner.demos import describe

PAPER = catalogue.paper("matryoshka")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCTAVO_RUNS", str(tmp_path_factory.mktemp("runs")))
        yield run(plan("matryoshka", scale="smoke", seeds=1), jobs=1, progress=False)


def test_every_part_runs_or_says_what_it_needs(smoke: Outcome) -> None:
    assert not smoke.failed, smoke.failed[0]
    assert not smoke.diverged
    absent = {name for name in PAPER.data if not data.available(name)}
    assert bool(smoke.needs) <= bool(absent)


def test_every_claim_whose_data_are_here_is_measured(smoke: Outcome) -> None:
    for judgement in judge(PAPER, smoke.run.records()):
        here = all(data.available(name) for name in judgement.claim.needs)
        assert judgement.verdict != "not measured yet" or not here, judgement.id


def test_parameters_are_those_that_the_paper_says(smoke: Outcome) -> None:
    found = smoke.run.records().where(metric="parameters")
    count = {(record.system, record.dataset): record.value for record in found}
    assert count["mrl_e", "training"] == count["ff", "training"] < count["mrl", "training"]
    assert len({count[system, "encoder"] for system in ("mrl", "mrl_e", "ff")}) == 1


def test_tuning_has_both_sides_and_both_weights_of_the_sum(smoke: Outcome) -> None:
    if not data.available("CLINC150"):
        pytest.skip("OCTAVO_DATA does not hold CLINC150")
    found = smoke.run.records().where(part="tuning")
    assert set(found.systems) == {"mrl", "mrl_mean", "ff"}
    assert {dict(record.at)["weight_decay"] for record in found} == {
        SCALES["smoke"].weight_decay,
        *SCALES["smoke"].decays,
    }


def test_a_figure_of_what_was_not_measured_is_left_out(smoke: Outcome) -> None:
    assert all(plot(Records([])) is None for plot in plots_of(experiment))


def test_costs_are_those_of_the_formula(smoke: Outcome) -> None:
    if not data.available("CLINC150"):
        pytest.skip("OCTAVO_DATA does not hold CLINC150")
    config = SCALES["smoke"]
    found = smoke.run.records().where(part="intents", metric="flops", at={})
    cost = {record.system: record.value for record in found}
    vectors = 150 * config.queries_an_intent
    assert cost["full"] == 256 * vectors
    assert cost["adaptive"] == 16 * vectors + 256 * config.shortlist
    assert cost["funnel"] == 16 * vectors + 32 * 20 + 64 * 10 + 128 * 10 + 256 * 10


def test_larger_scales_are_configurations_of_the_same_code() -> None:
    paper = SCALES["paper"]
    assert (paper.image_set, paper.image_depths, paper.image_block) == (
        "ImageNet",
        (3, 4, 6, 3),
        "bottleneck",
    )
    assert paper.image_rivals[-1] == 2048 == 4 * paper.image_width << 3
    assert replace(SCALES["gpu"], seeds=SCALES["laptop"].seeds).encoder == "minilm"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dims": (8, 64)}, "rival_rates has 7 rates for the 2 sizes of dims=(8, 64); give one a size"),
        ({"dims": (8, 64)}, "between=(6, 24, 96) must lie between the first and the last of dims=(8, 64)"),
        ({"rival_rates": (0.01,)}, "rival_rates has 1 rates for the 7 sizes"),
        ({"rival_rates": ()}, "rival_rates has 0 rates for the 7 sizes"),
        ({"dims": ()}, "must rise, and hold an eighth of its last size"),
        ({"dims": (256, 128, 64, 32, 16, 8, 4)}, "must rise"),
        ({"tuned_rivals": (5,)}, "tuned_rivals=(5,) must be among dims"),
        ({"between": (512,)}, "between=(512,) must lie between"),
        ({"low": 512}, "low=512 goes beyond dims"),
        ({"sentence_dims": (48, 96)}, "sentence_dims=(48, 96) must rise to 384, and hold 48"),
        ({"tower_rivals": (385,)}, "end at 384"),
        ({"image_rivals": (16,)}, "image_rivals=(16,) go beyond an image's 8 numbers"),
        ({"image_size": 4}, "image_size=4 must be at least 8 for 3 stages"),
        ({"tail_least": 4}, "tail_least=4 is more than queries_an_intent=3"),
        ({"test_queries": 0}, "test_queries=0 must be at least 150"),
        ({"grid": ()}, "grid=() needs 1 or more"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be above 0"),
        ({"disturbed_every": 0}, "disturbed_every=0 must be at least 1"),
    ],
)
def test_what_cannot_run_is_refused_before_it_begins(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(OctavoError, match=re.escape(said)) as refused:
        plan("matryoshka", "smoke", changed)
    assert refused.value.exit_code == 2


def test_other_sizes_run_where_all_that_hangs_on_them_is_given() -> None:
    changed = {"dims": (8, 64), "rival_rates": (0.01, 0.02), "between": (24,), "tuned_rivals": (8,)}
    if not data.available("CLINC150"):
        pytest.skip("OCTAVO_DATA does not hold CLINC150")
    outcome = run(plan("matryoshka", "smoke", changed, seeds=1, parts=["intents"]), jobs=1, progress=False)
    assert not outcome.failed, outcome.failed[0]


def test_the_demo_has_a_slider_of_dimensions() -> None:
    (slider,) = (each for each in describe("matryoshka", demo).inputs if each.name == "dims")
    assert slider.range is not None
    assert (slider.range.low, slider.range.high) == (1, 384)


def test_the_demo_tells_what_a_cut_costs() -> None:
    shown = demo(dims=16, adapt=False)
    assert shown["bytes_a_vector"] == 64
    assert 0 <= shown["hits_that_the_whole_vector_finds"] <= 5
    assert math.isfinite(shown["milliseconds_a_query"])
    assert len(shown["text"].splitlines()) == 6
    whole = demo(dims=384, adapt=False)
    assert whole["hits_that_the_whole_vector_finds"] == 5
    for dims, hits in ((0, 5), (385, 5), (16, 0)):
        with pytest.raises(ValueError, match="must be between 1 and 384"):
            demo(dims=dims, hits=hits)
