"""A store in a folder of its own, with a clock that the test turns."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs octavo[page]")

from octavo.page.store import ListedPaper, Store
from octavo.page.store.database import Database
from octavo.page.trending import EPOCH

POSTGRESQL = os.environ.get("OCTAVO_TEST_POSTGRESQL", "")
"""A database that the tests may empty, as `postgresql+psycopg://user@host/name`."""


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


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """A store on each of the databases, PostgreSQL where `OCTAVO_TEST_POSTGRESQL` names one."""
    url = None
    if request.param == "postgresql":
        if not POSTGRESQL:
            pytest.skip("needs OCTAVO_TEST_POSTGRESQL, a database that may be emptied")
        with Database(POSTGRESQL).write() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        url = POSTGRESQL
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
