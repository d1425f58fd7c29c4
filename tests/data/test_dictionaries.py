from pathlib import Path

import pytest

from octavo import data
from octavo.data.dictionaries import read_affixes
from octavo.errors import OctavoError

AFFIXES = """SET UTF-8
PFX U Y 1
PFX U   0     un         .

SFX D Y 2
SFX D   y     ied        [^aeiou]y
SFX D   0     ed         [^y]

SFX S N 1
SFX S   0     s          [^s]
"""
WORDS = "4\nlock/UDS\ncarry/D\nParis\nnaïve\n"


@pytest.fixture
def dictionary(folders: Path, monkeypatch: pytest.MonkeyPatch) -> data.Entry:
    from dataclasses import replace

    folder = folders / "hunspell"
    folder.mkdir()
    (folder / "en_US.aff").write_text(AFFIXES, encoding="utf-8")
    (folder / "en_US.dic").write_text(WORDS, encoding="utf-8")
    return replace(data.entry("hunspell_en_us"), package="")


def test_forms_are_what_the_rules_make_of_the_stems(dictionary: data.Entry) -> None:
    found = data.load(dictionary)
    assert found.stems == ("lock", "carry", "Paris", "naïve")
    # A prefix and a suffix cross where both allow it.
    assert sorted(found.forms) == ["carried", "locked", "locks", "unlock", "unlocked"]


def test_words_are_lower_case_ascii_stems_first_then_drawn_forms(dictionary: data.Entry) -> None:
    found = data.load(dictionary)
    assert found.words(3) == ("lock", "carry", "paris")
    five = found.words(5, seed=1)
    assert five[:3] == ("lock", "carry", "paris")
    assert set(five[3:]) < set(found.forms)
    assert five == found.words(5, seed=1)
    assert set(found.words(2, seed=0)) < {"lock", "carry", "paris"}
    with pytest.raises(OctavoError, match="has 8 words, 9 were asked for"):
        found.words(9)


def test_what_is_no_dictionary_is_refused(dictionary: data.Entry, folders: Path) -> None:
    (folders / "hunspell" / "en_US.dic").write_text("lock/S\n")
    with pytest.raises(OctavoError, match="does not begin with its number of words"):
        data.load(dictionary)
    numbered = folders / "numbered.aff"
    numbered.write_text("FLAG num\n")
    with pytest.raises(OctavoError, match="line 1: flags are numbers"):
        read_affixes(numbered)
    short = folders / "short.aff"
    short.write_text("SFX D\n")
    with pytest.raises(OctavoError, match="'SFX D' is no rule"):
        read_affixes(short)


def test_flags_of_two_characters_are_read(folders: Path) -> None:
    path = folders / "long.aff"
    path.write_text("FLAG long\nSFX Aa Y 1\nSFX Aa 0 s .\n")
    found = read_affixes(path)
    assert found.flags("AaBb") == ["Aa", "Bb"]
    assert list(found.forms("word", ["Aa"])) == ["words"]
