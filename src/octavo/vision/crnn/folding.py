"""From upper and lower case to none: the protocol of the word benchmarks."""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from octavo.vision.crnn.alphabet import BLANK
from octavo.vision.crnn.processor import CRNNProcessor
from octavo.vision.crnn.recognizer import CTCModel

FOLDED = "0-9a-z"


class CaseFolded(CTCModel):
    """A recogniser of letters and digits without case, made of one that tells cases and marks apart.

    In each frame the probabilities of a letter's two cases are added, those of marks and spaces are dropped,
    and what is left is made to sum to one. This is for lexica of letters and digits. Without one, read with
    all symbols and drop the marks afterwards: where a mark was seen, what is left of a frame is guessed.

    Args:
        model: the recogniser.

    Shape:
        images ``(batch, channels, height, width)`` -> log_probs ``(batch, time, 37)``.

    Example:
        >>> from octavo.vision.crnn.network import CRNN
        >>> folded = CaseFolded(CRNN("0-9A-Za-z.", width_mult=0.125)).eval()
        >>> folded(torch.zeros(1, 1, 32, 100)).log_probs.shape
        torch.Size([1, 26, 37])
    """

    def __init__(self, model: CTCModel) -> None:
        super().__init__(FOLDED)
        self.model = model
        merged = torch.zeros(model.alphabet.classes, self.alphabet.classes)
        merged[BLANK, BLANK] = 1
        for place, symbol in enumerate(model.alphabet.symbols, start=1):
            if symbol.lower() in self.alphabet:
                merged[place, self.alphabet.encode(symbol.lower())[0]] = 1
        self.register_buffer("merged", merged, persistent=False)

    def processor(self, **settings: Any) -> CRNNProcessor:
        """That of the recogniser below.

        Args:
            settings: passed on to it.
        """
        return self.model.processor(**settings)

    def encode(
        self, images: Tensor, widths: Int64[Tensor, " batch"] | None = None
    ) -> tuple[Float[Tensor, "batch time classes"], Int64[Tensor, " batch"]]:
        """Logarithms of the folded probabilities, and how many frames of each picture count."""
        scores, lengths = self.model.encode(images, widths)
        return self.folded(scores), lengths

    def folded(self, scores: Float[Tensor, "*batch time symbols"]) -> Float[Tensor, "*batch time classes"]:
        """Logarithms of the folded probabilities of frames.

        Args:
            scores: of the recogniser's classes, or their log-probabilities.
        """
        wide = scores if scores.dtype == torch.float64 else scores.float()
        merged: Tensor = self.get_buffer("merged")
        # A class that no symbol feeds has probability zero, whose logarithm must stay a number.
        # Under autocast the product would be rounded to half precision, and CTC's sums with it.
        with torch.autocast(wide.device.type, enabled=False):
            folded = (wide.softmax(-1) @ merged.to(wide)).clamp_min(torch.finfo(wide.dtype).tiny)
        return folded.log().log_softmax(-1)


def parameters_of(module: nn.Module) -> int:
    """How many numbers a module has learned.

    Args:
        module: any.

    Example:
        >>> parameters_of(nn.Linear(3, 2))
        8
    """
    return sum(parameter.numel() for parameter in module.parameters())
