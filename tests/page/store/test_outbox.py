"""At most one mail of a digest for a subscriber, whatever happens between."""

from pathlib import Path

from octavo.page.store import Store
from octavo.page.store.outbox import GIVE_UP

from ..conftest import Clock


def subscribed(store: Store, name: str = "ada") -> int:
    person = store.subscribers.ask(f"{name}@example.org", "hash")
    store.subscribers.confirm(person.id, "hash")
    return person.id


def test_queued_once_claimed_once(store: Store) -> None:
    ada = subscribed(store)
    digest = store.outbox.digest("week", "2026-W10")
    assert store.outbox.digest("week", "2026-W10") == digest
    assert store.outbox.queue(ada, digest, ["a", "b"])
    assert not store.outbox.queue(ada, digest, ["c"])
    mail = store.outbox.claim()
    assert mail is not None
    assert (mail.papers, mail.tries, mail.state) == (("a", "b"), 1, "sending")
    assert store.outbox.claim() is None
    store.outbox.sent(mail.id)
    assert not store.outbox.queue(ada, digest, ["a"])
    assert store.outbox.papers_sent(ada) == {"a", "b"}
    assert store.outbox.states() == {"sent": 1}


def test_a_sender_that_died_sends_nothing_twice(store: Store) -> None:
    ada = subscribed(store)
    digest = store.outbox.digest("day", "2026-03-01")
    store.outbox.queue(ada, digest, ["a"])
    assert store.outbox.claim() is not None
    again = Store(store.database.url, folder=Path(store.folder), now=store.database.now)
    assert again.outbox.unsure() == 1
    assert again.outbox.claim() is None
    assert not again.outbox.queue(ada, digest, ["a"])
    assert again.outbox.papers_sent(ada) == {"a"}
    again.close()


def test_tried_again_with_longer_pauses_for_a_day(store: Store, clock: Clock) -> None:
    ada = subscribed(store)
    store.outbox.queue(ada, store.outbox.digest("day", "2026-03-01"), ["a"])
    begun, pauses = clock.at, []
    for _ in range(30):
        mail = store.outbox.claim()
        assert mail is not None
        state = store.outbox.later(mail.id, "451 busy")
        if state == "failed":
            break
        assert store.outbox.claim() is None
        mail = store.outbox.mails(mail.digest)[0]
        pauses.append(mail.next_at - clock.at)
        clock.at = mail.next_at
    assert pauses == [60 * 2**n for n in range(len(pauses))]
    assert clock.at - begun <= GIVE_UP
    assert store.outbox.states() == {"failed": 1}
    assert store.outbox.papers_sent(ada) == set()


def test_who_has_left_gets_nothing(store: Store) -> None:
    ada = subscribed(store)
    store.outbox.queue(ada, store.outbox.digest("day", "2026-03-01"), ["a"])
    store.subscribers.leave(ada)
    assert store.outbox.claim() is None
