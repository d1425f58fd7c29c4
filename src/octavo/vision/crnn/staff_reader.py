"""The classical way to read printed music: find the staff, take it away, look for heads of notes."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from scipy import ndimage, signal

from octavo.vision.crnn.errors import correct
from octavo.vision.crnn.scores import PITCHES, Engraved, flattened

E4_PLACE = PITCHES.index("E4")
"""The note on the lowest line of a treble staff."""
THRESHOLDS = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
"""Correlations that are tried when the reader is tuned; less is no head."""


class Head(NamedTuple):
    """What looks like the head of a note.

    Args:
        column: where it stands.
        pitch: by its height.
        score: correlation with a drawn head.
    """

    column: int
    pitch: str
    score: float


@dataclass(frozen=True)
class StaffReader:
    """Reads pitches by rules: the rival of a network that learns them.

    The page is levelled to even light and turned until its lines are level; five lines at equal distances are
    fitted and erased; filled and hollow heads are found by correlation; their heights are their pitches.

    Args:
        threshold: correlation from which on something is a head.
        clef: columns in line distances that hold the clef, where no note is.
        turns: degrees that are tried.

    Example:
        >>> StaffReader()(np.full((64, 100), 255, np.uint8))
        ''
    """

    threshold: float = 0.6
    clef: float = 3.6
    turns: tuple[float, ...] = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)

    def __call__(self, picture: UInt8[np.ndarray, "rows columns"]) -> str:
        """The pitches from left to right.

        Args:
            picture: of one staff.
        """
        return self._read(self._heads_of(picture))

    def _read(self, heads: list[Head]) -> str:
        return " ".join(head.pitch for head in sorted(heads) if head.score > self.threshold)

    def _heads_of(self, picture: UInt8[np.ndarray, "rows columns"]) -> list[Head]:
        """All that looks like a head a little, whatever the threshold."""
        ink = self._levelled(flattened(picture.astype(np.float64)))
        bottom, spacing = staff_of(ink)
        found = []
        for row, column, score in self._peaks(without_lines(ink, bottom, spacing), spacing):
            place = E4_PLACE + round((bottom - row) / (spacing / 2))
            if column >= self.clef * spacing and 0 <= place < len(PITCHES):
                found.append(Head(column, PITCHES[place], score))
        return found

    def _levelled(self, ink: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
        if ink.sum() == 0:
            return ink
        turned = [ndimage.rotate(ink, turn, reshape=False, order=1) if turn else ink for turn in self.turns]
        return max(turned, key=lambda page: float(page.sum(1).var()))

    def _peaks(self, ink: Float[np.ndarray, "rows columns"], spacing: float) -> list[tuple[int, int, float]]:
        score = np.maximum(*(_correlation(ink, head) for head in _templates(spacing)))
        # One voice: of all that looks like a head in a column, only the best is one.
        size = (2 * len(ink) + 1, 2 * round(0.9 * spacing) + 1)
        peaks = (score == ndimage.maximum_filter(score, size=size)) & (score > min(THRESHOLDS))
        return [(int(row), int(column), float(score[row, column])) for row, column in np.argwhere(peaks)]

    def tuned(self, engraved: list[Engraved]) -> "StaffReader":
        """The reader with the threshold that reads most of some fragments.

        Args:
            engraved: to choose on; not those of the test.
        """
        texts = [each.text for each in engraved]
        heads = [self._heads_of(each.picture) for each in engraved]

        def share(reader: StaffReader) -> float:
            return float(correct([reader._read(each) for each in heads], texts).mean())

        return max((replace(self, threshold=threshold) for threshold in THRESHOLDS), key=share)


def staff_of(ink: Float[np.ndarray, "rows columns"]) -> tuple[float, float]:
    """The row of the lowest staff line, and the distance of two lines.

    Args:
        ink: level, 0 to 1.
    """
    profile = ink.sum(1)
    rows = np.arange(len(profile))
    spacing, bottom = np.meshgrid(
        np.arange(4.5, 9.5, 0.25), np.arange(18, len(profile) - 1, 0.5), indexing="ij"
    )
    on, between = (
        np.interp(bottom[..., None] - spacing[..., None] * lines, rows, profile)
        for lines in (np.arange(5), np.arange(4) + 0.5)
    )
    fit = np.where(bottom >= 4 * spacing, on.min(-1) + on.mean(-1) - between.mean(-1), -np.inf)
    best = np.unravel_index(int(fit.argmax()), fit.shape)
    return float(bottom[best]), float(spacing[best])


def without_lines(
    ink: Float[np.ndarray, "rows columns"], bottom: float, spacing: float
) -> Float[np.ndarray, "rows columns"]:
    """The page without its staff lines: where little stands above and below a line, the line goes.

    Args:
        ink: level, 0 to 1.
        bottom: row of the lowest line.
        spacing: distance of two lines.
    """
    found = ink.copy()
    reach = 2
    for line in range(-2, 6):  # ledger lines as well
        row = round(bottom - spacing * line)
        above, below = row - reach, row + reach
        if above < 0 or below >= len(ink):
            continue
        alone = (ink[above] < 0.4) & (ink[below] < 0.4)
        found[above + 1 : below, alone] = 0
    return found


def _templates(spacing: float) -> tuple[Float[np.ndarray, "rows columns"], ...]:
    """A filled and a hollow head, slightly turned as engravers draw them."""
    half = int(np.ceil(0.8 * spacing))
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    turned = columns * np.cos(0.35) - rows * np.sin(0.35), columns * np.sin(0.35) + rows * np.cos(0.35)
    round_ = (turned[0] / (0.66 * spacing)) ** 2 + (turned[1] / (0.46 * spacing)) ** 2
    hole = (turned[0] / (0.5 * spacing)) ** 2 + (turned[1] / (0.22 * spacing)) ** 2
    filled = ndimage.gaussian_filter((round_ <= 1).astype(float), 0.5)
    return filled, ndimage.gaussian_filter(((round_ <= 1) & (hole > 1)).astype(float), 0.5)


def _correlation(
    ink: Float[np.ndarray, "rows columns"], template: Float[np.ndarray, "height width"]
) -> Float[np.ndarray, "rows columns"]:
    """Normalised cross correlation at each place."""
    centred = template - template.mean()
    ones = np.ones_like(template)
    found = signal.fftconvolve(ink, centred[::-1, ::-1], mode="same")
    total = signal.fftconvolve(ink, ones, mode="same")
    squares = signal.fftconvolve(ink**2, ones, mode="same")
    spread = np.maximum(squares - total**2 / template.size, 1e-3)
    return found / np.sqrt(spread * (centred**2).sum())
