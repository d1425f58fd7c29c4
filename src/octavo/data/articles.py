"""Encyclopedia articles as plain text."""

import re
from dataclasses import dataclass
from pathlib import Path

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError

_TITLE = re.compile(r"^ ?= ([^=].*) = ?$")
# In this order: what the tokenisation took apart is joined again.
_JOINS = (
    (re.compile(r" @([-,.])@ "), r"\1"),
    (re.compile(r" ([,.;:!?%)\]’])"), r"\1"),
    (re.compile(r"([(\[$£]) "), r"\1"),
    (re.compile(r" ('s|'t|'re|'ve|'ll|'d|'m)\b"), r"\1"),
    (re.compile(r'" ([^"]*?) "'), r'"\1"'),
)


@dataclass(frozen=True)
class Articles:
    """Articles of two splits, each one text with a line a paragraph.

    Args:
        name: the data set's name.
        validation: the articles of the validation file.
        test: those of the test file.
    """

    name: str
    validation: tuple[str, ...]
    test: tuple[str, ...]


def load_wikitext(entry: Entry) -> Articles:
    """Load the validation and test articles of WikiText-2, with the spaces of its tokenisation taken out.

    Rare words are `<unk>`, as in the files; headings are left out.

    Raises:
        OctavoError: a file holds no article.
    """
    found = {name.split(".")[1]: articles(path) for name, path in entry.files.items()}
    return Articles(entry.name, found["valid"], found["test"])


def articles(path: Path) -> tuple[str, ...]:
    """The articles of one file, which begin at lines like ` = Title = `.

    Args:
        path: the file, plain or compressed.

    Raises:
        OctavoError: no title is found in it.
    """
    found: list[list[str]] = []
    for line in lines(path):
        if _TITLE.match(line):
            found.append([])
        elif found and (text := line.strip()) and not text.startswith("= "):
            found[-1].append(joined(text))
    whole = tuple("\n".join(paragraphs) for paragraphs in found if paragraphs)
    if not whole:
        raise OctavoError(f"{path}: no article found; it should have lines like ' = Title = ' before each")
    return whole


def joined(text: str) -> str:
    """A tokenised text as it was written, as far as the tokens tell.

    Example:
        >>> joined("It weighs 1 @.@ 5 kg ( 3 lb ) , and does n't run .")
        "It weighs 1.5 kg (3 lb), and does n't run."
    """
    for pattern, replacement in _JOINS:
        text = pattern.sub(replacement, text)
    return text
