"""The store of the page: one object over SQLite or PostgreSQL, with a part for each thing that is kept."""

import os
import time
from pathlib import Path

from octavo.data.places import cache_folder
from octavo.page.store.database import Clock, Database
from octavo.page.store.filters import Filters
from octavo.page.store.jobs import Job, Jobs
from octavo.page.store.ledger import Ledger, StoredRun
from octavo.page.store.listed_paper import ListedPaper
from octavo.page.store.outbox import Mail, Outbox
from octavo.page.store.papers import ORDERS, Order, Papers, Upserted
from octavo.page.store.readers import Follow, Readers
from octavo.page.store.subscribers import Subscriber, Subscribers
from octavo.page.store.votes import Vote, Votes, day_of, day_start

__all__ = [
    "ORDERS",
    "Database",
    "Filters",
    "Follow",
    "Job",
    "ListedPaper",
    "Mail",
    "Order",
    "Store",
    "StoredRun",
    "Subscriber",
    "Upserted",
    "Vote",
    "day_of",
    "day_start",
    "page_folder",
]


def page_folder() -> Path:
    """Where the page keeps its database and vectors: `OCTAVO_PAGE`, or a folder in octavo's cache."""
    named = os.environ.get("OCTAVO_PAGE")
    return Path(named).expanduser().absolute() if named else cache_folder() / "page"


class Store:
    """What the page keeps.

    Args:
        url: a database as SQLAlchemy writes it; `page.sqlite` in `folder` where it is left out.
        folder: where the vectors lie, and the embedded database.
        now: seconds since 1970, the one clock of everything that is stored.

    Example:
        >>> import tempfile
        >>> store = Store(folder=Path(tempfile.mkdtemp()))
        >>> store.papers.put([ListedPaper("2405.13956", "Attention as an RNN", "An abstract.")]).inserted
        1
        >>> store.votes.cast("somebody", "2405.13956")
        'cast'
        >>> [paper.votes for paper in store.papers.listed(order="trending")]
        [1]
    """

    def __init__(self, url: str | None = None, *, folder: Path | None = None, now: Clock = time.time) -> None:
        self.folder = folder or page_folder()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = Database(
            url or os.environ.get("OCTAVO_PAGE_DATABASE") or f"sqlite:///{self.folder / 'page.sqlite'}", now
        )
        self.database.migrate()
        self.papers = Papers(self.database)
        self.votes = Votes(self.database)
        self.readers = Readers(self.database, self.votes)
        self.subscribers = Subscribers(self.database)
        self.outbox = Outbox(self.database)
        self.jobs = Jobs(self.database)
        self.ledger = Ledger(self.database, self.votes)

    def now(self) -> float:
        """Seconds since 1970 by the store's clock."""
        return self.database.now()

    def backup(self, file: Path) -> None:
        """Writes the embedded database as it stands to a new file, while others read and write.

        Raises:
            ValueError: the database is not SQLite; PostgreSQL has `pg_dump`.
        """
        if not self.database.is_sqlite:
            raise ValueError("got a PostgreSQL store; back it up with pg_dump")
        # The driver's own connection: VACUUM refuses to run inside a transaction.
        connection = self.database.engine.raw_connection()
        try:
            connection.cursor().execute("VACUUM INTO ?", (str(file),))
        finally:
            connection.close()

    def close(self) -> None:
        """Closes all connections."""
        self.database.close()
