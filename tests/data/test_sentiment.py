import gzip
from pathlib import Path

import pytest

from octavo import data
from octavo.errors import OctavoError


def write(folder: Path, train: bytes, packed: bool = False) -> None:
    folder.mkdir(exist_ok=True)
    for split, content in (("train", train), ("dev", b"1 dull .\n"), ("test", b"4 a joy .\n2 a film .\n")):
        name = f"stsa.fine.{split}"
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


@pytest.mark.parametrize("packed", [False, True])
def test_reads_labels_and_sentences_in_either_encoding(folders: Path, packed: bool) -> None:
    write(folders / "sst", "3 très bon\n".encode() + "0 raté .\n".encode("latin-1"), packed)
    found = data.load("SST")
    assert found.train.texts == ("très bon", "raté .")
    assert found.train.labels.tolist() == [3, 0]
    assert len(found.validation) == 1
    polar = found.test.polar()
    assert (polar.texts, polar.labels.tolist()) == (("a joy .",), [1])


@pytest.mark.parametrize("line", [b"5 good .\n", b"good .\n", b"3\n"])
def test_says_which_line_is_wrong(folders: Path, line: bytes) -> None:
    write(folders / "sst", b"1 fine .\n" + line)
    with pytest.raises(OctavoError, match=r"stsa\.fine\.train, line 2: expected a label"):
        data.load("SST")
