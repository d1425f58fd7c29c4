"""Pictures of words, each with what is written on it: a zip file of pictures and a table of labels."""

import csv
import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

from octavo.data.registry import Entry
from octavo.errors import OctavoError

_TABLE = "labels.tsv"


@dataclass(frozen=True)
class WordImages:
    """Cropped pictures of words.

    Args:
        pictures: PIL images.
        texts: what stands on each, case and all.
        sources: the picture that each was cropped from, so that crops of one picture can be kept together.
    """

    pictures: tuple[Any, ...] = field(repr=False)
    texts: tuple[str, ...] = field(repr=False)
    sources: tuple[str, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    def some(self, number: int | None, *, seed: int = 0) -> "WordImages":
        """A drawn part of the words; all of them where `number` is None or no less than all.

        Args:
            number: how many.
            seed: of what is drawn.
        """
        if number is None or number >= len(self):
            return self
        import numpy as np

        rows = sorted(np.random.default_rng(seed).permutation(len(self))[:number].tolist())
        pictures, texts, sources = (
            tuple(values[row] for row in rows) for values in (self.pictures, self.texts, self.sources)
        )
        return WordImages(pictures, texts, sources)


def load_word_images(entry: Entry) -> WordImages:
    """Reads all pictures of a zip file and the table of what is written on them.

    The table is `labels.tsv` with a header, in whose lines the first two fields are a file and its text.

    Raises:
        OctavoError: there is no table, or a picture that it names lacks or cannot be read.
    """
    from PIL import Image, UnidentifiedImageError

    (place,) = entry.files.values()
    pictures, texts, sources = [], [], []
    try:
        with zipfile.ZipFile(place) as archive:
            rows = csv.reader(
                io.StringIO(archive.read(_TABLE).decode("utf-8")), delimiter="\t", quoting=csv.QUOTE_NONE
            )
            for name, text, *_ in list(rows)[1:]:
                picture = Image.open(io.BytesIO(archive.read(name)))
                picture.load()
                pictures.append(picture)
                texts.append(text)
                sources.append(name.rpartition("_")[0])
    except (zipfile.BadZipFile, KeyError, UnidentifiedImageError, ValueError) as error:
        raise OctavoError(f"{place} is not a zip file of pictures with a {_TABLE}: {error}") from error
    return WordImages(tuple(pictures), tuple(texts), tuple(sources))
