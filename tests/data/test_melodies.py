from dataclasses import replace
from pathlib import Path

import pytest

from octavo import data
from octavo.data.melodies import Melody, _moved, read_tunes

TUNES = """
X:1
T:in G
M:4/4
L:1/4
K:G
G A B2 | c/2 d/2 F G2 |

X:2
T:with a note that G has not
M:4/4
L:1/4
K:G
G ^G A2 |

X:3
T:in minor
M:4/4
L:1/4
K:Em
E F G2 |
"""


def test_pitches_are_moved_by_steps_of_the_key() -> None:
    assert _moved("F#4", (4, 7)) == "B3"  # in G
    assert _moved("G4", (4, 7)) == "C4"
    assert _moved("B-4", (3, 5)) == "F4"  # in F
    assert _moved("G#4", (4, 7)) is None


def test_tunes_in_major_are_brought_to_c(folders: Path) -> None:
    pytest.importorskip("music21", reason="music21 is not installed")
    path = folders / "tunes.abc"
    path.write_text(TUNES)
    (melody,) = read_tunes(path)
    assert melody.pitches == ("C4", "D4", "E4", "F4", "G4", "B3", "C4")
    assert melody.lengths == (1.0, 1.0, 2.0, 0.5, 0.5, 1.0, 2.0)


def test_a_second_load_reads_what_the_first_kept(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("music21", reason="music21 is not installed")
    (folders / "essen").mkdir()
    entry = replace(data.entry("essen_songs"), package="")
    for name in entry.layouts[0]:
        (folders / "essen" / name).write_text(TUNES)
    first = data.load(entry)
    assert len(first) == len(entry.layouts[0])
    monkeypatch.setattr("octavo.data.melodies.read_tunes", None)
    assert data.load(entry) == first
    assert isinstance(first[0], Melody)
