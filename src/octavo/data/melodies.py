"""Melodies of one voice in ABC notation, as notes in the key of C."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.data.places import cache_folder
from octavo.data.registry import Entry
from octavo.errors import Missing, OctavoError

_STEPS = "CDEFGAB"
_SEMITONES = (0, 2, 4, 5, 7, 9, 11)


@dataclass(frozen=True)
class Melody:
    """A tune in C major, its notes all on white keys.

    Args:
        pitches: such as ``G4``.
        lengths: in quarters of a whole note's fourth, 1.0 for a quarter note.
    """

    pitches: tuple[str, ...]
    lengths: tuple[float, ...]


def load_melodies(entry: Entry) -> tuple[Melody, ...]:
    """Reads tunes in major keys and brings them to C; the first load takes seconds, later ones a moment.

    Raises:
        Missing: music21 is not installed.
        OctavoError: a file is not in ABC notation.
    """
    files = sorted(entry.files.values())
    stamp = "-".join(f"{path.stem}.{path.stat().st_size}" for path in files)
    kept = cache_folder() / "melodies" / f"{stamp}.json"
    if kept.is_file():
        return tuple(Melody(tuple(p), tuple(q)) for p, q in json.loads(kept.read_text(encoding="utf-8")))
    found = [melody for path in files for melody in read_tunes(path)]
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    part.write_text(json.dumps([[m.pitches, m.lengths] for m in found]), encoding="utf-8")
    part.replace(kept)
    return tuple(found)


def read_tunes(path: Path) -> list[Melody]:
    """The tunes of a file that are in a major key and have no chromatic note.

    Args:
        path: of a file in ABC notation.

    Raises:
        Missing: music21 is not installed.
        OctavoError: the file is not in ABC notation.
    """
    try:
        from music21 import abcFormat
    except ImportError as error:
        raise Missing("music21", "Install it: `pip install 'octavo[vision]'`.") from error
    file = abcFormat.ABCFile()
    file.open(str(path))
    try:
        tunes = file.read().splitByReferenceNumber()
    except (abcFormat.ABCHandlerException, abcFormat.ABCTokenException, AttributeError) as error:
        raise OctavoError(f"{path} is not in ABC notation: {error}") from error
    finally:
        file.close()
    return [melody for tune in tunes.values() if (melody := _in_c(tune.tokens))]


def _in_c(tokens: list[Any]) -> Melody | None:
    tonic: tuple[int, int] | None = None
    pitches: list[str] = []
    lengths: list[float] = []
    for token in tokens:
        kind = type(token).__name__
        if kind == "ABCMetadata" and token.isKey():
            key = token.getKeySignatureObject()
            name = getattr(getattr(key, "tonic", None), "name", "")
            if tonic is not None or getattr(key, "mode", "") != "major" or not name:
                return None  # a tune that changes its key, or is not in major
            tonic = (_STEPS.index(name[0]), _semitone(name))
        elif kind == "ABCChord":
            return None
        elif kind == "ABCNote" and not token.isRest and token.pitchName:
            moved = _moved(token.pitchName, tonic or (0, 0))
            if moved is None:
                return None
            pitches.append(moved)
            lengths.append(float(token.quarterLength or 1.0))
    return Melody(tuple(pitches), tuple(lengths)) if pitches else None


def _semitone(name: str) -> int:
    return _SEMITONES[_STEPS.index(name[0])] + name.count("#") - name.count("-") - name.count("b")


def _moved(pitch: str, tonic: tuple[int, int]) -> str | None:
    """A pitch such as F#4 as it is called in C; None if it is none of the key's own."""
    name, octave = pitch.rstrip("0123456789"), pitch[len(pitch.rstrip("0123456789")) :]
    place = 7 * int(octave or 4) + _STEPS.index(name[0]) - tonic[0]
    height = 12 * int(octave or 4) + _semitone(name) - tonic[1]
    octave_in_c, step = divmod(place, 7)
    if height != 12 * octave_in_c + _SEMITONES[step]:
        return None
    return f"{_STEPS[step]}{octave_in_c}"
