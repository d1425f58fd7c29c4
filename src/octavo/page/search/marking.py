"""Which words of a query a paper has, and the piece of its abstract where they are.

The database says which papers have a word by its stem. Here a word is recognised by its letters and the
endings of English, in twenty papers of a result at a time.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from octavo.page.search.query import Query, Term
from octavo.page.store.listed_paper import ListedPaper

LENGTH, BEFORE = 240, 60
"""Letters of a snippet, and letters before its first word at most."""
_ENDING = re.compile(r"(?:ies|ings?|ed|es|s|ly|e|y)$")
_ENDINGS = r"(?:s|es|ed|e|ing|ings|y|ies|ly|er|ers)?"


@dataclass(frozen=True)
class Snippet:
    """A piece of an abstract, as texts in turn, each with whether it is a word that was found."""

    pieces: tuple[tuple[str, bool], ...]


class Marker:
    """Finds the words of a query in papers.

    Args:
        query: whose words are looked for.

    Example:
        >>> from octavo.page.search.query import parse
        >>> paper = ListedPaper("1", "Streams", "We learn from memories.")
        >>> marker = Marker(parse("learning memory speed"))
        >>> marker.words(paper), marker.snippet(paper.abstract).pieces[1:4]
        (('learning', 'memory'), (('learn', True), (' from ', False), ('memories', True)))
    """

    def __init__(self, query: Query) -> None:
        terms = dict.fromkeys(term for group in query.groups for term in group)
        self._terms = [(term, re.compile(_pattern(term))) for term in terms]
        self._shown = [pattern for term, pattern in self._terms if term.field in ("", "abstract")]

    def words(self, paper: ListedPaper) -> tuple[str, ...]:
        """The words of the query that a paper has, in this or another form."""
        fields = {
            "title": folded(paper.title),
            "authors": folded(" ; ".join(paper.authors)),
            "abstract": folded(paper.abstract),
        }
        fields[""] = "\n".join(fields.values())
        found = [term.tokens for term, pattern in self._terms if any(_spans(pattern, fields[term.field]))]
        return tuple(dict.fromkeys(token for tokens in found for token in tokens))

    def snippet(self, abstract: str) -> Snippet | None:
        """The piece of an abstract that has most of the words; None where it has none."""
        text = folded(abstract)
        spans = sorted(span for pattern in self._shown for span in _spans(pattern, text))
        if not spans:
            return None
        begin = max(spans, key=lambda span: _different(text, spans, span[0]))[0]
        start = _start(text, begin)
        end = _end(text, start)
        pieces = [("…", False)] if start else []
        at = start
        for first, last in spans:
            if first >= max(start, at) and last <= end:
                pieces += [(abstract[at:first], False), (abstract[first:last], True)]
                at = last
        pieces += [(abstract[at:end], False), ("…" if end < len(text) else "", False)]
        return Snippet(tuple((" ".join(piece.split("\n")), marked) for piece, marked in pieces if piece))


def folded(text: str) -> str:
    """A text in lower case and without accents, letter by letter, so that places stay.

    Example:
        >>> folded("Zöllner's İ")
        "zollner's i"
    """
    if text.isascii():
        return text.lower()
    return "".join(letter if letter.isascii() else _bare(letter) for letter in text).lower()


def _bare(letter: str) -> str:
    bare = unicodedata.normalize("NFKD", letter)[0]
    return bare if len(bare.lower()) == 1 else letter[0]


def _pattern(term: Term) -> str:
    words = [re.escape(token) for token in term.tokens[:-1]]
    last = term.tokens[-1]
    if term.prefix:
        words.append(re.escape(last) + r"[^\W_]*")
    else:
        base = _ENDING.sub("", last)
        words.append(re.escape(base) + _ENDINGS if len(base) > 2 else re.escape(last))
    return r"[\W_]+".join(words) + r"(?![^\W_])"


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Where a word stands whole; that its letters come first in the pattern makes looking for it quick."""
    for found in pattern.finditer(text):
        start, end = found.span()
        if start == 0 or not text[start - 1].isalnum():
            yield start, end


def _different(text: str, spans: list[tuple[int, int]], begin: int) -> int:
    """How many different words a piece has that begins there."""
    return len(
        {
            text[first : first + 4]
            for first, last in spans
            if begin <= first and last <= begin + LENGTH - BEFORE
        }
    )


def _start(text: str, begin: int) -> int:
    """The beginning of a sentence a little before a place, or of a word."""
    room = max(0, begin - BEFORE)
    if room == 0:
        return 0
    if (sentence := text.rfind(". ", room, begin)) >= 0:
        return sentence + 2
    return text.find(" ", room, begin) + 1 or begin


def _end(text: str, start: int) -> int:
    if len(text) - start <= LENGTH:
        return len(text)
    return max(text.rfind(" ", start, start + LENGTH), start + LENGTH // 2)
