"""Vectors of texts by a pretrained model, kept on disk: what many measurements share is computed once."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from filelock import FileLock
from jaxtyping import Float32

from octavo.data.places import cache_folder
from octavo.data.registry import Entry, as_entry


def encode(
    texts: Sequence[str], model: str | Entry = "minilm", *, batch_size: int = 128
) -> Float32[np.ndarray, "texts d"]:
    """The vectors of texts, from the cache where they were computed before.

    Args:
        texts: what is encoded.
        model: a sentence encoder of the registry.
        batch_size: texts at once; it changes the speed, and the last digits.

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
    folder = cache_folder() / "encoded"
    path = folder / f"{entry.name}-{_digest(texts, entry)}.npy"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        # Two processes that need the same vectors: one computes, the other waits.
        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                encoder: Any = entry.load()
                vectors = encoder.encode(list(texts), batch_size=batch_size, show_progress_bar=False)
                partial = path.with_suffix(".part")
                with partial.open("wb") as file:
                    np.save(file, np.asarray(vectors, dtype=np.float32))
                partial.replace(path)
    return np.asarray(np.load(path))


def _digest(texts: Sequence[str], entry: Entry) -> str:
    """A name for the vectors: of the texts, and of the model's files by name and size."""
    digest = hashlib.sha256()
    for name, place in sorted(entry.files.items()):
        digest.update(f"{name} {place.stat().st_size}\n".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:20]
