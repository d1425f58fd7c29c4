"""The application over a small store."""

import re
import shutil
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs octavo[page]")

from fastapi.testclient import TestClient
from tests.page.conftest import Clock

from octavo.page.ingest import import_library
from octavo.page.settings import MailSettings, Settings
from octavo.page.store import ListedPaper, Store
from octavo.page.trending import EPOCH
from octavo.page.web.app import create
from octavo.page.web.page import Page


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    mail = MailSettings(folder=tmp_path / "mails", a_second=10_000)
    return Settings("secret " * 8, "http://testserver", data=tmp_path / "page", mail=mail)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the papers of the library, made once: its ledger takes a second to judge."""
    folder = tmp_path_factory.mktemp("library")
    store = Store(folder=folder, now=lambda: EPOCH + 1000 * 3600)
    import_library(store)
    store.close()
    return folder


@pytest.fixture
def filled(library: Path, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """The library, and fifty papers of arXiv beside it."""
    shutil.copytree(library, tmp_path / "page")
    store = Store(folder=tmp_path / "page", now=clock)
    store.papers.put(
        ListedPaper(
            id=f"2401.{number:05}",
            title=f"Paper {number} in $O(n^{number})$",
            abstract=f"Abstract {number}.",
            authors=("Ada Author", "Bob Writer"),
            categories=("cs.CL",),
            published=f"2024-01-{number % 28 + 1:02}",
            updated=f"2024-01-{number % 28 + 1:02}",
            source="arxiv",
            url=f"https://arxiv.org/abs/2401.{number:05}",
        )
        for number in range(50)
    )
    yield store
    store.close()


@pytest.fixture
def store(filled: Store) -> Store:
    return filled


@pytest.fixture
def client(settings: Settings, filled: Store) -> Iterator[TestClient]:
    with TestClient(create(settings, filled), follow_redirects=False) as client:
        yield client


@pytest.fixture
def page(client: TestClient) -> Page:
    found: Page = client.app.state.page  # type: ignore[attr-defined]
    return found


@pytest.fixture
def post(client: TestClient) -> Callable[..., Any]:
    """Sends a form with the token of a page that was opened before."""

    def send(path: str, **values: Any) -> Any:
        files = values.pop("files", None)
        return client.post(path, data={"form_token": token(client), **values}, files=files)

    return send


def token(client: TestClient, path: str = "/subscribe") -> str:
    """The token of the forms of a page."""
    found = re.search(r'name="form_token" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def mails(folder: Path) -> list[EmailMessage]:
    """The mails of a file outbox, oldest first."""
    files = sorted(folder.glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]  # type: ignore[misc]
