"""A small store with a confirmed subscriber, and the settings of a page."""

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs octavo[page]")

from octavo.page.settings import MailSettings, Settings
from octavo.page.store import ListedPaper, Store
from octavo.page.tokens import Tokens, hashed


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    mail = MailSettings(folder=tmp_path / "mails", a_second=100_000, contact="A person, a street, a town.")
    return Settings("secret " * 8, "https://papers.example", data=tmp_path / "page", mail=mail)


@pytest.fixture
def tokens(settings: Settings, store: Store) -> Tokens:
    return Tokens(settings.secret, store.now)


@pytest.fixture
def filled(store: Store) -> Store:
    store.papers.put(
        ListedPaper(
            f"2401.{number:05}", f"Paper {number}", f"About {number}.", ("Ada",), published="2024-01-01"
        )
        for number in range(30)
    )
    return store


def confirm(store: Store, email: str, **preferences: object) -> int:
    """A confirmed subscriber."""
    subscriber = store.subscribers.ask(email, hashed(email), dict(preferences))
    assert store.subscribers.confirm(subscriber.id, hashed(email))
    return subscriber.id
