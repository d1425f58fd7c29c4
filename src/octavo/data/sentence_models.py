"""Pretrained models that turn a sentence into a vector."""

from typing import TYPE_CHECKING

from octavo.data.pretrained import no_progress_bars
from octavo.data.registry import Entry
from octavo.errors import Missing

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def load_sentence_model(entry: Entry, *, device: str = "cpu") -> "SentenceTransformer":
    """Load a sentence-transformers model from its files on this machine; the hub is not asked.

    Args:
        device: where the weights go.

    Raises:
        Missing: sentence-transformers is not installed.

    Example:
        >>> from octavo import data
        >>> data.load("minilm").encode("a sentence").shape  # doctest: +SKIP
        (384,)
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise Missing("sentence-transformers", "Install it: `pip install 'octavo[embedding]'`.") from error
    with no_progress_bars():
        return SentenceTransformer(str(entry.place), device=device, local_files_only=True)
