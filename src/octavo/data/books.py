"""Books as plain text."""

import re
from pathlib import Path

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError

_PROSE, _LINE = 400, 50
"""Characters of a paragraph that tells, and of its lines on average; those of contents are shorter."""


def load_books(entry: Entry) -> dict[str, str]:
    """The texts of the books by their names, a line a paragraph.

    Title pages and tables of contents are left out: a book begins at its first long paragraph.

    Raises:
        OctavoError: a book has no long paragraph.

    Example:
        >>> from octavo import data
        >>> sorted(data.load("gutenberg_stories"))[:2]  # doctest: +SKIP
        ['alice', 'andersen']
    """
    return {name.split(".")[0]: book(path) for name, path in entry.files.items()}


def book(path: Path) -> str:
    """One book without the lines' ends inside its paragraphs.

    Args:
        path: a text file, plain or compressed, with empty lines between paragraphs.

    Raises:
        OctavoError: no paragraph is long.
    """
    blocks = re.split(r"\n\s*\n", "\n".join(lines(path)))
    blocks = [block for block in blocks if block.strip()]
    tells = (n for n, b in enumerate(blocks) if len(b) >= max(_PROSE, _LINE * (1 + b.count("\n"))))
    first = next(tells, None)
    if first is None:
        raise OctavoError(f"{path}: no paragraph of {_PROSE} characters; is it a book?")
    return "\n".join(" ".join(block.split()) for block in blocks[first:])
