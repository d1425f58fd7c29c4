"""Votes and views, which warm a paper; the guard against bursts; what an audit finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, select, update

from octavo.page import trending
from octavo.page.store.database import Database
from octavo.page.store.tables import papers, runs, seen, views, votes

PER_HOUR = 20
"""Votes that one subject may cast in an hour."""
NEW_PER_NETWORK = 5
"""New subjects of one network in an hour whose votes count."""
HOUR = 3600.0

Outcome = Literal["cast", "again", "too many", "no such paper"]


@dataclass(frozen=True)
class Vote:
    """One line of the vote log; a vote that does not count is kept for the audit."""

    subject: str
    paper: str
    at: float
    network: str = ""
    counted: bool = True


def day_of(at: float) -> str:
    """The UTC day of a time.

    Example:
        >>> day_of(0.0)
        '1970-01-01'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def day_start(day: str) -> float:
    """The time at which a UTC day begins."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


class Votes:
    """Votes and views of a store; see `octavo.page.store.Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cast(self, subject: str, paper: str, network: str = "") -> Outcome:
        """Casts a vote; the new order stands when this returns.

        Args:
            subject: who votes, a hash or a random name, never an address.
            paper: its id.
            network: a hash of the network that the vote comes from.

        Returns:
            `cast`; `again` where the subject had voted for it; `too many` in this hour; `no such paper`.
        """
        now = self._database.now()
        with self._database.write() as connection:
            row = connection.execute(select(papers.c.heat).where(papers.c.id == paper)).first()
            if row is None:
                return "no such paper"
            mine = votes.c.subject == subject
            if connection.execute(select(votes.c.at).where(mine, votes.c.paper == paper)).first():
                return "again"
            recent = select(func.count()).select_from(votes).where(mine, votes.c.at > now - HOUR)
            if connection.execute(recent).scalar_one() >= PER_HOUR:
                return "too many"
            counted = not network or self._counts(connection, subject, network, now)
            values = {"subject": subject, "paper": paper, "at": now, "network": network, "counted": counted}
            connection.execute(votes.insert().values(**values))
            if counted:
                heat = trending.warmed(row.heat, trending.VOTE, now)
                chosen = update(papers).where(papers.c.id == paper)
                connection.execute(chosen.values(votes=papers.c.votes + 1, heat=heat))
        return "cast"

    def _counts(self, connection: Connection, subject: str, network: str, now: float) -> bool:
        """Whether the votes of a subject count: it is known, or one of the first new ones of its network."""
        first = select(func.min(votes.c.at)).where(votes.c.subject == subject)
        since = connection.execute(first).scalar()
        if since is not None:
            kept = select(votes.c.counted).where(votes.c.subject == subject, votes.c.at == since)
            return bool(connection.execute(kept).scalar())
        begun = select(func.min(votes.c.at).label("begun")).where(votes.c.network == network)
        begun_by = begun.group_by(votes.c.subject).subquery()
        new = select(func.count()).select_from(begun_by).where(begun_by.c.begun > now - HOUR)
        return int(connection.execute(new).scalar_one()) < NEW_PER_NETWORK

    def withdraw(self, subject: str, paper: str) -> bool:
        """Takes a vote back; False where there was none."""
        with self._database.write() as connection:
            mine = (votes.c.subject == subject, votes.c.paper == paper)
            row = connection.execute(select(votes.c.counted).where(*mine)).first()
            if row is None:
                return False
            connection.execute(delete(votes).where(*mine))
            self.reheat(connection, paper)
        return True

    def of(self, subject: str) -> list[str]:
        """The ids that a subject has voted for, newest first."""
        query = select(votes.c.paper).where(votes.c.subject == subject).order_by(votes.c.at.desc())
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def log(self, paper: str | None = None) -> list[Vote]:
        """The vote log in order of time, of one paper or of all."""
        query = select(votes).order_by(votes.c.at, votes.c.subject)
        if paper is not None:
            query = query.where(votes.c.paper == paper)
        with self._database.read() as connection:
            return [
                Vote(row.subject, row.paper, row.at, row.network, row.counted)
                for row in connection.execute(query)
            ]

    def view(self, subject: str, paper: str) -> bool:
        """Counts a reader's view, once a day; False where it had been counted or there is no such paper."""
        return self.view_all([(subject, paper)]) == 1

    def view_all(self, pairs: Sequence[tuple[str, str]]) -> int:
        """Counts the views of some (subject, paper) pairs in one transaction; returns how many were new."""
        day = day_of(self._database.now())
        with self._database.write() as connection:
            counted = sum(self._view(connection, day, subject, paper) for subject, paper in pairs)
            # Days that are over: their readers are forgotten, their numbers stay.
            connection.execute(delete(seen).where(seen.c.day < day))
        return counted

    def _view(self, connection: Connection, day: str, subject: str, paper: str) -> bool:
        row = connection.execute(select(papers.c.heat).where(papers.c.id == paper)).first()
        if row is None:
            return False
        if not self._database.add(connection, seen, {"day": day, "subject": subject, "paper": paper}):
            return False
        more = self._database.insert(views).values(paper=paper, day=day, n=1)
        again = more.on_conflict_do_update(index_elements=["paper", "day"], set_={"n": views.c.n + 1})
        connection.execute(again)
        heat = trending.warmed(row.heat, trending.VIEW, day_start(day))
        connection.execute(update(papers).where(papers.c.id == paper).values(heat=heat))
        return True

    def reheat(self, connection: Connection, paper: str) -> float:
        """Computes a paper's votes and heat anew from the logs."""
        events, counted = self._events(connection, paper)
        heat = trending.heat_of(events)
        connection.execute(update(papers).where(papers.c.id == paper).values(heat=heat, votes=counted))
        return heat

    def _events(self, connection: Connection, paper: str) -> tuple[list[tuple[float, float]], int]:
        voted = select(votes.c.at).where(votes.c.paper == paper, votes.c.counted.is_(True))
        viewed = select(views.c.day, views.c.n).where(views.c.paper == paper)
        ran = select(runs.c.at).where(runs.c.paper == paper)
        events = [(trending.VOTE, at) for at in connection.execute(voted).scalars()]
        counted = len(events)
        events += [(trending.VIEW * row.n, day_start(row.day)) for row in connection.execute(viewed)]
        events += [(trending.RUN, at) for at in connection.execute(ran).scalars()]
        return events, counted

    def audit(self) -> dict[str, Any]:
        """What looks wrong: heats that the logs do not give, and networks and subjects with bursts.

        Returns:
            `wrong_heat`: ids with the stored and the recomputed H; `not_counted`: votes that the guard holds
            back, by network; `busiest`: the subjects with most votes, as (subject, votes).
        """
        wrong = []
        with self._database.read() as connection:
            touched = set(
                connection.execute(select(papers.c.id).where(papers.c.heat > trending.COLD)).scalars()
            )
            touched |= set(
                connection.execute(select(votes.c.paper).where(votes.c.counted.is_(True))).scalars()
            )
            for paper in sorted(touched):
                events, counted = self._events(connection, paper)
                row = connection.execute(
                    select(papers.c.heat, papers.c.votes).where(papers.c.id == paper)
                ).first()
                heat = trending.heat_of(events)
                if row is not None and (abs(row.heat - heat) > 1e-6 or row.votes != counted):
                    wrong.append({"paper": paper, "stored": row.heat, "recomputed": heat})
            held = (
                select(votes.c.network, func.count().label("n"))
                .where(votes.c.counted.is_(False))
                .group_by(votes.c.network)
            )
            n = func.count().label("n")
            busiest = select(votes.c.subject, n).group_by(votes.c.subject).order_by(n.desc()).limit(10)
            return {
                "wrong_heat": wrong,
                "not_counted": {row.network: row.n for row in connection.execute(held)},
                "busiest": [(row.subject, row.n) for row in connection.execute(busiest)],
            }
