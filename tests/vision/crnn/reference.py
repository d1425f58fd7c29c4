"""The formulas of arXiv 1507.05717, naive, in float64: the specification that the system must equal."""

from itertools import groupby, product

import numpy as np
import torch
from torch import Tensor


def collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    """B: repeats become one, then blanks go."""
    return tuple(index for index, _ in groupby(path) if index != 0)


def probability(frames: Tensor, label: tuple[int, ...]) -> float:
    """p(l | y): the sum over all paths that are read as l of the product of their frames (equation 1)."""
    time, classes = frames.shape
    total = 0.0
    for path in product(range(classes), repeat=time):
        if collapse(path) == label:
            mass = 1.0
            for frame, index in enumerate(path):
                mass *= float(frames[frame, index])
            total += mass
    return total


def best_path(frames: Tensor, label: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
    """The most probable path that is read as l."""
    time, classes = frames.shape
    found = []
    for path in product(range(classes), repeat=time):
        if collapse(path) == label:
            found.append((sum(float(frames[t, i].log()) for t, i in enumerate(path)), path))
    return max(found)


def readings(frames: Tensor) -> dict[tuple[int, ...], float]:
    """Every text that the frames can be read as, with its probability."""
    time, classes = frames.shape
    found: dict[tuple[int, ...], float] = {}
    for path in product(range(classes), repeat=time):
        mass = 1.0
        for frame, index in enumerate(path):
            mass *= float(frames[frame, index])
        text = collapse(path)
        found[text] = found.get(text, 0.0) + mass
    return found


def edit_distance(a: str, b: str) -> int:
    """Levenshtein's distance by its recurrence."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        edit_distance(a[1:], b) + 1,
        edit_distance(a, b[1:]) + 1,
        edit_distance(a[1:], b[1:]) + (a[0] != b[0]),
    )


def official_network(classes: int) -> torch.nn.Module:
    """The layers of the authors' code, written out one after another, up to the recurrent ones."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 64, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(64, 128, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(128, 256, 3, 1, 1), nn.BatchNorm2d(256), nn.ReLU(),
        nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d((2, 2), (2, 1), (0, 1)),
        nn.Conv2d(256, 512, 3, 1, 1), nn.BatchNorm2d(512), nn.ReLU(),
        nn.Conv2d(512, 512, 3, 1, 1), nn.ReLU(), nn.MaxPool2d((2, 2), (2, 1), (0, 1)),
        nn.Conv2d(512, 512, 2, 1, 0), nn.BatchNorm2d(512), nn.ReLU(),
    )  # fmt: skip


def log_probabilities(log_probs: np.ndarray, words: list[list[int]]) -> np.ndarray:
    """log p(l | y) of each word by the forward recurrence over blanks and symbols, none left out."""
    longest = max(len(word) for word in words)
    states = np.zeros((len(words), 2 * longest + 1), np.int64)
    for row, word in zip(states, words, strict=True):
        row[1 : 2 * len(word) : 2] = word
    skips = np.zeros(states.shape, bool)
    skips[:, 2:] = (states[:, 2:] != 0) & (states[:, 2:] != states[:, :-2])
    forward = np.zeros(states.shape)
    scale = log_probs.max(1)
    frames = np.exp(log_probs - scale[:, None])
    forward[:, :2] = frames[0][states[:, :2]]
    for frame in frames[1:]:
        grown = forward.copy()
        grown[:, 1:] += forward[:, :-1]
        grown[:, 2:] += np.where(skips[:, 2:], forward[:, :-2], 0)
        forward = grown * frame[states]
    last = np.array([2 * len(word) for word in words])
    rows = np.arange(len(words))
    with np.errstate(divide="ignore"):
        return np.log(forward[rows, last] + forward[rows, last - 1]) + scale.sum()
