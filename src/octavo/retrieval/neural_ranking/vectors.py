"""Word vectors without a download: distilled once from a sentence encoder, and shipped with the paper."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from octavo.retrieval.neural_ranking.text import Vocabulary

SHIPPED = Path(__file__).parent / "weights" / "word_vectors" / "vectors.npz"


def static_vectors(vocabulary: Vocabulary, encoder: Any = None) -> Float[Tensor, "words size"]:
    """A vector for each word of a vocabulary, of length one; zero where none is known.

    The shipped vectors are those of 10,000 words of scientific abstracts. A word without one still matches
    itself in every ranker, since equal words are told by their ids.

    Args:
        vocabulary: whose words are looked up.
        encoder: a `SentenceTransformer` (all-MiniLM-L6-v2) for the words that are not shipped.

    Example:
        >>> static_vectors(Vocabulary(["wing", "qqqq"])).norm(dim=1).round()
        tensor([0., 1., 0.])
    """
    places, shipped, mean, axes = _shipped()
    vectors = np.zeros((len(vocabulary), shipped.shape[1]), dtype=np.float32)
    unknown = []
    for row, word in enumerate(vocabulary.words[1:], start=1):
        if word in places:
            vectors[row] = shipped[places[word]]
        else:
            unknown.append(row)
    if encoder is not None and unknown:
        words = [vocabulary.words[row] for row in unknown]
        encoded = np.asarray(encoder.encode(words, batch_size=256, show_progress_bar=False))
        vectors[unknown] = (encoded - mean) @ axes
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return torch.from_numpy(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0))


def shipped_words() -> tuple[str, ...]:
    """The words that have a shipped vector."""
    return tuple(_shipped()[0])


def distil(
    encoded: Float32[np.ndarray, "words size"], size: int = 200
) -> tuple[
    Float32[np.ndarray, "words small"], Float32[np.ndarray, " size"], Float32[np.ndarray, "size small"]
]:
    """Vectors of single words by an encoder, centred and brought to their axes of largest variance.

    Args:
        encoded: each word by itself.
        size: of the vectors.

    Returns:
        The vectors, the mean that was taken away, and the axes.
    """
    mean = encoded.mean(0)
    _, _, right = np.linalg.svd(encoded - mean, full_matrices=False)
    axes = right[:size].T
    return (encoded - mean) @ axes, mean, axes


class Distilled:
    """Words and their vectors, to be shipped.

    Args:
        words: in the order of the vectors.
        encoded: each word by itself, as the encoder gives it.
        size: of the vectors.
    """

    def __init__(
        self, words: Sequence[str], encoded: Float32[np.ndarray, "words size"], size: int = 200
    ) -> None:
        self.words = tuple(words)
        self.vectors, self.mean, self.axes = distil(encoded, size)
        self.kept = float((self.vectors**2).sum() / ((encoded - self.mean) ** 2).sum())

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the vectors, of length one, in half precision, with what makes those of further words.

        Args:
            folder: made where it is not there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        norms = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        np.savez_compressed(
            folder / SHIPPED.name,
            words=np.array("\n".join(self.words)),
            vectors=(self.vectors / np.maximum(norms, 1e-9)).astype(np.float16),
            mean=self.mean.astype(np.float16),
            axes=self.axes.astype(np.float16),
        )


@cache
def _shipped() -> tuple[dict[str, int], np.ndarray, np.ndarray, np.ndarray]:
    with np.load(SHIPPED, allow_pickle=False) as file:
        words = str(file["words"]).split("\n")
        vectors, mean, axes = (file[name].astype(np.float32) for name in ("vectors", "mean", "axes"))
    return {word: place for place, word in enumerate(words)}, vectors, mean, axes
