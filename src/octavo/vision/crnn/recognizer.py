"""What every recogniser with a CTC output can do: a loss from texts, and texts from pictures."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from octavo.vision.crnn.alphabet import Alphabet
from octavo.vision.crnn.ctc import ctc_align, ctc_greedy, ctc_loss, runs
from octavo.vision.crnn.processor import NARROWEST, CRNNProcessor

if TYPE_CHECKING:
    from octavo.vision.crnn.lexicon import Lexicon

IGNORED = -100


class CRNNOutput(NamedTuple):
    """What a recogniser gives; the loss comes first, as trainers expect.

    Args:
        loss: mean of -log p(label | picture); None without labels.
        log_probs: of the classes in each frame, in float32 at least.
        lengths: frames of each picture that count.
    """

    loss: Float[Tensor, ""] | None
    log_probs: Float[Tensor, "batch time classes"]
    lengths: Int64[Tensor, " batch"]


@dataclass(frozen=True)
class Recognition:
    """A text read from a picture.

    Args:
        text: what is read.
        score: p(text | picture), the sum over all its paths.
        raw: the path of the text, a symbol a frame, with ``-`` for the blank.
        spans: first frame and the frame behind the last, of each symbol.
        frames: frames of the picture.
    """

    text: str
    score: float
    raw: str
    spans: tuple[tuple[int, int], ...]
    frames: int


class CTCModel(nn.Module, ABC):
    """A recogniser: `encode` gives scores of classes in each frame, everything else stands here.

    Args:
        alphabet: the symbols, or a pattern of them.
        separator: between symbols in a text.

    Shape:
        images ``(batch, channels, height, width)`` -> log_probs ``(batch, time, classes)``.
    """

    def __init__(self, alphabet: str | Sequence[str], separator: str = "") -> None:
        super().__init__()
        self.alphabet = Alphabet(alphabet, separator)

    @abstractmethod
    def encode(
        self, images: Tensor, widths: Tensor | None
    ) -> tuple[Float[Tensor, "batch time classes"], Int64[Tensor, " batch"]]:
        """Scores of the classes in each frame, and how many frames of each picture count."""

    @abstractmethod
    def processor(self, **settings: Any) -> CRNNProcessor:
        """The processor that fits the model; settings are passed on to it."""

    def forward(
        self,
        images: Float[Tensor, "batch channels height width"],
        widths: Int64[Tensor, " batch"] | None = None,
        labels: list[str] | Int64[Tensor, "batch symbols"] | None = None,
    ) -> CRNNOutput:
        """Log-probabilities of the classes in each frame; with labels also the loss.

        Args:
            images: grey levels around zero, see `processor`.
            widths: true widths; None if all are as wide as the batch.
            labels: texts, or their classes padded with -100. A label may be empty.

        Raises:
            ValueError: no picture, a wrong height or width, a label that does not fit.
        """
        if images.shape[0] == 0:
            raise ValueError("the batch has no picture; give at least one")
        if widths is not None:
            _check_widths(widths, images)
            widths = widths.to(images.device)
        scores, lengths = self.encode(images, widths)
        wide = scores if scores.dtype == torch.float64 else scores.float()
        log_probs = wide.log_softmax(-1)
        if labels is None:
            return CRNNOutput(None, log_probs, lengths)
        if len(labels) != images.shape[0]:
            raise ValueError(f"got {len(labels)} labels for {images.shape[0]} pictures; give one a picture")
        targets, target_lengths = self.classes_of(labels)
        losses = ctc_loss(log_probs, lengths, targets.to(log_probs.device), target_lengths)
        return CRNNOutput(losses.mean(), log_probs, lengths)

    def classes_of(self, labels: list[str] | Tensor) -> tuple[Tensor, Tensor]:
        """The classes of labels behind one another, and how many each has.

        Args:
            labels: texts, or their classes padded with -100.

        Raises:
            ValueError: a label does not fit the alphabet.
        """
        if not isinstance(labels, Tensor):
            return self.alphabet.targets(labels)
        kept = labels != IGNORED
        wrong = kept & ((labels < 1) | (labels >= self.alphabet.classes))
        if wrong.any():
            row = int(wrong.nonzero()[0, 0])
            raise ValueError(
                f"label {row} has class {int(labels[wrong][0])}; classes are 1 to "
                f"{self.alphabet.classes - 1}, 0 is the blank, and -100 pads"
            )
        return labels[kept], kept.sum(1).cpu()

    @torch.no_grad()
    def recognize(
        self,
        pictures: Any,
        lexicon: "Lexicon | None" = None,
        delta: int = 3,
        *,
        batch_size: int = 16,
        processor: CRNNProcessor | None = None,
    ) -> list[Recognition]:
        """Reads pictures of one line of text each.

        Args:
            pictures: of PIL, numpy or torch, one or a list, of any size and mode.
            lexicon: words to choose from; without it any text can be read.
            delta: edit distance to the lexicon-free text within which the lexicon is searched.
            batch_size: pictures of like width that are read together.
            processor: of the pictures; the model's own by default.

        Raises:
            ValueError: a picture cannot be read.
        """
        processor = processor or self.processor()
        batch = processor(pictures)
        training = self.training
        frames = self.eval().frames_of(batch["images"], batch["widths"], batch_size)
        self.train(training)
        return [self.transcribe(log_probs, lexicon, delta) for log_probs in frames]

    @torch.no_grad()
    def frames_of(
        self,
        images: Float[Tensor, "pictures channels height width"],
        widths: Int64[Tensor, " pictures"],
        batch_size: int = 16,
    ) -> list[Float[Tensor, "time classes"]]:
        """Log-probabilities of each picture's own frames, pictures of like width read together.

        Args:
            images: any number, padded behind their ends.
            widths: true widths.
            batch_size: most pictures that are read together.
        """
        weight = next(self.parameters())
        found: list[Tensor] = [torch.empty(0)] * len(widths)
        for rows in buckets(widths.tolist(), batch_size):
            own = widths[rows]
            batch = images[rows, :, :, : int(own.max())].to(weight.device, weight.dtype)
            # Pictures of one width need no masks.
            output = self(batch, None if bool((own == own[0]).all()) else own.to(weight.device))
            for row, log_probs, length in zip(
                rows, output.log_probs.cpu(), output.lengths.tolist(), strict=True
            ):
                found[row] = log_probs[:length]
        return found

    def transcribe(
        self,
        log_probs: Float[Tensor, "time classes"],
        lexicon: "Lexicon | None" = None,
        delta: int = 3,
    ) -> Recognition:
        """The text of one picture, its probability and where its symbols stand.

        Args:
            log_probs: of the picture's frames.
            lexicon: words to choose from.
            delta: edit distance within which the lexicon is searched.

        Raises:
            ValueError: the frames do not fit the alphabet.
            TypeError: the lexicon is none.
        """
        frames = torch.tensor([len(log_probs)])
        if lexicon is not None and not hasattr(lexicon, "decode"):
            raise TypeError(f"lexicon is a {type(lexicon).__name__}; give a Lexicon(words)")
        if lexicon is None:
            path = log_probs.argmax(-1).tolist()
            text = ctc_greedy(log_probs[None], frames, self.alphabet)[0]
        else:
            text = lexicon.decode(log_probs, self.alphabet, mode="nearest", delta=delta)[0].text
            path = ctc_align(log_probs, self.alphabet.encode(text))
        targets, length = self.alphabet.targets([text])
        score = math.exp(-float(ctc_loss(log_probs[None], frames, targets, length)))
        spans = tuple((first, last) for _, first, last in runs(path))
        return Recognition(text, score, self.alphabet.raw(path), spans, len(log_probs))


def _check_widths(widths: Tensor, images: Tensor) -> None:
    if len(widths) != images.shape[0]:
        raise ValueError(f"got {len(widths)} widths for {images.shape[0]} pictures; give one a picture")
    for row, width in enumerate(widths.tolist()):
        if not NARROWEST <= width <= images.shape[-1]:
            raise ValueError(
                f"picture {row} has width {width}; widths are {NARROWEST} to {images.shape[-1]}, the batch's"
            )


PADDED = 0.06
"""Most of a batch's columns that may be padding: to convolve more takes longer than a larger batch saves."""


def buckets(widths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Rows of like width together, from narrow to wide, so that little is padded.

    Args:
        widths: of the pictures.
        batch_size: most rows of a bucket.

    Example:
        >>> buckets([100, 60, 104, 100], 2)
        [[1], [0, 3], [2]]
    """
    found: list[list[int]] = []
    for row in sorted(range(len(widths)), key=lambda place: widths[place]):
        last = [*found[-1], row] if found else [row]
        columns = len(last) * widths[row]
        padding = columns - sum(widths[place] for place in last)
        if found and len(last) <= batch_size and padding <= PADDED * columns:
            found[-1] = last
        else:
            found.append([row])
    return found
