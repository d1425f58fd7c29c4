"""The migrations make the tables that the code describes."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from octavo.page import store as package
from octavo.page.store import ListedPaper, Store
from octavo.page.store.database import HEAD
from octavo.page.store.tables import metadata

MIGRATIONS = Path(package.__file__).parent / "migrations"


def test_what_is_migrated_is_what_is_described(store: Store) -> None:
    with store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, metadata)
    # The full-text index is the dialect's own, and the only thing beyond the description.
    own = [each for each in differences if str(each[0]).startswith("remove_") and "papers_" in str(each)]
    assert [each for each in differences if each not in own and "words" not in str(each)] == []


def test_the_newest_migration_is_known() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_opening_again_changes_nothing(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)
    again = Store(store.database.url, folder=store.folder)
    assert again.papers.count() == 6
    with again.database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        if again.database.is_sqlite:
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    again.close()
