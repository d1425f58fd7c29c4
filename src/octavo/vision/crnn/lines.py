"""Rendered lines as a training reads them: batches of one width, each a function of a generator."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from PIL import Image
from torch import Tensor

from octavo.vision.crnn.alphabet import Alphabet
from octavo.vision.crnn.recognizer import IGNORED
from octavo.vision.crnn.rendering import TextRenderer

Batch = dict[str, Tensor]


class RenderedLines:
    """Batches of rendered lines without end.

    All lines of a batch have one width, drawn from `widths`; a line whose own width is too far from it is
    drawn again with another text. The narrowest width takes all narrower lines, as in the paper.

    Args:
        renderer: draws the lines.
        source: draws the texts.
        alphabet: of the labels.
        widths: of the batches; repeated ones come more often.

    Example:
        >>> lines = RenderedLines(TextRenderer(), lambda random: "text", Alphabet("a-z"), widths=(100,))
        >>> batch = lines(torch.Generator().manual_seed(0), 2)
        >>> batch["images"].shape, batch["labels"].tolist()
        (torch.Size([2, 1, 32, 100]), [[20, 5, 24, 20], [20, 5, 24, 20]])
    """

    SLACK = 1.35
    """By how much a line may be squeezed or stretched to the width of its batch."""

    def __init__(
        self,
        renderer: TextRenderer,
        source: Callable[[np.random.Generator], str],
        alphabet: Alphabet,
        widths: Sequence[int] = (100, 100, 100, 100, 140, 200),
    ) -> None:
        self.renderer, self.source, self.alphabet = renderer, source, alphabet
        self.widths = tuple(widths)

    def __call__(self, generator: torch.Generator, size: int) -> Batch:
        """One batch.

        Args:
            generator: decides all of it.
            size: lines.
        """
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        width = int(random.choice(self.widths))
        drawn = [self._line(width, random) for _ in range(size)]
        return {
            "images": as_images([picture for picture, _ in drawn]),
            "labels": as_labels([self.alphabet.encode(text) for _, text in drawn]),
        }

    def _line(self, width: int, random: np.random.Generator) -> tuple[np.ndarray, str]:
        narrowest = min(self.widths)
        while True:
            text = self.source(random)
            picture, _ = self.renderer(text, random)
            own = max(picture.shape[1], narrowest)
            if width / self.SLACK <= own <= width * self.SLACK:
                break
        if picture.shape[1] != width:
            size = (width, self.renderer.height)
            picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
        return picture, text


def as_images(pictures: Sequence[np.ndarray]) -> Float[Tensor, "batch 1 height width"]:
    """Pictures of one size as the network reads them.

    Args:
        pictures: grey levels.
    """
    return (torch.from_numpy(np.stack(pictures)[:, None]).float() - 128) / 128


def as_labels(classes: Sequence[Sequence[int]]) -> Int64[Tensor, "batch symbols"]:
    """Labels in one tensor, padded with -100.

    Args:
        classes: of each label.
    """
    longest = max(1, max(len(label) for label in classes))
    labels = torch.full((len(classes), longest), IGNORED)
    for row, label in zip(labels, classes, strict=True):
        row[: len(label)] = torch.tensor(label, dtype=torch.long)
    return labels
