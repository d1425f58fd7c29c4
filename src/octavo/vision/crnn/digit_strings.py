"""Strings of handwritten digits that may touch, and the two-step reader that must cut them first."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from jaxtyping import Float, Int64, UInt8
from scipy import ndimage
from torch import Tensor, nn

from octavo.vision.crnn.alphabet import Alphabet
from octavo.vision.crnn.features import ConvolutionalFeatures
from octavo.vision.crnn.lines import as_images, as_labels

DIGITS = "0-9"
SIDE, HEIGHT = 28, 32
ADVANCE = 24
"""Columns of a picture for each digit of a string."""


class Gaps(NamedTuple):
    """Columns between the ink of neighbours, drawn from `low` to `high`; negative ones overlap."""

    low: int
    high: int


ANY, TOUCHING, APART = Gaps(-6, 6), Gaps(-6, 0), Gaps(1, 6)


class DigitStrings:
    """Draws strings of digits: each digit as somebody wrote it, at random distances.

    Args:
        pictures: digits, white on black.
        labels: 0 to 9.
        lengths: shortest and longest string.
        gaps: distances of neighbours.

    Example:
        >>> strings = DigitStrings(np.full((10, 28, 28), 255, np.uint8), np.arange(10), (2, 2), Gaps(1, 1))
        >>> strings(torch.Generator().manual_seed(0), 3)["labels"].shape
        torch.Size([3, 2])
    """

    def __init__(
        self,
        pictures: UInt8[np.ndarray, "digits 28 28"],
        labels: Int64[np.ndarray, " digits"],
        lengths: tuple[int, int] = (2, 6),
        gaps: Gaps = ANY,
    ) -> None:
        self.pictures, self.labels, self.lengths, self.gaps = pictures, labels, lengths, gaps
        self.alphabet = Alphabet(DIGITS)

    def __call__(self, generator: torch.Generator, size: int) -> dict[str, Tensor]:
        """One batch of strings of one length.

        Args:
            generator: decides all of it.
            size: strings.
        """
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        number = int(random.integers(self.lengths[0], self.lengths[1] + 1))
        drawn = [self.draw(number, random) for _ in range(size)]
        width = max(ADVANCE * number + 8, *(picture.shape[1] for picture, _ in drawn))
        return {
            "images": as_images([widened(picture, width) for picture, _ in drawn]),
            "labels": as_labels([self.alphabet.encode(text) for _, text in drawn]),
        }

    def draw(self, number: int, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "32 columns"], str]:
        """One string, as wide as it is.

        Args:
            number: digits.
            random: decides which, and how far apart.
        """
        chosen = random.integers(len(self.labels), size=number)
        return self._strung(chosen.tolist(), random), "".join(str(self.labels[index]) for index in chosen)

    def write(self, text: str, random: np.random.Generator) -> UInt8[np.ndarray, "32 columns"]:
        """A given string, each digit by another hand.

        Args:
            text: digits.
            random: decides whose, and how far apart.

        Raises:
            ValueError: there is no text, or a symbol of it is no digit.
        """
        if not text or set(text) - set("0123456789"):
            raise ValueError(f"text={text!r} must be digits, such as 31415")
        return self._strung(
            [int(random.choice(np.flatnonzero(self.labels == int(digit)))) for digit in text], random
        )

    def _strung(self, chosen: Sequence[int], random: np.random.Generator) -> UInt8[np.ndarray, "32 columns"]:
        glyphs = [inked(self.pictures[index]) for index in chosen]
        # So far that no digit disappears in its neighbour.
        gaps = [
            max(int(random.integers(self.gaps.low, self.gaps.high + 1)), 4 - min(a.shape[1], b.shape[1]))
            for a, b in pairwise(glyphs)
        ]
        start = int(random.integers(2, 7))
        width = start + sum(glyph.shape[1] for glyph in glyphs) + sum(gaps) + int(random.integers(2, 7))
        canvas = np.zeros((HEIGHT, max(width, 12)), np.uint8)
        top = int(random.integers(0, HEIGHT - SIDE + 1))
        at = start
        for glyph, gap in zip(glyphs, [*gaps, 0], strict=True):
            place = canvas[top : top + SIDE, at : at + glyph.shape[1]]
            np.maximum(place, glyph, out=place)
            at += glyph.shape[1] + gap
        return canvas


def inked(picture: UInt8[np.ndarray, "rows columns"]) -> UInt8[np.ndarray, "rows inked"]:
    """The columns from the first to the last that has ink.

    Args:
        picture: white on black.
    """
    columns = np.flatnonzero((picture > 64).any(0))
    return picture[:, columns[0] : columns[-1] + 1] if len(columns) else picture


def widened(picture: UInt8[np.ndarray, "rows columns"], width: int) -> UInt8[np.ndarray, "rows width"]:
    """A picture with black columns behind it.

    Args:
        picture: white on black.
        width: of the result.
    """
    return np.pad(picture, ((0, 0), (0, width - picture.shape[1])))


class DigitClassifier(nn.Module):
    """Classifies one digit: the convolutions of CRNN, their mean, a linear layer.

    Args:
        width_mult: factor of the number of maps.

    Shape:
        images ``(batch, 1, 32, 32)`` -> scores ``(batch, 10)``.
    """

    def __init__(self, width_mult: float = 1.0) -> None:
        super().__init__()
        self.features = ConvolutionalFeatures(width_mult=width_mult)
        self.head = nn.Linear(self.features.size, 10)

    def forward(self, images: Float[Tensor, "batch 1 32 32"]) -> Float[Tensor, "batch 10"]:
        """Scores of the ten digits."""
        features, _ = self.features(images.contiguous(memory_format=torch.channels_last))
        return self.head(reduce(features, "batch time size -> batch size", "mean"))


def single(picture: UInt8[np.ndarray, "rows columns"]) -> UInt8[np.ndarray, "32 32"]:
    """One digit in the middle of a square, as the classifier reads it.

    Args:
        picture: of one digit, 28 or 32 rows.
    """
    glyph = inked(picture)[:, :HEIGHT]
    left, top = (HEIGHT - glyph.shape[1]) // 2, (HEIGHT - glyph.shape[0]) // 2
    return np.pad(glyph, ((top, HEIGHT - glyph.shape[0] - top), (left, HEIGHT - glyph.shape[1] - left)))


def classifier_loss(model: DigitClassifier, batch: dict[str, Tensor]) -> Tensor:
    """Cross entropy of single digits.

    Args:
        model: the classifier.
        batch: images and labels.
    """
    return F.cross_entropy(model(batch["images"]), batch["labels"])


class Segmenter(NamedTuple):
    """Cuts a string into digits: connected ink that is too wide for one is cut where it is thinnest.

    Args:
        typical: columns of a digit.
        widest: of a single digit, in typical ones.
    """

    typical: float = 16.0
    widest: float = 1.5

    def cut(self, picture: UInt8[np.ndarray, "32 columns"]) -> list[UInt8[np.ndarray, "32 _"]]:
        """The digits from left to right.

        Args:
            picture: of a string.
        """
        labelled, _ = ndimage.label(picture > 64, structure=np.ones((3, 3)))
        found: list[tuple[int, np.ndarray]] = []
        for index, place in enumerate(ndimage.find_objects(labelled), start=1):
            own = np.where(labelled == index, picture, 0)[:, place[1]]
            if (own > 0).sum() < 12:
                continue  # a speck, which no digit is
            found += [(place[1].start + start, piece) for start, piece in self._split(own)]
        return [piece for _, piece in sorted(found, key=lambda item: item[0])]

    def _split(self, ink: np.ndarray) -> list[tuple[int, np.ndarray]]:
        width = ink.shape[1]
        number = max(1, round(width / self.typical)) if width > self.widest * self.typical else 1
        profile = ink.astype(np.float64).sum(0)
        cuts = [0]
        for index in range(1, number):
            near = index * width / number
            low, high = int(near - 0.3 * self.typical), int(near + 0.3 * self.typical) + 1
            low = max(low, cuts[-1] + 3)
            high = min(max(high, low + 1), width - 1)
            cuts.append(low + int(profile[low:high].argmin()) if high > low else int(near))
        cuts.append(width)
        return [(start, ink[:, start:end]) for start, end in pairwise(cuts) if end - start > 1]


@torch.no_grad()
def read_in_two_steps(
    pictures: Sequence[UInt8[np.ndarray, "32 columns"]], segmenter: Segmenter, classifier: DigitClassifier
) -> list[str]:
    """The rival of training from end to end: cut first, then classify each piece.

    Args:
        pictures: of strings.
        segmenter: cuts.
        classifier: trained on single digits.
    """
    pieces = [segmenter.cut(picture) for picture in pictures]
    singles = [single(piece) for string in pieces for piece in string]
    if not singles:
        return ["" for _ in pictures]
    device = next(classifier.parameters()).device
    images = as_images(singles)
    scores = torch.cat([classifier.eval()(part.to(device)).cpu() for part in images.split(256)])
    digits = iter(scores.argmax(-1).tolist())
    return ["".join(str(next(digits)) for _ in string) for string in pieces]


def strings_of(batch: dict[str, Tensor]) -> list[UInt8[np.ndarray, "32 columns"]]:
    """The grey levels of a batch's pictures.

    Args:
        batch: as `DigitStrings` makes it.
    """
    levels = (batch["images"] * 128 + 128).round().to(torch.uint8)
    return list(rearrange(levels, "batch 1 rows columns -> batch rows columns").numpy())
