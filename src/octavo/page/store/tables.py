"""The tables. Times are seconds since 1970 in UTC, days are `YYYY-MM-DD`, lists are JSON."""

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

papers = Table(
    "papers",
    metadata,
    # The row number is what the full-text index and the vectors know a paper by; it never changes.
    Column("row", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("version", Integer, nullable=False, default=1),
    Column("title", Text, nullable=False),
    Column("abstract", Text, nullable=False),
    Column("authors", Text, nullable=False),
    Column("categories", Text, nullable=False),
    Column("published", String(10), nullable=False),
    Column("updated", String(10), nullable=False),
    Column("source", String(32), nullable=False),
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
    Column("category", String(32), primary_key=True),
    Column("row", Integer, ForeignKey("papers.row", ondelete="CASCADE"), primary_key=True),
    sqlite_with_rowid=False,
)

listings = Table(
    "listings",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("paper", String(64), primary_key=True),
    Column("votes", Integer, nullable=False),
)
"""A daily list as it was saved: its votes are snapshots of that day, never added up."""

votes = Table(
    "votes",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("paper", String(64), primary_key=True),
    Column("at", Float, nullable=False),
    Column("network", String(64), nullable=False, default=""),
    Column("counted", Boolean, nullable=False, default=True),
)
Index("votes_by_time", votes.c.at)
Index("votes_by_paper", votes.c.paper)
Index("votes_by_network", votes.c.network, votes.c.at)

views = Table(
    "views",
    metadata,
    Column("paper", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("n", Integer, nullable=False),
)
seen = Table(
    "seen",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("paper", String(64), primary_key=True),
)
"""Who has viewed what on a day, so that a reader counts once; days that are over are forgotten."""

marks = Table(
    "marks",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("paper", String(64), primary_key=True),
    Column("tag", String(64), primary_key=True),
    Column("at", Float, nullable=False),
)
"""Private tags of a reader; the tag `read` is the mark of having read."""

follows = Table(
    "follows",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("subject", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", String(400), nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("subject", "kind", "value"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("paper", String(64), nullable=False),
    Column("commit", String(64), nullable=False),
    Column("scale", String(16), nullable=False),
    Column("machine", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("description", JSON, nullable=False),
    UniqueConstraint("paper", "commit", "scale", "at"),
)
claims = Table(
    "claims",
    metadata,
    Column("paper", String(64), primary_key=True),
    Column("claim", String(32), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("verdict", String(64), nullable=False),
    Column("judgement", JSON, nullable=False),
)
Index("claims_by_verdict", claims.c.verdict, claims.c.paper)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("preferences", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("confirmed_at", Float),
    Column("token_hash", String(64), nullable=False, default=""),
    Column("bounces", Integer, nullable=False, default=0),
)
confirmations = Table(
    "confirmations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("address_hash", String(64), nullable=False),
    Column("network", String(64), nullable=False),
    Column("at", Float, nullable=False),
)
"""Confirmation mails asked for, by hashed address and network: what the limits are counted from."""

used_tokens = Table(
    "used_tokens",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("at", Float, nullable=False),
)

digests = Table(
    "digests",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("period", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("kind", "period"),
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("subscriber", Integer, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Integer, ForeignKey("digests.id", ondelete="CASCADE"), nullable=False),
    Column("papers", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("next_at", Float, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("error", Text, nullable=False, default=""),
    UniqueConstraint("subscriber", "digest"),
)
Index("outbox_due", outbox.c.state, outbox.c.next_at)

cursors = Table(
    "cursors",
    metadata,
    Column("source", String(400), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("at", Float, nullable=False),
)
jobs = Table(
    "jobs",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("period", Float, nullable=False),
    Column("last_ok", Float),
    Column("last_error", Text, nullable=False, default=""),
    Column("last_error_at", Float),
)
