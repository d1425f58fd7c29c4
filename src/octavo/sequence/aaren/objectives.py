"""What the learned comparisons minimise, and what they are measured by."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from octavo.sequence.aaren.classifier import AarenClassifier
from octavo.sequence.aaren.point_process import AarenPointProcess

Batch = dict[str, Tensor]


def classification_loss(model: AarenClassifier, batch: Batch) -> Float[Tensor, ""]:
    """Cross entropy of the classes."""
    return F.cross_entropy(model(batch["series"], _padding(batch)), batch["label"])


def classified(model: AarenClassifier, batch: Batch) -> dict[str, Tensor]:
    """Whether each series got its class, and its cross entropy."""
    logits = model(batch["series"], _padding(batch))
    return {
        "accuracy": (logits.argmax(-1) == batch["label"]).float(),
        "loss": F.cross_entropy(logits, batch["label"], reduction="none"),
    }


def forecast_loss(model: torch.nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Mean squared error over the horizon."""
    return F.mse_loss(model(batch["past"]), batch["future"])


def forecast_errors(model: torch.nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Mean squared and mean absolute error of each window."""
    error = model(batch["past"]) - batch["future"]
    return {"mse": error.square().mean((1, 2)), "mae": error.abs().mean((1, 2))}


def event_pieces(sequences: Sequence[Any], length: int) -> Batch:
    """Sequences cut to pieces, each beginning with the last event of the one before.

    Args:
        sequences: with ``times`` and ``marks``.
        length: most events of a piece.

    Returns:
        ``times`` in float64, ``marks`` and ``padding``, each ``(pieces, length)``; padding is behind the end.
    """
    cut = [
        (sequence.times[start : start + length], sequence.marks[start : start + length])
        for sequence in sequences
        for start in range(0, max(1, len(sequence.times) - 1), length - 1)
    ]
    cut = [piece for piece in cut if len(piece[0]) > 1]
    times = torch.zeros(len(cut), length, dtype=torch.float64)
    marks = torch.zeros(len(cut), length, dtype=torch.int64)
    for row, (its_times, its_marks) in enumerate(cut):
        times[row, : len(its_times)] = torch.from_numpy(its_times)
        marks[row, : len(its_marks)] = torch.from_numpy(its_marks)
    lengths = torch.tensor([len(piece[0]) for piece in cut])
    return {"times": times, "marks": marks, "padding": torch.arange(length) >= lengths[:, None]}


def event_loss(model: AarenPointProcess, batch: Batch) -> Float[Tensor, ""]:
    """Mean negative log-likelihood of an event, gap and mark together."""
    batch = trimmed(batch)
    total = model.log_prob(batch["times"], batch["marks"], _padding(batch)).total
    return -total.sum() / (~batch["padding"][:, 1:]).sum()


@torch.no_grad()
def event_scores(model: AarenPointProcess, pieces: Batch, batch_size: int = 128) -> dict[str, np.ndarray]:
    """Of every event but the first of a piece: log-likelihood, squared error of the gap, the mark's hit.

    The gap is forecast by the median: the mean of a wide log-normal is beyond all gaps that occur.

    Args:
        model: in evaluation mode.
        pieces: of `event_pieces`.
        batch_size: pieces at once.
    """
    device = next(model.parameters()).device
    found: dict[str, list[Tensor]] = {"nll": [], "squared_error": [], "accuracy": []}
    for batch in _batches(pieces, batch_size):
        batch = {name: values.to(device) for name, values in trimmed(batch).items()}
        times, marks = batch["times"], batch["marks"]
        following = model(times, marks, _padding(batch))[:, :-1]
        seen = ~batch["padding"][:, 1:]
        gaps = torch.where(seen, times.diff(dim=1), 1.0).to(following.loc.dtype)
        time, mark = following.log_prob(gaps, marks[:, 1:])
        found["nll"].append(-(time + mark)[seen])
        found["squared_error"].append((following.median_gap - gaps).square()[seen])
        found["accuracy"].append((following.mark_logits.argmax(-1) == marks[:, 1:])[seen])
    return {name: torch.cat(values).cpu().numpy() for name, values in found.items()}


def trimmed(batch: Batch) -> Batch:
    """The batch without the positions where every row is padded."""
    longest = int((~batch["padding"]).sum(1).max())
    return {name: values[:, :longest] for name, values in batch.items()}


def gaps_and_marks(
    pieces: Batch,
) -> tuple[Float[np.ndarray, " events"], Int[np.ndarray, " events"], Float[np.ndarray, " events"]]:
    """Gap, mark and time of the same events, in the same order, as `event_scores`."""
    seen = ~pieces["padding"][:, 1:]
    times, marks = pieces["times"], pieces["marks"]
    return times.diff(dim=1)[seen].numpy(), marks[:, 1:][seen].numpy(), times[:, 1:][seen].numpy()


def _padding(batch: Batch) -> Tensor | None:
    # A mask that hides nothing would cost attention its fused kernel.
    return batch["padding"] if bool(batch["padding"].any()) else None


def _batches(tensors: Batch, size: int) -> Iterator[Batch]:
    for start in range(0, len(next(iter(tensors.values()))), size):
        yield {name: values[start : start + size] for name, values in tensors.items()}
