"""What a reader keeps: read marks, private tags, follows; exported, imported and deleted as one."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from sqlalchemy import delete, select

from octavo.errors import OctavoError
from octavo.page.store.database import Database
from octavo.page.store.tables import follows, marks, papers, seen, votes
from octavo.page.store.votes import Votes

READ = "read"
FollowKind = Literal["search", "author", "shelf"]


@dataclass(frozen=True)
class Follow:
    """A search, an author or a shelf that a reader follows."""

    id: int
    subject: str
    kind: FollowKind
    value: str
    at: float


class Readers:
    """What readers keep in a store; see `octavo.page.store.Store`."""

    def __init__(self, database: Database, log: Votes) -> None:
        self._database = database
        self._log = log

    def tag(self, subject: str, paper: str, tag: str = READ) -> None:
        """Puts a private tag on a paper; `read` marks it as read.

        Raises:
            OctavoError: the tag is empty or longer than 64 letters.
        """
        tag = " ".join(tag.split())
        if not 0 < len(tag) <= 64:
            raise OctavoError(f"A tag has 1 to 64 letters, got {len(tag)}.")
        with self._database.write() as connection:
            values = {"subject": subject, "paper": paper, "tag": tag, "at": self._database.now()}
            self._database.add(connection, marks, values)

    def untag(self, subject: str, paper: str, tag: str = READ) -> bool:
        """Takes a tag off; False where it was not there."""
        with self._database.write() as connection:
            which = (marks.c.subject == subject, marks.c.paper == paper, marks.c.tag == tag)
            return bool(connection.execute(delete(marks).where(*which)).rowcount)

    def tags(self, subject: str) -> dict[str, list[str]]:
        """The tags of a reader, each with its papers, newest first."""
        query = select(marks).where(marks.c.subject == subject).order_by(marks.c.at.desc())
        found: dict[str, list[str]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.tag, []).append(row.paper)
        return found

    def follow(self, subject: str, kind: FollowKind, value: str) -> Follow:
        """Follows a search, an author or a shelf; following again changes nothing.

        Args:
            subject: the reader; for a digest, the subscriber as `subscriber:ID`.
            kind: what is followed.
            value: the search as it was typed, the author's name, the shelf.

        Raises:
            OctavoError: an unknown kind, or nothing or too much to follow.
        """
        value = " ".join(value.split())
        if kind not in get_args(FollowKind) or not 0 < len(value) <= 400:
            raise OctavoError(
                f"One follows a search, an author or a shelf of 1 to 400 letters, got {kind!r}."
            )
        with self._database.write() as connection:
            values = {"subject": subject, "kind": kind, "value": value, "at": self._database.now()}
            self._database.add(connection, follows, values)
            mine = (follows.c.subject == subject, follows.c.kind == kind, follows.c.value == value)
            row = connection.execute(select(follows).where(*mine)).one()
        return Follow(row.id, row.subject, row.kind, row.value, row.at)

    def unfollow(self, subject: str, follow: int) -> bool:
        """Stops following; False where this reader does not follow it."""
        with self._database.write() as connection:
            which = (follows.c.subject == subject, follows.c.id == follow)
            return bool(connection.execute(delete(follows).where(*which)).rowcount)

    def follows(self, subject: str) -> list[Follow]:
        """What a reader follows, oldest first."""
        query = select(follows).where(follows.c.subject == subject).order_by(follows.c.id)
        with self._database.read() as connection:
            return [
                Follow(row.id, row.subject, row.kind, row.value, row.at) for row in connection.execute(query)
            ]

    def export(self, subject: str) -> dict[str, Any]:
        """All that the store keeps of a reader, as plain values."""
        cast = [vote for vote in self._log.log() if vote.subject == subject]
        return {
            "votes": [{"paper": vote.paper, "at": vote.at} for vote in cast],
            "tags": self.tags(subject),
            "follows": [
                {name: value for name, value in asdict(follow).items() if name in ("kind", "value")}
                for follow in self.follows(subject)
            ],
        }

    def restore(self, subject: str, kept: dict[str, Any]) -> None:
        """Puts back what `export` gave: tags and follows, and votes that are new without counting them."""
        for tag, ids in reversed(kept.get("tags", {}).items()):
            for paper in reversed(ids):
                self.tag(subject, paper, tag)
        for follow in kept.get("follows", ()):
            self.follow(subject, follow["kind"], follow["value"])
        with self._database.write() as connection:
            for vote in kept.get("votes", ()):
                if connection.execute(select(papers.c.row).where(papers.c.id == vote["paper"])).first():
                    values = {"subject": subject, "network": "", "counted": False, **vote}
                    self._database.add(connection, votes, values)

    def forget(self, subject: str) -> None:
        """Deletes all that is kept of a reader; the order of papers is as if the votes had not been cast."""
        with self._database.write() as connection:
            voted = list(
                connection.execute(select(votes.c.paper).where(votes.c.subject == subject)).scalars()
            )
            for table in (votes, marks, follows, seen):
                connection.execute(delete(table).where(table.c.subject == subject))
            for paper in voted:
                self._log.reheat(connection, paper)
