"""Who gets the digest: addresses, their state and preferences, and the limits on asking for confirmations."""

from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Row, delete, func, or_, select, update

from octavo.page.store.database import Database
from octavo.page.store.tables import confirmations, subscribers, used_tokens

State = Literal["asked", "confirmed", "left", "suppressed"]
DAY = 86400.0


@dataclass(frozen=True)
class Subscriber:
    """One address and what its owner wants.

    Args:
        state: `asked` until the link of the mail is confirmed, `confirmed`, `left` after unsubscribing,
            `suppressed` after mail came back for good.
        preferences: such as `{"every": "week", "at_most": 10}`.
        token_hash: of the link that confirms it, "" when none is open.
        bounces: mails in a row that came back for good.
    """

    id: int
    email: str
    state: State
    preferences: dict[str, Any] = field(default_factory=dict)
    created_at: float = 0.0
    confirmed_at: float | None = None
    token_hash: str = ""
    bounces: int = 0

    @property
    def subject(self) -> str:
        """The name under which its follows are kept."""
        return f"subscriber:{self.id}"


class Subscribers:
    """The subscribers of a store; see `octavo.page.store.Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id: int) -> Subscriber | None:
        """A subscriber by number."""
        return self._one(subscribers.c.id == id)

    def by_email(self, email: str) -> Subscriber | None:
        """A subscriber by address, as it was normalised."""
        return self._one(subscribers.c.email == email)

    def by_token(self, token_hash: str) -> Subscriber | None:
        """Who waits to confirm with the link of this token."""
        if not token_hash:
            return None
        return self._one((subscribers.c.token_hash == token_hash) & (subscribers.c.state == "asked"))

    def _one(self, condition: Any) -> Subscriber | None:
        with self._database.read() as connection:
            row = connection.execute(select(subscribers).where(condition)).first()
        return None if row is None else _subscriber(row)

    def confirmed(self, after: int = 0, limit: int = 500) -> list[Subscriber]:
        """Those who get mail, by number, behind the number `after`."""
        query = select(subscribers).where(subscribers.c.state == "confirmed", subscribers.c.id > after)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(subscribers.c.id).limit(limit))
            return [_subscriber(row) for row in rows]

    def ask(self, email: str, token_hash: str, preferences: dict[str, Any] | None = None) -> Subscriber:
        """Notes that an address was given; a confirmed one stays confirmed, any other waits for its link.

        Args:
            email: the normalised address.
            token_hash: hash of the link's token.
            preferences: what was chosen on the form; those that are there stay where it is None.
        """
        with self._database.write() as connection:
            old = connection.execute(select(subscribers).where(subscribers.c.email == email)).first()
            if old is None:
                values = {
                    "email": email,
                    "state": "asked",
                    "preferences": preferences or {},
                    "created_at": self._database.now(),
                    "token_hash": token_hash,
                }
                connection.execute(subscribers.insert().values(**values))
            elif old.state != "confirmed":
                values = {"state": "asked", "token_hash": token_hash, "created_at": self._database.now()}
                if preferences is not None:
                    values["preferences"] = preferences
                connection.execute(update(subscribers).where(subscribers.c.id == old.id).values(**values))
            row = connection.execute(select(subscribers).where(subscribers.c.email == email)).one()
        return _subscriber(row)

    def confirm(self, id: int, token_hash: str) -> bool:
        """Confirms an address with the link that was last sent to it, once; False for any other."""
        with self._database.write() as connection:
            open_one = (
                subscribers.c.id == id,
                subscribers.c.state == "asked",
                subscribers.c.token_hash == token_hash,
                subscribers.c.token_hash != "",
            )
            values = {"state": "confirmed", "confirmed_at": self._database.now(), "token_hash": ""}
            changed = connection.execute(update(subscribers).where(*open_one).values(**values, bounces=0))
            return bool(changed.rowcount)

    def leave(self, id: int) -> bool:
        """Unsubscribes, at once and as often as one likes; False where there is no such subscriber."""
        with self._database.write() as connection:
            chosen = update(subscribers).where(subscribers.c.id == id)
            return bool(connection.execute(chosen.values(state="left", token_hash="")).rowcount)

    def prefer(self, id: int, preferences: dict[str, Any]) -> bool:
        """Sets the preferences; False where there is no such subscriber."""
        with self._database.write() as connection:
            chosen = update(subscribers).where(subscribers.c.id == id)
            return bool(connection.execute(chosen.values(preferences=preferences)).rowcount)

    def bounced(self, id: int, for_good: bool, suppress_after: int = 2) -> State | None:
        """Notes how a mail went: one that was refused for good counts, one that arrived begins anew."""
        with self._database.write() as connection:
            row = connection.execute(select(subscribers).where(subscribers.c.id == id)).first()
            if row is None:
                return None
            bounces = row.bounces + 1 if for_good else 0
            gone = bounces >= suppress_after and row.state == "confirmed"
            state: State = "suppressed" if gone else row.state
            chosen = update(subscribers).where(subscribers.c.id == id)
            connection.execute(chosen.values(bounces=bounces, state=state))
        return state

    def forget(self, id: int) -> bool:
        """Deletes an address and the mails that wait for it."""
        with self._database.write() as connection:
            return bool(connection.execute(delete(subscribers).where(subscribers.c.id == id)).rowcount)

    def forget_unconfirmed(self, older_than: float = 30 * DAY) -> int:
        """Deletes addresses that were never confirmed or have left, after 30 days; returns how many."""
        before = self._database.now() - older_than
        with self._database.write() as connection:
            stale = or_(subscribers.c.state == "asked", subscribers.c.state == "left")
            gone = connection.execute(delete(subscribers).where(stale, subscribers.c.created_at < before))
            connection.execute(delete(confirmations).where(confirmations.c.at < self._database.now() - DAY))
            connection.execute(delete(used_tokens).where(used_tokens.c.at < before))
            return int(gone.rowcount)

    def may_confirm(
        self, address_hash: str, network: str, per_day: int = 3, per_hour_and_network: int = 10
    ) -> bool:
        """Whether one more confirmation mail may go out, which this counts when it says yes."""
        now = self._database.now()
        with self._database.write() as connection:
            count = select(func.count()).select_from(confirmations)
            mine = count.where(confirmations.c.address_hash == address_hash, confirmations.c.at > now - DAY)
            theirs = count.where(confirmations.c.network == network, confirmations.c.at > now - 3600)
            if connection.execute(mine).scalar_one() >= per_day:
                return False
            if connection.execute(theirs).scalar_one() >= per_hour_and_network:
                return False
            connection.execute(
                confirmations.insert().values(address_hash=address_hash, network=network, at=now)
            )
        return True

    def use_token(self, token_hash: str) -> bool:
        """Uses up a token; False where it had been used."""
        with self._database.write() as connection:
            values = {"token_hash": token_hash, "at": self._database.now()}
            return self._database.add(connection, used_tokens, values)


def _subscriber(row: Row[Any]) -> Subscriber:
    return Subscriber(
        row.id,
        row.email,
        row.state,
        dict(row.preferences),
        row.created_at,
        row.confirmed_at,
        row.token_hash,
        row.bounces,
    )
