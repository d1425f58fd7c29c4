"""Keyword search over the cards."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from math import log

from octavo.catalogue.card import Paper
from octavo.catalogue.find import papers

# A word of the title says more about a paper than one of its summary.
WEIGHTS = {"title": 8.0, "slug": 6.0, "tasks": 4.0, "summary": 3.0, "authors": 3.0, "claims": 1.0}
PREFIX = 0.6
"""What a word that only begins as typed is worth, against the whole word."""
MISSPELT = 0.4
"""The same for the word that is nearest to one that no paper has."""


def search(words: str, among: Iterable[Paper] | None = None) -> list[tuple[Paper, float]]:
    """The papers that a few words find, best first, each with its score.

    Case, accents and a plural's s do not matter, and the beginning of a word is enough; a word that no paper
    has is read as the nearest one. A word in the title counts most, then slug, tasks, summary and authors,
    claims. A rare word counts more than a common one; a paper that lacks one of several words falls behind.

    Args:
        words: what to look for; authors and arXiv ids are found too.
        among: where to look, all papers by default.

    Example:
        >>> [paper.slug for paper, score in search("pointer networks")][0]
        'pointer_network'
    """
    where = list(papers() if among is None else among)
    tables = [_table(paper) for paper in where]
    worth = [_worths(word, tables) for word in dict.fromkeys(_words(words))]
    rarity = [log(1 + len(where) / max(1, sum(value > 0 for value in row))) for row in worth]
    found = []
    for paper, values in zip(where, zip(*worth, strict=True), strict=False):
        score = sum(value * rare for value, rare in zip(values, rarity, strict=True))
        if score > 0:
            present = sum(value > 0 for value in values) / len(values)
            found.append((paper, score * present**2))
    return sorted(found, key=lambda pair: (-pair[1], pair[0].slug))


def _words(text: str) -> list[str]:
    """The words of a text in lower case, without accents and without a plural's s."""
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return [re.sub(r"(?<=\w\w[^\Ws])s$", "", word) for word in re.findall(r"[^\W_]+", plain.casefold())]


@lru_cache(maxsize=1024)
def _table(paper: Paper) -> dict[str, float]:
    """What each word of a paper is worth: the weight of the best field that has it, more in a short field."""
    texts = {
        "title": paper.title,
        "slug": f"{paper.slug} {paper.arxiv}",
        "tasks": f"{paper.shelf} {' '.join(paper.tasks)}",
        "summary": paper.summary,
        "authors": " ".join(paper.authors),
        "claims": " ".join(claim.says for claim in paper.claims),
    }
    table: dict[str, float] = {}
    for name, text in texts.items():
        words = _words(text)
        for word in words:
            table[word] = max(table.get(word, 0.0), WEIGHTS[name] + 1 / len(words))
    return table


def _worths(word: str, tables: list[dict[str, float]]) -> list[float]:
    """What a word that was typed is worth in each paper."""
    worths = [_worth(word, table) for table in tables]
    if any(worths) or len(word) < 4:
        return worths
    from difflib import get_close_matches

    near = get_close_matches(word, {other for table in tables for other in table}, n=1, cutoff=0.8)
    return [MISSPELT * _worth(near[0], table) for table in tables] if near else worths


def _worth(word: str, table: dict[str, float]) -> float:
    begins = max((weight for other, weight in table.items() if other.startswith(word)), default=0.0)
    return max(table.get(word, 0.0), PREFIX * begins)
