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
from octavo.page.settings import Limits, MailSettings, Rate, Settings
from octavo.page.store import ListedPaper, Store
from octavo.page.web.app import create
from octavo.page.web.page import Page


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    mail = MailSettings(folder=tmp_path / "mails", a_second=10_000)
    return Settings("secret " * 8, "http://testserver", data=tmp_path / "page", mail=mail)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the library and fifty papers of arXiv, made once: its ledger takes a second to judge."""
    folder = tmp_path_factory.mktemp("library")
    store = Store(folder=folder, now=Clock())
    import_library(store)
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
    store.close()
    return folder


@pytest.fixture
def filled(library: Path, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """A copy of it that a test may change."""
    shutil.copytree(library, tmp_path / "page")
    store = Store(folder=tmp_path / "page", now=clock)
    yield store
    store.close()


@pytest.fixture(scope="session")
def still(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application over a copy that no test changes."""
    folder = tmp_path_factory.mktemp("still") / "page"
    shutil.copytree(library, folder)
    store = Store(folder=folder, now=Clock())
    free = Rate(10**9, 60)
    settings = Settings(
        "secret " * 8, "http://testserver", data=folder, limits=Limits(free, free, free, free, free, free)
    )
    with TestClient(create(settings, store), follow_redirects=False) as client:
        yield client
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
