"""What a person typed, as a query: words, "phrases", -without, OR, author:, title:, in:cs.CL, since:2020.

Text of a person never reaches the database's own query language: it is cut into tokens of letters and digits
here, each is quoted, and operators come from this parser alone.
"""

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import Literal

from octavo.page.store.filters import Filters

Field = Literal["", "title", "authors", "abstract"]
MAX_LETTERS = 1000
MAX_TERMS = 48
_FIELDS: dict[str, Field] = {
    "title": "title",
    "author": "authors",
    "authors": "authors",
    "abstract": "abstract",
}
_FILTERS = ("in", "category", "since", "until", "verdict", "shelf", "has")
_STOPPED = """
a an the of in and or to for on at by is are be with as from that this which what how have has been it its was
were can do does any there who when where
"""
_STOP = frozenset(_STOPPED.split())
_TOKEN = re.compile(r"[^\W_]+")
_PART = re.compile(r'(-)?(?:([A-Za-z]+):)?(?:"([^"]*)"|(\S+))')
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?$")
_ARXIV = re.compile(
    r"(?:arxiv:|https?://arxiv\.org/(?:abs|pdf)/)?(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(v\d+)?$"
)


@dataclass(frozen=True)
class Term:
    """One word, or the words of a phrase that must stand side by side.

    Args:
        tokens: in lower case, letters and digits only.
        field: where they must be; anywhere for "".
        required: a paper without it is not found.
        prefix: the last token may go on.
    """

    tokens: tuple[str, ...]
    field: Field = ""
    required: bool = False
    prefix: bool = False


@dataclass(frozen=True)
class Query:
    """A query as it was understood.

    Args:
        text: what is encoded for the search by meaning: the words without operators.
        groups: the terms of one group are alternatives (`this OR that`).
        without: terms that a paper must not have.
        filters: what the query's own filters say.
        id: an arXiv id, where the whole query is one.
    """

    text: str
    groups: tuple[tuple[Term, ...], ...] = ()
    without: tuple[Term, ...] = ()
    filters: Filters = field(default_factory=Filters)
    id: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The distinct tokens that are looked for."""
        return tuple(dict.fromkeys(token for group in self.groups for term in group for token in term.tokens))

    @property
    def empty(self) -> bool:
        """Whether nothing is looked for; filters may narrow all the same."""
        return not self.groups and self.id is None


def parse(typed: str, filters: Filters | None = None, *, prefix: bool = False) -> Query:
    """Reads what a person typed; there is no wrong query.

    Args:
        typed: the text, of which the first 1000 letters count.
        filters: those of the form, which give way to those in the text.
        prefix: whether the last word may go on, as while one types.

    Example:
        >>> query = parse('"attention as" rnn -vision author:feng in:cs.LG')
        >>> [[term.tokens for term in group] for group in query.groups]
        [[('attention', 'as')], [('rnn',)], [('feng',)]]
        >>> query.without[0].tokens, query.filters.category
        (('vision',), 'cs.LG')
    """
    typed = unicodedata.normalize("NFKC", typed[:MAX_LETTERS])
    if match := _ARXIV.match(typed.strip()):
        return Query(typed.strip(), id=match[1], filters=filters or Filters())
    found = filters or Filters()
    groups: list[list[Term]] = []
    without: list[Term] = []
    plain: list[str] = []
    alternative = False
    for match in _PART.finditer(typed):
        minus, name, phrase, word = match.groups()
        value = phrase if phrase is not None else word
        key = (name or "").lower()
        if key in _FILTERS and value:
            found = _filtered(found, key, value)
            continue
        if name and key not in _FIELDS:
            # `http://...` or `Name: subtitle` is text.
            value = f"{name} {value}"
        if value == "OR" and phrase is None and not name:
            alternative = bool(groups)
            continue
        if value in ("AND", "NOT") and phrase is None:
            continue
        tokens = tokenise(value)
        if not tokens:
            continue
        exact = phrase is not None or (len(tokens) > 1 and key in _FIELDS)
        required = exact or key in _FIELDS
        terms = (
            [Term(tuple(tokens[:12]), _FIELDS.get(key, ""), required)]
            if exact
            else [Term((token,), _FIELDS.get(key, ""), required) for token in tokens]
        )
        if minus:
            without += terms
            continue
        if key not in ("author", "authors"):
            plain.append(value)
        if alternative:
            groups[-1] += terms
        else:
            groups += [[term] for term in terms]
        alternative = False
    meant = [
        group for group in groups if len(group) > 1 or group[0].required or group[0].tokens[0] not in _STOP
    ]
    kept = (meant or groups)[:MAX_TERMS]
    if prefix and kept and typed[-1:].isalnum() and not kept[-1][-1].required:
        kept[-1][-1] = replace(kept[-1][-1], prefix=True)
    return Query(
        " ".join(" ".join(plain).split()),
        tuple(tuple(group) for group in kept),
        tuple(without[:MAX_TERMS]),
        found,
    )


def tokenise(text: str) -> list[str]:
    """The runs of letters and digits of a text, in lower case, without accents.

    Example:
        >>> tokenise("Zöllner's GPT-4")
        ['zollner', 's', 'gpt', '4']
    """
    if not text.isascii():
        letters = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return [token[:64] for token in _TOKEN.findall(text.casefold())]


def _filtered(filters: Filters, key: str, value: str) -> Filters:
    if key in ("in", "category"):
        return replace(filters, category=value)
    if key in ("since", "until") and _DAY.match(value):
        end = {4: "-12-31", 7: "-31", 10: ""} if key == "until" else {4: "-01-01", 7: "-01", 10: ""}
        day = value + end[len(value)]
        return replace(filters, since=day) if key == "since" else replace(filters, until=day)
    if key == "verdict":
        return replace(filters, verdict=value.lower())
    if key == "shelf":
        return replace(filters, shelf=value.lower())
    if key == "has" and value.lower() == "demo":
        return replace(filters, has_demo=True)
    return filters
