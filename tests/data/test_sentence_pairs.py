from pathlib import Path

import pytest

from octavo import data
from octavo.errors import OctavoError

HEADER = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"


def write_stsb(folder: Path, test: str) -> None:
    folder.mkdir()
    for name, text in (("train", "A man sits.,A man is sitting.,5.0\n"), ("dev", ""), ("test", test)):
        (folder / f"stsb-en-{name}.csv").write_text(text)


def write_sick(folder: Path, train: str) -> None:
    folder.mkdir()
    for name, text in (("SICK_train", train), ("SICK_trial", ""), ("SICK_test_annotated", "")):
        (folder / f"{name}.txt").write_text(HEADER + text)


def test_reads_the_sts_benchmark(folders: Path) -> None:
    write_stsb(folders / "stsb", '"Yes, it rains.",It rains.,4.2\nA cat.,A dog.,1.0\n')
    found = data.load("STSB")
    assert found.test.first == ("Yes, it rains.", "A cat.")
    assert found.test.scores.tolist() == [4.2, 1.0]
    assert (len(found.train), len(found.validation), found.test.relations) == (1, 0, ())


def test_reads_sick(folders: Path) -> None:
    write_sick(folders / "sick", "1\tA\tB\t4.5\tENTAILMENT\n2\tC\tD\t3\tNEUTRAL\n")
    found = data.load("SICK")
    assert found.train.related("ENTAILMENT") == (("A", "B"),)
    assert found.train.scores.tolist() == [4.5, 3.0]


@pytest.mark.parametrize(
    ("row", "message"), [("a,b\n", "row 1: expected sentence, sentence, score"), ("a,b,c\n", "no number")]
)
def test_says_which_row_is_wrong(folders: Path, row: str, message: str) -> None:
    write_stsb(folders / "stsb", row)
    with pytest.raises(OctavoError, match=message):
        data.load("STSB")


def test_a_row_of_sick_that_is_cut_short(folders: Path) -> None:
    write_sick(folders / "sick", "1\tA\tB\t4.5\n")
    with pytest.raises(OctavoError, match="got 4 columns"):
        data.load("SICK")


def test_the_real_sets_are_as_their_makers_say() -> None:
    if not (data.available("STSB") and data.available("SICK")):
        pytest.skip("OCTAVO_DATA does not hold STSB and SICK")
    stsb, sick = data.load("STSB"), data.load("SICK")
    assert [len(split) for split in (stsb.train, stsb.validation, stsb.test)] == [5749, 1500, 1379]
    assert [len(split) for split in (sick.train, sick.validation, sick.test)] == [4500, 500, 4927]
    assert sum(each == "NEUTRAL" for each in sick.test.relations) / len(sick.test) == pytest.approx(
        0.567, abs=1e-3
    )
