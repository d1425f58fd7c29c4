"""Titles and abstracts of scientific papers."""

import csv
import lzma
from dataclasses import dataclass, field

from octavo.data.registry import Entry
from octavo.errors import OctavoError


@dataclass(frozen=True)
class Abstracts:
    """Papers by their title and abstract, each once.

    Args:
        name: the data set's name.
        ids: on arXiv.
        titles, abstracts: of each paper, in the order of `ids`; TeX is left as it was written.
    """

    name: str
    ids: tuple[str, ...] = field(repr=False)
    titles: tuple[str, ...] = field(repr=False)
    abstracts: tuple[str, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)


def load_abstracts(entry: Entry, *, categories: tuple[str, ...] = ()) -> Abstracts:
    """Read the tables of arXiv's metadata, file by file; a paper that is in two of them counts once.

    Args:
        categories: the files to read, by the beginning of their names; all where none is named.

    Raises:
        OctavoError: a file cannot be read or has no such columns.
    """
    found: dict[str, tuple[str, str]] = {}
    for name, path in entry.files.items():
        if categories and not name.startswith(categories):
            continue
        try:
            with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
                # Quoted fields hold line breaks, so lines mean nothing here.
                for row in csv.DictReader(file, delimiter="\t"):
                    found.setdefault(row["arxiv_id"], (_single(row["title"]), _single(row["abstract"])))
        except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, KeyError) as error:
            raise OctavoError(f"{path}: cannot be read ({error}); put it there again") from error
    titles, abstracts = zip(*found.values(), strict=True) if found else ((), ())
    return Abstracts(entry.name, tuple(found), titles, abstracts)


def _single(text: str) -> str:
    return " ".join(text.split())
