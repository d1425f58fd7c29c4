"""How far imports have come, and whether the jobs that should run do."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from octavo.page.store.database import Database
from octavo.page.store.tables import cursors, jobs


@dataclass(frozen=True)
class Job:
    """A job that runs every `period` seconds, when it last ended well, and what last went wrong."""

    name: str
    period: float
    last_ok: float | None = None
    last_error: str = ""
    last_error_at: float | None = None

    def late(self, now: float) -> bool:
        """Whether it has not ended well for twice its period."""
        return self.last_ok is None or now - self.last_ok > 2 * self.period


class Jobs:
    """The jobs and cursors of a store; see `octavo.page.store.Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursor(self, source: str) -> Any:
        """How far the import of a source has come, as it was saved; None before the first time."""
        with self._database.read() as connection:
            query = select(cursors.c.value).where(cursors.c.source == source)
            return connection.execute(query).scalar()

    def save_cursor(self, source: str, value: Any) -> None:
        """Saves how far the import of a source has come, as values of JSON."""
        with self._database.write() as connection:
            save_cursor(self._database, connection, source, value)

    def ended(self, name: str, period: float, error: str = "") -> None:
        """Notes that a job has ended: well, or with an error.

        Args:
            name: of the job.
            period: seconds between two of its runs.
            error: what went wrong; "" where it ended well.
        """
        now = self._database.now()
        with self._database.write() as connection:
            start = {"name": name, "period": period, "last_error": ""}
            self._database.add(connection, jobs, start)
            values = {"last_error": error[:1000], "last_error_at": now} if error else {"last_ok": now}
            connection.execute(update(jobs).where(jobs.c.name == name).values(period=period, **values))

    def all(self) -> list[Job]:
        """All jobs by name."""
        with self._database.read() as connection:
            return [
                Job(row.name, row.period, row.last_ok, row.last_error, row.last_error_at)
                for row in connection.execute(select(jobs).order_by(jobs.c.name))
            ]

    def late(self) -> list[Job]:
        """The jobs that have not ended well for twice their period."""
        now = self._database.now()
        return [job for job in self.all() if job.late(now)]


def save_cursor(database: Database, connection: Connection, source: str, value: Any) -> None:
    """As `Jobs.save_cursor`, inside a transaction."""
    database.put(connection, cursors, {"source": source, "value": value, "at": database.now()}, ("source",))
