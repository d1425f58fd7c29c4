"""Sentences of film reviews, with how favourable each is."""

import gzip
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor

from octavo.data.registry import Entry
from octavo.errors import OctavoError


@dataclass(frozen=True)
class Sentences:
    """Sentences with labels.

    Args:
        texts: in tokens with blanks between them.
        labels: from 0, very negative, to 4, very positive.
    """

    texts: tuple[str, ...] = field(repr=False)
    labels: Int64[Tensor, " sentences"] = field(repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Int64[Tensor, " chosen"]) -> "Sentences":
        """The sentences at these positions."""
        return Sentences(tuple(self.texts[row] for row in rows.tolist()), self.labels[rows])

    def polar(self) -> "Sentences":
        """Without those that are neutral, labelled 0 for negative and 1 for positive."""
        kept = self.take((self.labels != 2).nonzero()[:, 0])
        return Sentences(kept.texts, (kept.labels > 2).long())


@dataclass(frozen=True)
class SentenceSplits:
    """Sentences as their makers split them."""

    name: str
    train: Sentences
    validation: Sentences
    test: Sentences


def load_sst(entry: Entry) -> SentenceSplits:
    """Read the sentences of the Stanford Sentiment Treebank, a label and a sentence a line.

    Raises:
        OctavoError: a file cannot be read, or a line is not of this form.
    """
    places = {name.rpartition(".")[2]: place for name, place in entry.files.items()}
    return SentenceSplits(entry.name, *(_read(places[split]) for split in ("train", "dev", "test")))


def _read(place: Path) -> Sentences:
    try:
        content = gzip.decompress(place.read_bytes()) if place.suffix == ".gz" else place.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise OctavoError(f"{place}: cannot be read ({error}); put it there again") from error
    texts, labels = [], []
    for number, line in enumerate(content.splitlines(), start=1):
        label, _, text = _decoded(line).partition(" ")
        if label not in ("0", "1", "2", "3", "4") or not text:
            raise OctavoError(f"{place}, line {number}: expected a label from 0 to 4 and a sentence")
        texts.append(text)
        labels.append(int(label))
    return Sentences(tuple(texts), torch.tensor(labels))


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        # A few lines of the public files are so.
        return line.decode("latin-1")
