"""Printed music: fragments of tunes engraved on a staff, clean or as a phone would see them."""

import functools
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from octavo.errors import Missing
from octavo.vision.crnn.alphabet import Alphabet
from octavo.vision.crnn.lines import as_images, as_labels
from octavo.vision.crnn.rendering import clouds, waved

STEPS = "CDEFGAB"
PITCHES = tuple(f"{STEPS[place % 7]}{place // 7}" for place in range(7 * 3 + 5, 7 * 5 + 6))
"""A3 to A5, what a staff with a treble clef holds with at most two ledger lines below and one above."""
HEIGHT = 64
LENGTHS = {4.0: "1", 2.0: "2", 1.0: "4", 0.5: "8", 0.25: "6"}


class Fragment(NamedTuple):
    """Some notes in a row.

    Args:
        pitches: such as ``G4``.
        lengths: 1.0 for a quarter note.
    """

    pitches: tuple[str, ...]
    lengths: tuple[float, ...]

    @property
    def text(self) -> str:
        """The pitches as a recogniser writes them."""
        return " ".join(self.pitches)


class Engraved(NamedTuple):
    """A fragment with its picture.

    Args:
        picture: black on white, 64 rows.
        text: its pitches.
    """

    picture: UInt8[np.ndarray, "64 columns"]
    text: str


def fragments(
    melodies: Sequence[Any], number: int, random: np.random.Generator, notes: tuple[int, int] = (3, 20)
) -> list[Fragment]:
    """Draws fragments of tunes, moved by octaves until they lie on the staff.

    Args:
        melodies: each with `pitches` and `lengths`.
        number: fragments.
        random: decides which.
        notes: fewest and most of a fragment.
    """
    found: list[Fragment] = []
    while len(found) < number:
        melody = melodies[int(random.integers(len(melodies)))]
        size = int(random.integers(notes[0], notes[1] + 1))
        if len(melody.pitches) < size:
            continue
        start = int(random.integers(len(melody.pitches) - size + 1))
        pitches, lengths = (values[start : start + size] for values in (melody.pitches, melody.lengths))
        for octave in (0, 1):
            moved = tuple(f"{pitch[0]}{int(pitch[1:]) + octave}" for pitch in pitches)
            if set(moved) <= set(PITCHES):
                found.append(Fragment(moved, tuple(lengths)))
                break
    return found


def plaine_and_easie(fragment: Fragment) -> str:
    """A fragment in the code that engravers read.

    Args:
        fragment: the notes.

    Example:
        >>> plaine_and_easie(Fragment(("C4", "A3", "B4", "C5"), (1.0, 0.5, 1.5, 2.0)))
        "@clef:G-2\\n@keysig:\\n@timesig:\\n@data:'4C,8A'4.B''2C\\n"
    """
    written, octave_before, length_before = "", "", ""
    for pitch, length in zip(fragment.pitches, fragment.lengths, strict=True):
        octave = {3: ",", 4: "'", 5: "''"}[int(pitch[1:])]
        near = min((*LENGTHS, *(1.5 * each for each in LENGTHS)), key=lambda each: abs(each - length))
        code = LENGTHS[near] if near in LENGTHS else LENGTHS[near / 1.5] + "."
        written += (octave if octave != octave_before else "") + (code if code != length_before else "")
        written += pitch[0]
        octave_before, length_before = octave, code
    return f"@clef:G-2\n@keysig:\n@timesig:\n@data:{written}\n"


@functools.cache
def _engraver() -> tuple[Any, Any]:
    try:
        import resvg_py
        import verovio
    except ImportError as error:
        raise Missing("verovio", "Install it with resvg-py: `pip install 'octavo[vision]'`.") from error
    toolkit = verovio.toolkit()
    margins = {f"pageMargin{side}": 0 for side in ("Top", "Bottom", "Left", "Right")}
    page = {"adjustPageHeight": True, "adjustPageWidth": True, "header": "none", "footer": "none"}
    toolkit.setOptions({"inputFrom": "pae", "scale": 40, "breaks": "none", **page, **margins})
    return toolkit, resvg_py


def engrave(fragment: Fragment) -> UInt8[np.ndarray, "64 columns"]:
    """The picture of a fragment, black on white.

    Args:
        fragment: the notes.

    Raises:
        Missing: verovio or resvg-py is not installed.
    """
    toolkit, resvg = _engraver()
    toolkit.resetXmlIdSeed(1)
    toolkit.loadData(plaine_and_easie(fragment))
    drawn = Image.open(io.BytesIO(bytes(resvg.svg_to_bytes(svg_string=toolkit.renderToSVG(1), zoom=2))))
    page = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn.convert("RGBA")).convert("L")
    width = 4 * round(page.width * HEIGHT / page.height / 4)
    # Averaged, or staff lines would turn pale grey here and black there.
    return np.array(page.resize((width, HEIGHT), Image.Resampling.BOX))


