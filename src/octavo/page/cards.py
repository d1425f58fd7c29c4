"""The cards of this library's papers, kept for a while: finding one walks all folders of papers."""

import os
import time
from functools import lru_cache

from octavo import catalogue

KEPT = 60.0
"""Seconds after which a card is read anew, for those who write one while they look at the page."""


def card(slug: str) -> catalogue.Paper:
    """The card of a paper of this library.

    Raises:
        OctavoError: there is none, or it is wrong.

    Example:
        >>> card("aaren").shelf
        'sequence'
    """
    return _card(slug, os.environ.get("OCTAVO_PAPERS", ""), int(time.monotonic() // KEPT))


@lru_cache(maxsize=512)
def _card(slug: str, _papers: str, _minute: int) -> catalogue.Paper:
    return catalogue.paper(slug)
