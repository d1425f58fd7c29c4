"""The database that all parts of the store share: its connections, its clock, its dialect."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, literal, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

from octavo.errors import OctavoError

HEAD = "0001"
"""The newest migration, so that a store that is up to date does not import Alembic."""

MAPPED = 1 << 30
"""Bytes of an SQLite file that are read as memory."""
_BULK = {"mmap_size": (MAPPED, 0), "wal_autocheckpoint": (1000, 16384)}
"""Settings of SQLite as usual, and where much is written: a small process, and few waits for the disk."""
Clock = Callable[[], float]


class Database:
    """Connections to SQLite or PostgreSQL.

    Args:
        url: as SQLAlchemy writes it: `sqlite:///page.sqlite`, `postgresql+psycopg://...`.
        now: seconds since 1970; tests put their own clock here.
    """

    def __init__(self, url: str, now: Clock = time.time) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise OctavoError(f"The store is SQLite or PostgreSQL, got {parsed.get_backend_name()!r}.")
        self.url = url
        self.now = now
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database not in (None, "", ":memory:"):
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"connect_args": {"check_same_thread": False}} if self.is_sqlite else {}
        self.engine: Engine = create_engine(url, pool_size=16, max_overflow=32, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    def migrate(self) -> None:
        """Brings the tables to the newest form; a store that has it is left alone."""
        with self.engine.connect() as connection:
            if inspect(connection).has_table("alembic_version"):
                at = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
                if at == HEAD:
                    return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *, bulk: bool = False) -> Iterator[Connection]:
        """A transaction that holds the one writer's place from its start; an error undoes all of it.

        Args:
            bulk: it writes much, by the settings for that.
        """
        options = {"writes": True, "bulk": bulk}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            if not self.is_sqlite:
                # One writer at a time, as in SQLite: what a transaction reads is what it then changes.
                connection.execute(text("SELECT pg_advisory_xact_lock(8765)"))
            yield connection

    def insert(self, table: Table) -> Any:
        """An insert that can be told what to do on a conflict, in this dialect."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def add(self, connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
        """Inserts a row where none has its key; False where one has."""
        statement = self.insert(table).values(**values).on_conflict_do_nothing()
        # Asking for something back tells on both databases whether a row went in; their counts do not.
        return connection.execute(statement.returning(literal(1))).first() is not None

    def put(
        self, connection: Connection, table: Table, values: Mapping[str, Any], key: Sequence[str]
    ) -> None:
        """Inserts a row, or replaces the other columns of the one that has its key."""
        statement = self.insert(table).values(**values)
        rest = {name: value for name, value in values.items() if name not in key}
        connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=rest))

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # SQLAlchemy's begin decides what begins; the driver's own BEGIN comes too late for a writer.
    connection.isolation_level = None
    for pragma in (
        "busy_timeout=5000",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-65536",
        f"mmap_size={MAPPED}",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes, bulk = options.get("writes"), options.get("bulk", False)
    if bulk != connection.info.get("bulk", False):
        connection.info["bulk"] = bulk
        for name, values in _BULK.items():
            connection.exec_driver_sql(f"PRAGMA {name}={values[bulk]}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
