import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from octavo import data
from octavo.errors import OctavoError


def archive(folders: Path, rows: str = 'file\tlabel\n1_1.png\tA"B\n1_2.png\tcd\n2_1.png\tef\n') -> Path:
    (folders / "iiit5k").mkdir(exist_ok=True)
    path = folders / "iiit5k" / "iiit5k_test.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("labels.tsv", rows)
        for number, name in enumerate(("1_1.png", "1_2.png", "2_1.png")):
            written = io.BytesIO()
            Image.new("L", (10 + number, 5), number).save(written, "png")
            file.writestr(name, written.getvalue())
    return path


def test_pictures_come_with_their_texts_and_sources(folders: Path) -> None:
    archive(folders)
    words = data.load("IIIT5k")
    assert words.texts == ('A"B', "cd", "ef")
    assert words.sources == ("1", "1", "2")
    assert [picture.size for picture in words.pictures] == [(10, 5), (11, 5), (12, 5)]


def test_some_words_are_drawn_and_keep_their_order(folders: Path) -> None:
    archive(folders)
    words = data.load("IIIT5k")
    assert words.some(None) is words
    assert words.some(9) is words
    two = words.some(2, seed=1)
    assert two.texts == words.some(2, seed=1).texts
    assert list(two.texts) == [text for text in words.texts if text in two.texts]


def test_an_archive_without_its_parts_is_refused(folders: Path) -> None:
    archive(folders, "file\tlabel\n3_1.png\tgone\n")
    with pytest.raises(OctavoError, match=r"is not a zip file of pictures with a labels\.tsv"):
        data.load("IIIT5k")
    (folders / "iiit5k" / "iiit5k_test.zip").write_text("no archive")
    with pytest.raises(OctavoError, match="is not a zip file"):
        data.load("IIIT5k")


def test_the_real_set_is_whole() -> None:
    if not data.available("IIIT5k"):
        pytest.skip("OCTAVO_DATA does not hold IIIT5k")
    words = data.load("IIIT5k")
    assert len(words) == 3000
    assert all(text.isalnum() for text in words.texts)
    assert max(picture.height for picture in words.pictures) <= 56
