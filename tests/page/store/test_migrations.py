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
    added = [each for each in differences if not str(each[1]).startswith("Table('papers_fts")]
    assert [each for each in added if "remove_table" not in each[0]] == []


def test_the_newest_migration_is_known() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_opening_again_changes_nothing(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)
    again = Store(folder=store.folder)
    assert again.papers.count() == 6
    with again.database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    again.close()
