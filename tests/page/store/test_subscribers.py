"""Addresses: asked, confirmed by the last link only, left at once, suppressed, forgotten."""

from octavo.page.store import Store

from ..conftest import Clock


def test_the_way_of_an_address(store: Store) -> None:
    people = store.subscribers
    asked = people.ask("ada@example.org", "first", {"every": "day"})
    again = people.ask("ada@example.org", "second")
    assert (asked.id, asked.preferences) == (again.id, again.preferences)
    assert not people.confirm(asked.id, "first")
    assert not people.confirm(asked.id, "")
    assert people.confirm(asked.id, "second")
    assert not people.confirm(asked.id, "second")
    # Asking for a confirmed address opens no link that could be misused.
    assert people.ask("ada@example.org", "third").state == "confirmed"
    assert [each.email for each in people.confirmed()] == ["ada@example.org"]
    assert people.prefer(asked.id, {"every": "week"})
    assert people.leave(asked.id)
    assert people.leave(asked.id)
    assert not people.leave(99)
    assert people.confirmed() == []
    got = people.by_email("ada@example.org")
    assert got is not None
    assert (got.state, got.preferences) == ("left", {"every": "week"})


def test_two_refusals_for_good_suppress(store: Store) -> None:
    ada = store.subscribers.ask("ada@example.org", "hash")
    store.subscribers.confirm(ada.id, "hash")
    assert store.subscribers.bounced(ada.id, True) == "confirmed"
    assert store.subscribers.bounced(ada.id, False) == "confirmed"
    assert store.subscribers.bounced(ada.id, True) == "confirmed"
    assert store.subscribers.bounced(ada.id, True) == "suppressed"
    assert store.subscribers.bounced(99, True) is None


def test_limits_on_confirmation_mails(store: Store, clock: Clock) -> None:
    allowed = [store.subscribers.may_confirm("ada", "net") for _ in range(4)]
    assert allowed == [True, True, True, False]
    assert [store.subscribers.may_confirm(f"{n}", "net") for n in range(8)] == [True] * 7 + [False]
    clock.at += 86401
    assert store.subscribers.may_confirm("ada", "net")


def test_unconfirmed_addresses_are_forgotten(store: Store, clock: Clock) -> None:
    store.subscribers.ask("gone@example.org", "hash")
    kept = store.subscribers.ask("kept@example.org", "hash")
    store.subscribers.confirm(kept.id, "hash")
    clock.at += 31 * 86400
    assert store.subscribers.forget_unconfirmed() == 1
    assert store.subscribers.by_email("gone@example.org") is None
    assert store.subscribers.get(kept.id) is not None
    assert store.subscribers.forget(kept.id)


def test_a_token_is_used_once(store: Store) -> None:
    assert store.subscribers.use_token("hash")
    assert not store.subscribers.use_token("hash")
