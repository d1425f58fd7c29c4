"""Vectors of texts by a pretrained model, kept on disk: what many measurements share is computed once."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from jaxtyping import Float32

from octavo.data.places import cache_folder
from octavo.data.registry import Entry, as_entry


def encode(
    texts: Sequence[str], model: str | Entry = "minilm", *, batch_size: int = 128, keep: bool = True
) -> Float32[np.ndarray, "texts d"]:
    """The vectors of texts, from the cache where they were computed before.

    Args:
        texts: what is encoded.
        model: a sentence encoder of the registry.
        batch_size: texts at once; it changes the speed, and the last digits.
        keep: leave the vectors in the cache; not worth it for a text that comes once.

    Returns:
        As the model gives them; all-MiniLM-L6-v2 gives unit vectors of 384 numbers.

    Raises:
        MissingData: the model is not on this machine.

    Example:
        >>> from octavo import data
        >>> data.encode(["a query", "another"]).shape  # doctest: +SKIP
        (2, 384)
    """
    entry = as_entry(model)
    path = _place(texts, entry)
    if not keep and not path.is_file():
        return _encoded(texts, entry, batch_size)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two processes that need the same vectors: one computes, the other waits.
        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                vectors = _encoded(texts, entry, batch_size)
                partial = path.with_suffix(".part")
                with partial.open("wb") as file:
                    np.save(file, vectors)
                partial.replace(path)
    return np.asarray(np.load(path))


def encoded_before(texts: Sequence[str], model: str | Entry = "minilm") -> bool:
    """Whether the cache holds the vectors of these texts, so that `encode` takes no time.

    Args:
        texts: what would be encoded.
        model: a sentence encoder of the registry.
    """
    return _place(texts, as_entry(model)).is_file()


def _encoded(texts: Sequence[str], entry: Entry, batch_size: int) -> Float32[np.ndarray, "texts d"]:
    encoder: Any = entry.load()
    vectors = encoder.encode(list(texts), batch_size=batch_size, show_progress_bar=False)
    return np.asarray(vectors, dtype=np.float32)


def _place(texts: Sequence[str], entry: Entry) -> Path:
    return cache_folder() / "encoded" / f"{entry.name}-{_digest(texts, entry)}.npy"


def _digest(texts: Sequence[str], entry: Entry) -> str:
    """A name for the vectors: of the texts, and of the model's files by name and size."""
    digest = hashlib.sha256()
    for name, place in sorted(entry.files.items()):
        digest.update(f"{name} {place.stat().st_size}\n".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:20]
