"""What a short training needs besides the loss of the paper: a shortcut past the recurrent layers."""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from octavo.vision.crnn.ctc import ctc_loss
from octavo.vision.crnn.network import CRNN


class WithShortcut(nn.Module):
    """A reader in training, with a second reading straight from its convolutional features.

    With CTC nothing but blanks is read at first, until features and recurrent layers happen to agree. A
    linear map on the features alone begins to read much earlier, and the features that it asks for are those
    that the recurrent layers need. After training it is thrown away.

    Args:
        model: the reader.

    Shape:
        images ``(batch, channels, height, width)`` and labels -> the sum of both losses, a number.

    Example:
        >>> training = WithShortcut(CRNN("a-z", width_mult=0.05))
        >>> training(torch.zeros(1, 1, 32, 100), torch.tensor([[3, 1, 2]])).shape
        torch.Size([])
    """

    def __init__(self, model: CRNN) -> None:
        super().__init__()
        self.model = model
        self.shortcut = nn.Linear(model.features.size, model.alphabet.classes)

    def forward(
        self, images: Float[Tensor, "batch channels height width"], labels: Int64[Tensor, "batch symbols"]
    ) -> Float[Tensor, ""]:
        """The loss of the reader and that of the shortcut.

        Args:
            images: of one width.
            labels: classes, padded with -100.
        """
        features, lengths = self.model.features(images.contiguous(memory_format=torch.channels_last))
        targets, target_lengths = self.model.classes_of(labels)
        losses = [
            ctc_loss(scores.float().log_softmax(-1), lengths, targets, target_lengths).mean()
            for scores in (self.model.recurrent(features), self.shortcut(features))
        ]
        return losses[0] + losses[1]


def read_loss(training: WithShortcut, batch: dict[str, Tensor], _: Any) -> Tensor:
    """The loss of a batch of lines, for a training loop.

    Args:
        training: the reader and its shortcut.
        batch: images and labels.
    """
    return training(**batch)
