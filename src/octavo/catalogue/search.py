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


def search(words: str, among: Iterable[Paper] | None = None) -> list[tuple[Paper, float]]:
    """The papers that a few words find, best first, each with its score.

    Case and accents do not matter, and the beginning of a word is enough. A word in the title counts most,
    then slug, tasks, summary and authors, claims; a rare word counts more than a common one, and a paper that
    lacks one of several words falls behind.

    Args:
        words: what to look for; authors and arXiv ids are found too.
        among: where to look, all papers by default.

    Example:
        >>> [paper.slug for paper, score in search("pointer networks")][0]
        'pointer_network'
    """
    wanted = list(dict.fromkeys(_words(words)))
    shelf = list(papers() if among is None else among)
    if not wanted or not shelf:
        return []
    tables = [_table(paper) for paper in shelf]
    worth = [[_worth(word, table) for table in tables] for word in wanted]
    scores: list[tuple[Paper, float]] = []
    rarity = [log(1 + len(shelf) / max(1, sum(w > 0 for w in row))) for row in worth]
    for index, paper in enumerate(shelf):
        score = sum(rare * row[index] for rare, row in zip(rarity, worth, strict=True))
        had = sum(row[index] > 0 for row in worth) / len(wanted)
        if score > 0:
            scores.append((paper, score * had**2))
    return sorted(scores, key=lambda found: (-found[1], found[0].slug))


def _words(text: str) -> list[str]:
    """The words of a text, without accents and in lower case."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", plain.casefold())


@lru_cache(maxsize=1024)
def _table(paper: Paper) -> dict[str, float]:
    """What each word of a paper is worth: the weight of the best field that holds it."""
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
        for word in _words(text):
            table[word] = max(table.get(word, 0.0), WEIGHTS[name])
    return table


def _worth(word: str, table: dict[str, float]) -> float:
    begins = max((weight for other, weight in table.items() if other.startswith(word)), default=0.0)
    return max(table.get(word, 0.0), PREFIX * begins)
