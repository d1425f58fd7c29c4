"""Connectionist temporal classification: the loss, and the ways from frames to text."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from octavo.vision.crnn.alphabet import BLANK, Alphabet


class Hypothesis(NamedTuple):
    """A text that a search found.

    Args:
        text: what is read.
        log_prob: its logarithm of probability, as far as the search knows it.
    """

    text: str
    log_prob: float


def frames_needed(targets: Int64[Tensor, " symbols"], lengths: Int64[Tensor, " batch"]) -> list[int]:
    """How many frames each label needs: a frame a symbol, and a blank between equal neighbours.

    Args:
        targets: classes of all labels behind one another.
        lengths: symbols of each label.

    Example:
        >>> frames_needed(torch.tensor([8, 5, 12, 12, 15, 1]), torch.tensor([5, 1]))
        [6, 1]
    """
    rows = torch.repeat_interleave(torch.arange(len(lengths)), lengths.cpu())
    symbols = targets.cpu()
    # Neighbours of one label that are equal; the last of one label and the first of the next do not count.
    again = (symbols[1:] == symbols[:-1]) & (rows[1:] == rows[:-1])
    needed = lengths.cpu() + torch.bincount(rows[1:][again], minlength=len(lengths))
    found: list[int] = needed.tolist()
    return found


def ctc_loss(
    log_probs: Float[Tensor, "batch time classes"],
    lengths: Int64[Tensor, " batch"],
    targets: Int64[Tensor, " symbols"],
    target_lengths: Int64[Tensor, " batch"],
) -> Float[Tensor, " batch"]:
    """-log p(label | frames) of each row, in float32 at least.

    A GPU's own backward pass adds up in no fixed order. With `torch.use_deterministic_algorithms(True)` the
    loss of frames on a GPU is computed on the CPU, and repeats bit for bit.

    Args:
        log_probs: logarithms of class probabilities.
        lengths: frames of each row that count.
        targets: classes of all labels behind one another.
        target_lengths: symbols of each label; a label may be empty.

    Raises:
        ValueError: a label needs more frames than its row has.

    Example:
        >>> frames = torch.full((1, 2, 2), 0.5).log()
        >>> one_symbol = ctc_loss(frames, torch.tensor([2]), torch.tensor([1]), torch.tensor([1]))
        >>> one_symbol.neg().exp()  # of the four paths --, -a, a-, aa three are read as "a"
        tensor([0.7500])

    Source: arXiv 1507.05717, section 2.3 and equation 1.
    """
    for row, (needed, given) in enumerate(
        zip(frames_needed(targets, target_lengths), lengths.tolist(), strict=True)
    ):
        if needed > given:
            raise ValueError(
                f"label {row} has {int(target_lengths[row])} symbols and needs {needed} frames, its image "
                f"has {given}; an image at least {4 * max(needed - 1, 1)} wide after resizing would do"
            )
    wide = log_probs if log_probs.dtype == torch.float64 else log_probs.float()
    if wide.is_cuda and torch.are_deterministic_algorithms_enabled():
        wide, targets, lengths, target_lengths = (
            each.cpu() for each in (wide, targets, lengths, target_lengths)
        )
    # Labels made from texts lie on the CPU, wherever the frames are.
    targets = targets.to(wide.device)
    losses = F.ctc_loss(wide.transpose(0, 1), targets, lengths, target_lengths, blank=BLANK, reduction="none")
    return losses.to(log_probs.device)


def check_frames(log_probs: Tensor, alphabet: Alphabet) -> None:
    """Frames are of an alphabet, and numbers.

    Args:
        log_probs: logarithms of class probabilities of one picture or more.
        alphabet: of the classes.

    Raises:
        ValueError: they are not.
    """
    if log_probs.shape[-1] != alphabet.classes:
        raise ValueError(
            f"the frames have {log_probs.shape[-1]} classes, the alphabet and the blank {alphabet.classes}"
        )
    if log_probs.isnan().any():
        place = tuple(log_probs.isnan().nonzero()[0].tolist())
        raise ValueError(f"the frames have nan at {place}; give logarithms of probabilities")


def ctc_greedy(
    log_probs: Float[Tensor, "batch time classes"], lengths: Int64[Tensor, " batch"], alphabet: Alphabet
) -> list[str]:
    """Lexicon-free transcription: the best class of each frame, collapsed.

    Args:
        log_probs: logarithms of class probabilities.
        lengths: frames of each row that count.
        alphabet: of the classes.

    Raises:
        ValueError: the frames do not fit the alphabet.

    Source: arXiv 1507.05717, section 2.3.2.
    """
    check_frames(log_probs, alphabet)
    best = log_probs.argmax(-1).tolist()
    return [alphabet.collapse(path[:length]) for path, length in zip(best, lengths.tolist(), strict=True)]


def ctc_beam(
    log_probs: Float[Tensor, "time classes"], alphabet: Alphabet, width: int = 16, top_k: int = 1
) -> list[Hypothesis]:
    """Prefix beam search: the most probable texts, where greedy takes the most probable path.

    Args:
        log_probs: of one image.
        alphabet: of the classes.
        width: prefixes that are kept; more find better texts and take longer.
        top_k: texts that are returned, best first.

    Raises:
        ValueError: a number is below 1, or the frames do not fit the alphabet.

    Example:
        >>> frames = torch.tensor([[0.6, 0.4], [0.6, 0.4]]).log()
        >>> ctc_beam(frames, Alphabet("a"))[0].text  # though the best path is two blanks
        'a'
    """
    if width < 1 or top_k < 1:
        raise ValueError(f"width={width} and top_k={top_k} must be at least 1; 16 and 1 are good numbers")
    check_frames(log_probs, alphabet)
    if log_probs.ndim != 2:
        raise ValueError(f"got frames of shape {tuple(log_probs.shape)}; give (time, classes) of one picture")
    frames = log_probs.double().exp()
    frames = frames / frames.amax(-1, keepdim=True)  # keeps the numbers in range; put back at the end
    # Of each prefix: probability that the frames so far are read as it, ending in blank or its last symbol.
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}
    for frame in frames.numpy(force=True):
        wanted = [int(index) for index in (-frame).argsort()[: width + 1] if index != BLANK]
        grown: dict[tuple[int, ...], list[float]] = {}
        for prefix, (blank, symbol) in beam.items():
            last = prefix[-1] if prefix else BLANK
            stay = grown.setdefault(prefix, [0.0, 0.0])
            stay[0] += (blank + symbol) * frame[BLANK]
            if prefix:
                stay[1] += symbol * frame[last]
            for index in wanted:
                # The same symbol twice needs a blank in between.
                mass = (blank if index == last else blank + symbol) * frame[index]
                if mass > 0.0:
                    grown.setdefault((*prefix, index), [0.0, 0.0])[1] += mass
        kept = sorted(grown.items(), key=lambda item: -sum(item[1]))[:width]
        beam = {prefix: (blank, symbol) for prefix, (blank, symbol) in kept}
    scale = float(log_probs.double().amax(-1).sum())
    found = sorted(((blank + symbol, prefix) for prefix, (blank, symbol) in beam.items()), reverse=True)
    return [
        Hypothesis(alphabet.decode(prefix), scale + float(torch.tensor(mass, dtype=torch.float64).log()))
        for mass, prefix in found[:top_k]
    ]


def ctc_align(log_probs: Float[Tensor, "time classes"], label: Sequence[int]) -> list[int]:
    """The most probable path that is read as a label (Viterbi).

    Args:
        log_probs: of one image.
        label: classes of the text.

    Raises:
        ValueError: the label needs more frames than there are.

    Example:
        >>> frames = torch.tensor([[0.1, 0.9], [0.6, 0.4], [0.2, 0.8]]).log()
        >>> ctc_align(frames, [1, 1])
        [1, 0, 1]
    """
    time = log_probs.shape[0]
    needed = frames_needed(torch.tensor(list(label), dtype=torch.long), torch.tensor([len(label)]))[0]
    if needed > time:
        raise ValueError(f"the label needs {needed} frames, got {time}; use a wider image")
    states = [BLANK]
    for index in label:
        states += [index, BLANK]
    scores = log_probs[:, states].double().cpu()  # a step a frame is no work for a GPU
    # A symbol may follow another without a blank in between, if it is not the same.
    skips = torch.tensor(
        [at >= 2 and states[at] != BLANK and states[at] != states[at - 2] for at in range(len(states))]
    )
    best = torch.full((len(states),), -torch.inf, dtype=torch.float64)
    best[:2] = scores[0, :2]
    came = torch.zeros(time, len(states), dtype=torch.long)
    for frame in range(1, time):
        step = F.pad(best[:-1], (1, 0), value=-torch.inf)
        skip = F.pad(best[:-2], (2, 0), value=-torch.inf)[: len(states)].masked_fill(~skips, -torch.inf)
        best, came[frame] = torch.stack([best, step, skip]).max(0)
        best = best + scores[frame]
    at = len(states) - 1 if len(states) == 1 or best[-1] >= best[-2] else len(states) - 2
    path = [at]
    for frame in range(time - 1, 0, -1):
        at -= int(came[frame, at])
        path.append(at)
    return [states[at] for at in reversed(path)]


def runs(path: Sequence[int]) -> list[tuple[int, int, int]]:
    """Where the symbols of a path stand: class, first frame, and the frame behind its last.

    Args:
        path: a class a frame.

    Example:
        >>> runs([0, 3, 3, 0, 3])
        [(3, 1, 3), (3, 4, 5)]
    """
    found: list[tuple[int, int, int]] = []
    for frame, index in enumerate(path):
        if index == BLANK:
            continue
        if found and found[-1][0] == index and found[-1][2] == frame:
            found[-1] = (index, found[-1][1], frame + 1)
        else:
            found.append((index, frame, frame + 1))
    return found
