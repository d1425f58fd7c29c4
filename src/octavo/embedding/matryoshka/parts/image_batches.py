"""Images as a training reads them: of one size, normalised, and moved about a little."""

from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


class ImageBatches:
    """Labelled images by their indices.

    Args:
        read: gives the image of a row as bytes ``(height, width, 3)``.
        labels: a class each.
        size: pixels a side; images are averaged down to it.
    """

    def __init__(self, read: Any, labels: Int[np.ndarray, " images"], size: int) -> None:
        self._read = read
        self._labels = torch.from_numpy(labels.copy())
        self._size = size

    @classmethod
    def of(cls, images: Any, split: str, size: int, number: int) -> Self:
        """One split of images in memory or on disk; of a larger one every n-th image is taken."""
        held = getattr(images, split)
        labels = held.labels if hasattr(held, "labels") else getattr(images, f"{split}_labels")
        rows = np.arange(0, len(labels), max(1, -(-len(labels) // number)))
        if hasattr(held, "read"):
            return cls(lambda row: held.read(int(rows[row]), size), labels[rows], size)
        return cls(lambda row: held[rows[row]], labels[rows], size)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, indices: Int[Tensor, " batch"]) -> dict[str, Tensor]:
        stacked = torch.from_numpy(np.stack([self._read(row) for row in indices.tolist()]))
        # A view whose channels lie innermost, which convolutions on a CPU read twice as fast.
        images = stacked.movedim(-1, 1).float() / 127.5 - 1
        if images.shape[-1] != self._size:
            images = F.interpolate(images, size=self._size, mode="area")
        return {"image": 2 * images, "label": self._labels[indices]}


def augmented(
    images: Float[Tensor, "batch channels side side"], generator: torch.Generator
) -> Float[Tensor, "batch channels side side"]:
    """Images mirrored by chance, and shifted by up to an eighth of their side.

    Example:
        >>> augmented(torch.zeros(2, 3, 8, 8), torch.Generator().manual_seed(0)).shape
        torch.Size([2, 3, 8, 8])
    """
    number, channels, side, _ = images.shape
    reach = side // 8
    mirrored = torch.rand(number, generator=generator) < 0.5
    shifts = torch.randint(2 * reach + 1, (2, number), generator=generator).to(images.device)
    places = torch.arange(side, device=images.device)
    across = torch.where(mirrored.to(images.device)[:, None], side - 1 - places, places)
    padded = F.pad(images, (reach,) * 4, mode="replicate") if reach else images
    item = torch.arange(number, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    rows = (shifts[0][:, None] + places)[:, None, :, None]
    columns = (shifts[1][:, None] + across)[:, None, None, :]
    return padded[item, channel, rows, columns].contiguous(memory_format=torch.channels_last)


def cycle(progress: float) -> float:
    """The learning rate of the paper's recipe: up for a fifth of the training, then down to nothing.

    Example:
        >>> cycle(0.1), cycle(0.2), cycle(0.6)
        (0.5, 1.0, 0.5)
    """
    return progress / 0.2 if progress < 0.2 else (1 - progress) / 0.8


def sgd(parameters: Any, learning_rate: float) -> torch.optim.Optimizer:
    """The paper's optimizer: momentum, and no decay of what is not a matrix."""
    several = list(parameters)
    matrices, others = ([p for p in several if (p.ndim > 1) == wide] for wide in (True, False))
    groups = [{"params": matrices, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=learning_rate, momentum=0.9, nesterov=True)
