"""The tables. Times are seconds since 1970 in UTC, days are `YYYY-MM-DD`, lists are JSON."""

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from octavo.page.trending import COLD

metadata = MetaData()


def _number() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _key(name: str, letters: int = 64) -> Column[str]:
    return Column(name, String(letters), primary_key=True)


def _name(name: str, letters: int = 64) -> Column[str]:
    return Column(name, String(letters), nullable=False)


def _time(name: str) -> Column[float]:
    return Column(name, Float, nullable=False)


def _given(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


papers = Table(
    "papers",
    metadata,
    # The row number is what the full-text index and the vectors know a paper by; it never changes.
    Column("row", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("version", Integer, nullable=False, default=1),
    _given("title", Text),
    _given("abstract", Text),
    _given("authors", Text),
    _given("categories", Text),
    _name("published", 10),
    _name("updated", 10),
    _name("source", 32),
    Column("url", Text, nullable=False, default=""),
    Column("code", Text, nullable=False, default=""),
    Column("withdrawn", Boolean, nullable=False, default=False),
    Column("slug", String(64), unique=True),
    Column("shelf", String(32)),
    Column("runs", Boolean, nullable=False, default=False),
    Column("has_demo", Boolean, nullable=False, default=False),
    Column("votes", Integer, nullable=False, default=0),
    Column("heat", Float, nullable=False, default=COLD),
)
Index("papers_by_heat", papers.c.heat.desc(), papers.c.published.desc(), papers.c.row.desc())
Index("papers_by_published", papers.c.published.desc(), papers.c.row.desc())
Index("papers_by_votes", papers.c.votes.desc(), papers.c.published.desc(), papers.c.row.desc())
# Few of many papers: these indexes hold those alone.
Index("papers_by_shelf", papers.c.shelf, sqlite_where=papers.c.shelf.is_not(None))
Index("papers_of_ours", papers.c.row, sqlite_where=papers.c.slug.is_not(None))
Index("papers_with_demo", papers.c.row, sqlite_where=papers.c.has_demo.is_(True))
Index("papers_that_run", papers.c.row, sqlite_where=papers.c.runs.is_(True))

paper_categories = Table(
    "paper_categories",
    metadata,
    _key("category", 32),
    Column("row", Integer, ForeignKey("papers.row", ondelete="CASCADE"), primary_key=True),
    sqlite_with_rowid=False,
)

listings = Table(
    "listings",
    metadata,
    _key("day", 10),
    _key("paper"),
    _given("votes", Integer),
)
"""A daily list as it was saved: its votes are snapshots of that day, never added up."""

votes = Table(
    "votes",
    metadata,
    _key("subject"),
    _key("paper"),
    _time("at"),
    Column("network", String(64), nullable=False, default=""),
    Column("counted", Boolean, nullable=False, default=True),
)
Index("votes_by_time", votes.c.at)
Index("votes_by_paper", votes.c.paper)
Index("votes_by_network", votes.c.network, votes.c.at)

views = Table(
    "views",
    metadata,
    _key("paper"),
    _key("day", 10),
    _given("n", Integer),
)
seen = Table(
    "seen",
    metadata,
    _key("day", 10),
    _key("subject"),
    _key("paper"),
)
"""Who has viewed what on a day, so that a reader counts once; days that are over are forgotten."""

marks = Table(
    "marks",
    metadata,
    _key("subject"),
    _key("paper"),
    _key("tag"),
    _time("at"),
)
"""Private tags of a reader; the tag `read` is the mark of having read."""

follows = Table(
    "follows",
    metadata,
    _number(),
    _name("subject", 64),
    _name("kind", 16),
    _name("value", 400),
    _time("at"),
    UniqueConstraint("subject", "kind", "value"),
)

runs = Table(
    "runs",
    metadata,
    _number(),
    _name("paper", 64),
    _name("commit", 64),
    _name("scale", 16),
    _given("machine", Text),
    _time("at"),
    _given("description", JSON),
    UniqueConstraint("paper", "commit", "scale", "at"),
)
claims = Table(
    "claims",
    metadata,
    _key("paper"),
    _key("claim", 32),
    _given("position", Integer),
    _name("verdict", 64),
    _given("judgement", JSON),
)
Index("claims_by_verdict", claims.c.verdict, claims.c.paper)

subscribers = Table(
    "subscribers",
    metadata,
    _number(),
    Column("email", String(320), nullable=False, unique=True),
    _name("state", 16),
    _given("preferences", JSON),
    _time("created_at"),
    Column("confirmed_at", Float),
    Column("token_hash", String(64), nullable=False, default=""),
    Column("bounces", Integer, nullable=False, default=0),
)
confirmations = Table(
    "confirmations",
    metadata,
    _number(),
    _name("address_hash", 64),
    _name("network", 64),
    _time("at"),
)
"""Confirmation mails asked for, by hashed address and network: what the limits are counted from."""

used_tokens = Table(
    "used_tokens",
    metadata,
    _key("token_hash"),
    _time("at"),
)

digests = Table(
    "digests",
    metadata,
    _number(),
    _name("kind", 16),
    _name("period", 16),
    _time("created_at"),
    UniqueConstraint("kind", "period"),
)
outbox = Table(
    "outbox",
    metadata,
    _number(),
    Column("subscriber", Integer, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Integer, ForeignKey("digests.id", ondelete="CASCADE"), nullable=False),
    _given("papers", JSON),
    _name("state", 16),
    Column("tries", Integer, nullable=False, default=0),
    _time("next_at"),
    _time("queued_at"),
    Column("error", Text, nullable=False, default=""),
    UniqueConstraint("subscriber", "digest"),
)
Index("outbox_due", outbox.c.state, outbox.c.next_at)

cursors = Table(
    "cursors",
    metadata,
    _key("source", 400),
    _given("value", JSON),
    _time("at"),
)
jobs = Table(
    "jobs",
    metadata,
    _key("name"),
    _time("period"),
    Column("last_ok", Float),
    Column("last_error", Text, nullable=False, default=""),
    Column("last_error_at", Float),
)