class Photographed:
    """What a phone does to a page: turns, size, angle, curls, uneven light and noise.

    Args:
        strength: 0 leaves the page as it is, 1 is a careless photograph.

    Example:
        >>> page = np.full((64, 200), 255, np.uint8)
        >>> Photographed()(page, np.random.default_rng(0)).shape
        (64, 200)
    """

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength

    def __call__(
        self, picture: UInt8[np.ndarray, "64 columns"], random: np.random.Generator
    ) -> UInt8[np.ndarray, "64 columns"]:
        """A photograph of a page, of the same size.

        Args:
            picture: the page.
            random: decides how it looks.
        """
        rows, columns = picture.shape
        strength = self.strength
        page = np.pad(picture, ((8, 8), (6, 6)), constant_values=255)
        # Shifts of the four corners, up and down together for a turn, apart for an angle.
        turn = random.normal(0, 2.0 * strength)
        lifts = np.clip(np.array([-turn, -turn, turn, turn]) + random.normal(0, 1.2 * strength, 4), -7, 7)
        slides = np.clip(random.normal(0, 2.0 * strength, 4), -5, 5)
        corners = np.array([[6, 8], [6, 8 + rows], [6 + columns, 8 + rows], [6 + columns, 8]], float)
        size = np.exp(random.uniform(-0.2, 0.1) * strength)  # smaller or larger in the picture
        quad = corners + np.stack([slides, lifts], axis=1)
        quad[:, 1] = 8 + rows / 2 + (quad[:, 1] - 8 - rows / 2) / size
        seen = Image.fromarray(page).transform(
            (columns, rows),
            Image.Transform.QUAD,
            tuple(float(value) for value in quad.flatten()),
            Image.Resampling.BILINEAR,
            fillcolor=255,
        )
        levels = np.asarray(seen)
        if random.random() < 0.5 * strength:
            levels = waved(levels, random, 0.05)
        cover = 1 - levels.astype(np.float32) / 255
        paper = random.uniform(150, 255) + clouds(cover.shape, random) * 45 * strength
        ink = random.uniform(0, 70)
        levels = paper + cover * (ink - paper)
        levels = levels + random.standard_normal(levels.shape, np.float32) * (12 * strength * random.random())
        return np.clip(levels, 0, 255).astype(np.uint8)


class ScoreBatches:
    """Batches of fragments of like width, each photographed anew.

    Args:
        engraved: the fragments.
        photograph: what is done to each page.
    """

    def __init__(self, engraved: Sequence[Engraved], photograph: Photographed) -> None:
        self.engraved = sorted(engraved, key=lambda each: each.picture.shape[1])
        self.photograph = photograph
        self.alphabet = Alphabet(PITCHES, " ")

    def __call__(self, generator: torch.Generator, size: int) -> dict[str, Tensor]:
        """One batch.

        Args:
            generator: decides all of it.
            size: fragments.
        """
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        near = min(len(self.engraved), 3 * size)
        start = int(random.integers(len(self.engraved) - near + 1))
        chosen = [self.engraved[start + int(index)] for index in random.permutation(near)[:size]]
        return self.collate([Engraved(self.photograph(each.picture, random), each.text) for each in chosen])

    def collate(self, chosen: Sequence[Engraved]) -> dict[str, Tensor]:
        """Fragments side by side, the narrower ones with paper behind them.

        Args:
            chosen: of like width.
        """
        width = max(each.picture.shape[1] for each in chosen)
        return {
            "images": as_images([papered(each.picture, width) for each in chosen]),
            "labels": as_labels([self.alphabet.encode(each.text) for each in chosen]),
        }


def papered(picture: UInt8[np.ndarray, "64 columns"], width: int) -> UInt8[np.ndarray, "64 width"]:
    """A picture with paper of its own brightness behind it.

    Args:
        picture: dark on light.
        width: of the result.
    """
    paper = np.percentile(picture[:, -8:], 75).astype(np.uint8)
    return np.pad(picture, ((0, 0), (0, width - picture.shape[1])), constant_values=paper)


def flattened(light: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """Ink from 0 to 1 of a page under uneven light.

    Args:
        light: grey levels.
    """
    from scipy import ndimage

    paper = ndimage.gaussian_filter(ndimage.maximum_filter(light, size=(15, 15)), 6)
    ink = np.clip(1 - light / np.maximum(paper, 1), 0, 1)
    top = float(np.percentile(ink, 99.5))
    return np.clip(ink / max(top, 0.05), 0, 1)
