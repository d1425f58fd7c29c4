import gzip
from pathlib import Path

import pytest

from octavo import data
from octavo.errors import OctavoError

VALID = """
 = Lobsters =

 The lobster , H. <unk> , is blue ( or red ) . It weighs 1 @.@ 5 kg .

 = = Life = =

 It is called " the cutter " .

 = Games =
 One paragraph .
"""


def place(folders: Path, valid: str = VALID) -> None:
    folder = folders / "wikitext2"
    folder.mkdir()
    (folder / "wiki.valid.raw.txt.gz").write_bytes(gzip.compress(valid.encode()))
    (folder / "wiki.test.raw.txt").write_text(" = Only =\n A text .\n")


def test_articles_are_cut_at_titles_and_joined(folders: Path) -> None:
    place(folders)
    found = data.load("wikitext2")
    assert found.validation == (
        'The lobster, H. <unk>, is blue (or red). It weighs 1.5 kg.\nIt is called "the cutter".',
        "One paragraph.",
    )
    assert found.test == ("A text.",)


def test_a_file_without_titles_is_refused(folders: Path) -> None:
    place(folders, valid="no article here\n")
    with pytest.raises(OctavoError, match="no article found"):
        data.load("wikitext2")
