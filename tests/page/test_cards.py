"""A card is looked for once, and an unknown one is told."""

import pytest

from octavo import catalogue
from octavo.errors import OctavoError
from octavo.page.cards import card


def test_a_card_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = catalogue.paper("aaren")
    asked: list[str] = []

    def paper(slug: str) -> catalogue.Paper:
        asked.append(slug)
        return wanted

    monkeypatch.setattr("octavo.page.cards.time.monotonic", lambda: 1e9)
    monkeypatch.setattr(catalogue, "paper", paper)
    assert card("aaren") is card("aaren") is wanted
    assert asked == ["aaren"]
    # A minute later it is read anew.
    monkeypatch.setattr("octavo.page.cards.time.monotonic", lambda: 1e9 + 61)
    assert card("aaren") is wanted
    assert asked == ["aaren", "aaren"]


def test_a_card_that_is_not_there() -> None:
    with pytest.raises(OctavoError, match="no paper"):
        card("no-such-paper")
