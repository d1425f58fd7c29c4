import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from octavo import data
from octavo.errors import OctavoError

FULL = {
    "train": [["what is my balance", "balance"], ["play a song", "play_music"]],
    "val": [["balance please", "balance"]],
    "test": [["music", "play_music"], ["my balance", "balance"]],
    "oos_val": [["who won", "oos"]],
    "oos_test": [],
}
DOMAINS = {"home": ["play_music"], "banking": ["balance"]}


def write(folder: Path, full: object, domains: object, packed: bool = False) -> None:
    folder.mkdir(exist_ok=True)
    for name, content in (("data_full.json", full), ("domains.json", domains)):
        text = json.dumps(content, indent=4)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / name).write_text(text)


@pytest.mark.parametrize("packed", [False, True])
def test_reads_queries_intents_and_domains(folders: Path, packed: bool) -> None:
    write(folders / "clinc150", FULL, DOMAINS, packed)
    found = data.load("CLINC150")
    assert found.intents == ("balance", "play_music")
    assert found.domains == ("banking", "home")
    assert found.domain_of.tolist() == [0, 1]
    assert found.train.texts == ("what is my balance", "play a song")
    assert found.test.labels.tolist() == [1, 0]
    assert found.outside_validation.labels.tolist() == [-1]
    assert len(found.outside_test) == 0
    assert found.test.take(np.array([1])).texts == ("my balance",)


@pytest.mark.parametrize(
    ("full", "domains"),
    [({"train": []}, DOMAINS), ({**FULL, "val": [["a", "unknown"]]}, DOMAINS), (FULL, ["banking"])],
)
def test_says_what_is_expected(folders: Path, full: object, domains: object) -> None:
    write(folders / "clinc150", full, domains)
    with pytest.raises(OctavoError, match="is not CLINC150: expected"):
        data.load("CLINC150")


def test_a_file_that_is_no_json_is_named(folders: Path) -> None:
    write(folders / "clinc150", FULL, DOMAINS)
    (folders / "clinc150" / "domains.json").write_text("{")
    with pytest.raises(OctavoError, match=r"domains\.json is not JSON"):
        data.load("CLINC150")


def test_the_real_set_is_as_its_makers_say() -> None:
    if not data.available("CLINC150"):
        pytest.skip("OCTAVO_DATA does not hold CLINC150")
    found = data.load("CLINC150")
    sizes = [len(getattr(found, split)) for split in ("train", "validation", "test", "outside_test")]
    assert (len(found.intents), len(found.domains), sizes) == (150, 10, [15000, 3000, 4500, 1000])
    assert np.bincount(found.train.labels).tolist() == [100] * 150
    assert np.bincount(found.domain_of).tolist() == [15] * 10
