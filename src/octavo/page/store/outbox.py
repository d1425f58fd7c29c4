"""Digests and the mails that wait to go: at most one of a digest for a subscriber, whatever crashes when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, func, or_, select, update

from octavo.page.store.database import Database
from octavo.page.store.tables import digests, outbox, subscribers

MailState = Literal["waiting", "sending", "sent", "failed", "unsure"]
GIVE_UP = 24 * 3600.0


@dataclass(frozen=True)
class Mail:
    """One mail of one digest for one subscriber; `papers` are the ids it is about."""

    id: int
    subscriber: int
    digest: int
    papers: tuple[str, ...]
    state: MailState
    tries: int
    next_at: float
    queued_at: float
    error: str = ""


class Outbox:
    """The digests and mails of a store; see `octavo.page.store.Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def digest(self, kind: str, period: str) -> int:
        """The number of a digest, made where it is not there: `("week", "2026-W32")`."""
        with self._database.write() as connection:
            values = {"kind": kind, "period": period, "created_at": self._database.now()}
            self._database.add(connection, digests, values)
            which = (digests.c.kind == kind, digests.c.period == period)
            return int(connection.execute(select(digests.c.id).where(*which)).scalar_one())

    def queue(self, subscriber: int, digest: int, papers: Sequence[str]) -> bool:
        """Puts a mail in; False where this subscriber has one of this digest, sent or not."""
        now = self._database.now()
        with self._database.write() as connection:
            values = {
                "subscriber": subscriber,
                "digest": digest,
                "papers": list(papers),
                "state": "waiting",
                "tries": 0,
                "next_at": now,
                "queued_at": now,
                "error": "",
            }
            return self._database.add(connection, outbox, values)

    def claim(self) -> Mail | None:
        """Takes the next mail that is due and marks it as being sent, before it is; None where there is none.

        Who has it calls `sent`, `later` or `failed`. A mail whose sender died in between is never sent again:
        it may have gone out; `unsure` sets it apart.
        """
        now = self._database.now()
        with self._database.write() as connection:
            due = (
                select(outbox)
                .join(subscribers, subscribers.c.id == outbox.c.subscriber)
                .where(outbox.c.state == "waiting", outbox.c.next_at <= now)
                .where(subscribers.c.state == "confirmed")
                .order_by(outbox.c.next_at, outbox.c.id)
                .limit(1)
            )
            row = connection.execute(due).first()
            if row is None:
                return None
            values = {"state": "sending", "tries": row.tries + 1}
            connection.execute(update(outbox).where(outbox.c.id == row.id).values(**values))
            row = connection.execute(select(outbox).where(outbox.c.id == row.id)).one()
        return _mail(row)

    def sent(self, mail: int) -> None:
        """The relay has taken it."""
        self._set(mail, state="sent", error="")

    def failed(self, mail: int, error: str) -> None:
        """The relay has refused it for good."""
        self._set(mail, state="failed", error=error[:500])

    def later(self, mail: int, error: str, wait: float | None = None) -> MailState:
        """It did not go out: tried again after `wait` seconds, or 1, 2, 4, ... minutes, for 24 hours."""
        now = self._database.now()
        with self._database.read() as connection:
            row = connection.execute(select(outbox).where(outbox.c.id == mail)).one()
        pause = 60.0 * 2 ** max(0, row.tries - 1) if wait is None else wait
        if now + pause > row.queued_at + GIVE_UP:
            self._set(mail, state="failed", error=error[:500])
            return "failed"
        self._set(mail, state="waiting", next_at=now + pause, error=error[:500])
        return "waiting"

    def unsure(self) -> int:
        """Sets apart mails whose sender died while it had them; called when a sender starts."""
        with self._database.write() as connection:
            left = update(outbox).where(outbox.c.state == "sending")
            return int(connection.execute(left.values(state="unsure", error="sender stopped")).rowcount)

    def _set(self, mail: int, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(update(outbox).where(outbox.c.id == mail).values(**values))

    def papers_sent(self, subscriber: int) -> set[str]:
        """The ids that a subscriber has been sent, or may have been."""
        gone = or_(*(outbox.c.state == state for state in ("sent", "sending", "unsure")))
        query = select(outbox.c.papers).where(outbox.c.subscriber == subscriber, gone)
        with self._database.read() as connection:
            return {paper for papers in connection.execute(query).scalars() for paper in papers}

    def states(self) -> dict[str, int]:
        """How many mails are in each state."""
        query = select(outbox.c.state, func.count().label("n")).group_by(outbox.c.state)
        with self._database.read() as connection:
            return {row.state: row.n for row in connection.execute(query)}

    def mails(self, digest: int) -> list[Mail]:
        """The mails of a digest in the order in which they were queued."""
        query = select(outbox).where(outbox.c.digest == digest).order_by(outbox.c.id)
        with self._database.read() as connection:
            return [_mail(row) for row in connection.execute(query)]


def _mail(row: Row[Any]) -> Mail:
    return Mail(
        row.id,
        row.subscriber,
        row.digest,
        tuple(row.papers),
        row.state,
        row.tries,
        row.next_at,
        row.queued_at,
        row.error,
    )
