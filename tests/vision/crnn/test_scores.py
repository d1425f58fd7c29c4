"""Tunes become staves, and the reader by rules reads the clean ones."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from octavo.vision.crnn.scores import (
    PITCHES,
    Engraved,
    Fragment,
    Photographed,
    ScoreBatches,
    engrave,
    fragments,
    papered,
    plaine_and_easie,
)
from octavo.vision.crnn.staff_reader import StaffReader, staff_of


@dataclass
class Tune:
    pitches: tuple[str, ...]
    lengths: tuple[float, ...]


def test_the_staff_holds_fifteen_pitches() -> None:
    assert (PITCHES[0], PITCHES[4], PITCHES[-1], len(PITCHES)) == ("A3", "E4", "A5", 15)


def test_fragments_are_parts_of_tunes_moved_onto_the_staff() -> None:
    low = Tune(("C3", "D3", "E3", "F3"), (1.0, 0.5, 0.5, 2.0))
    far = Tune(("C2", "D2", "E2", "F2"), (1.0, 1.0, 1.0, 1.0))
    found = fragments([low, far], 20, np.random.default_rng(0), notes=(3, 4))
    assert len(found) == 20
    assert {pitch for each in found for pitch in each.pitches} <= {"C4", "D4", "E4", "F4"}
    assert {each.text for each in found} <= {"C4 D4 E4 F4", "C4 D4 E4", "D4 E4 F4"}


def test_odd_lengths_are_written_as_the_nearest_that_has_a_sign() -> None:
    assert plaine_and_easie(Fragment(("C4", "C4"), (0.75, 5.5))).endswith("@data:'8.C1.C\n")


def test_a_photograph_keeps_the_size_and_repeats() -> None:
    page = np.full((64, 120), 255, np.uint8)
    page[30:34] = 0
    first, second = (Photographed()(page, np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == page.shape
    assert not np.array_equal(first, page)


def test_paper_behind_a_picture_is_as_bright_as_its_own() -> None:
    picture = np.full((64, 20), 180, np.uint8)
    assert set(np.unique(papered(picture, 30))) == {180}


def test_batches_are_of_like_width_and_repeat() -> None:
    engraved = [Engraved(np.full((64, width), 255, np.uint8), "C4 D4") for width in range(40, 240, 8)]
    batches = ScoreBatches(engraved, Photographed(0.0))
    first, second = (batches(torch.Generator().manual_seed(2), 4) for _ in range(2))
    assert torch.equal(first["images"], second["images"])
    assert first["images"].shape[:3] == (4, 1, 64)
    assert first["labels"].tolist() == [[3 + 0, 4]] * 4


def test_lines_are_found_where_they_are() -> None:
    ink = np.zeros((64, 100))
    ink[[20, 26, 32, 38, 44]] = 1.0
    bottom, spacing = staff_of(ink)
    assert (bottom, spacing) == pytest.approx((44, 6), abs=0.3)


def test_an_engraved_scale_is_read_by_rules() -> None:
    pytest.importorskip("verovio", reason="verovio is not installed")
    pytest.importorskip("resvg_py", reason="resvg-py is not installed")
    scale = Fragment(("E4", "F4", "G4", "A4", "B4", "C5"), (1.0,) * 6)
    picture = engrave(scale)
    assert picture.shape[0] == 64
    assert picture.shape[1] % 4 == 0
    reader = StaffReader().tuned([Engraved(picture, scale.text)])
    assert reader(picture) == scale.text
    assert np.array_equal(engrave(scale), picture)
