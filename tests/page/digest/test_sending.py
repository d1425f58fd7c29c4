"""Each mail at most once, whatever is killed when; what is refused is tried again, or not."""

import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.page.digest.conftest import confirm

from octavo.page.digest import sending
from octavo.page.digest.postbox import Folder, Refused, Relay
from octavo.page.settings import Settings
from octavo.page.store import Store
from octavo.page.tokens import Tokens


class Box:
    """Keeps mails, or refuses them."""

    def __init__(self, refuse: Refused | None = None) -> None:
        self.refuse = refuse
        self.to: list[str] = []

    def post(self, message: EmailMessage) -> None:
        if self.refuse:
            raise self.refuse
        self.to.append(message["To"])


def nothing(text: str, limit: int) -> list[str]:
    return []


def send(settings: Settings, store: Store, tokens: Tokens, box: Any) -> sending.Sent:
    return sending.send(settings, store, tokens, box, sleep=lambda seconds: None)


@pytest.mark.parametrize(
    ("every", "at", "name"),
    [
        ("week", 1786968000.0, "2026-W33"),
        ("week", 1786967999.0 - 43200, "2026-W32"),
        ("day", 1767225600.0, "2025-12-31"),
    ],
)
def test_the_last_period_that_is_over(every: str, at: float, name: str) -> None:
    found, begin = sending.period(every, at)
    assert found == name
    assert begin < at


def test_one_mail_a_period_and_nothing_twice(
    filled: Store, settings: Settings, tokens: Tokens, clock: Any
) -> None:
    ids = [confirm(filled, f"r{number}@example.org", every="day", at_most=10) for number in range(3)]
    confirm(filled, "weekly@example.org", every="week")
    box = Box()
    for _ in range(3):
        sending.queue(filled, "day", nothing)
        send(settings, filled, tokens, box)
    assert sorted(box.to) == [f"r{number}@example.org" for number in range(3)]
    first = filled.outbox.papers_sent(ids[0])
    clock.at += 86400
    assert sending.queue(filled, "day", nothing) == 3
    send(settings, filled, tokens, box)
    assert len(filled.outbox.papers_sent(ids[0])) == 20
    assert first < filled.outbox.papers_sent(ids[0])
    for _ in range(2):
        clock.at += 86400
        sending.queue(filled, "day", nothing)
        send(settings, filled, tokens, box)
    # Thirty papers are told, and where there is nothing new there is no mail.
    assert len(box.to) == 9


def test_what_is_followed_comes_first(filled: Store, settings: Settings, tokens: Tokens) -> None:
    subscriber = filled.subscribers.get(confirm(filled, "r@example.org", every="day", at_most=5))
    assert subscriber
    filled.readers.follow(subscriber.subject, "search", "streams")
    found = ["2401.00003", "2401.00004"]
    filled.papers.put(
        [
            p.__class__(**{**p.__dict__, "published": "2030-01-01", "updated": "2030-01-01", "version": 2})
            for p in filled.papers.many(found)
        ]
    )
    trending = filled.papers.listed(limit=30)
    chosen = sending.choose(
        filled, subscriber, trending, 0.0, lambda text, limit: found if text == "streams" else []
    )
    assert chosen[:2] == found
    assert len(chosen) == 5


def test_a_later_try_and_the_end_of_tries(
    filled: Store, settings: Settings, tokens: Tokens, clock: Any
) -> None:
    subscriber = confirm(filled, "r@example.org", every="day")
    sending.queue(filled, "day", nothing)
    assert (
        send(settings, filled, tokens, Box(Refused("451 greylisted r@example.org", for_good=False))).later
        == 1
    )
    assert send(settings, filled, tokens, box := Box()).sent == 0
    assert not box.to
    clock.at += 61
    assert send(settings, filled, tokens, box).sent == 1
    for day in (1, 2):
        clock.at += 86400
        sending.queue(filled, "day", nothing)
        assert (
            send(settings, filled, tokens, Box(Refused("550 r@example.org unknown", for_good=True))).failed
            == 1
        ), day
    assert filled.subscribers.get(subscriber).state == "suppressed"  # type: ignore[union-attr]
    clock.at += 86400
    assert sending.queue(filled, "day", nothing) == 0
    with filled.database.read() as connection:
        from sqlalchemy import text

        assert not [
            row for row in connection.execute(text("SELECT error FROM outbox")) if "r@example.org" in row[0]
        ]


def test_who_leaves_in_between_gets_nothing(filled: Store, settings: Settings, tokens: Tokens) -> None:
    subscriber = confirm(filled, "r@example.org", every="day")
    sending.queue(filled, "day", nothing)
    filled.subscribers.leave(subscriber)
    send(settings, filled, tokens, box := Box())
    assert not box.to


@pytest.mark.parametrize("out", [True, False])
def test_killed_in_the_middle_nobody_gets_two(
    filled: Store, settings: Settings, tokens: Tokens, clock: Any, out: bool
) -> None:
    from tests.page.web.conftest import mails

    for number in range(6):
        confirm(filled, f"r{number}@example.org", every="day")
    script = Path(__file__).with_name("dying_sender.py")
    for after in (1, 2):
        words = [filled.folder, settings.mail.folder, clock.at, settings.secret, after, out]
        done = subprocess.run([sys.executable, script, *map(str, words)], timeout=60, check=False)
        assert done.returncode == 9
    filled.outbox.unsure()
    sending.queue(filled, "day", nothing)
    send(settings, filled, tokens, Folder(settings.mail.folder))
    got = [mail["To"] for mail in mails(settings.mail.folder)]
    assert len(got) == len(set(got))
    assert len(got) == (6 if out else 4)
    assert filled.outbox.states() == {"sent": 4, "unsure": 2}


def test_the_relays_that_are_understood() -> None:
    assert Relay.at("smtp://user:p%40ss@mail.example.org") == Relay(
        "mail.example.org", 587, "user", "p@ss", False
    )
    assert Relay.at("smtps://mail.example.org") == Relay("mail.example.org", 465, tls=True)
    from octavo.errors import OctavoError

    with pytest.raises(OctavoError, match="OCTAVO_PAGE_SMTP"):
        Relay.at("mail.example.org")


def test_a_relay_that_is_not_there_is_tried_later() -> None:
    with pytest.raises(Refused) as refused:
        Relay("127.0.0.1", 9).post(_mail())
    assert not refused.value.for_good


def _mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "x"
    message.set_content("x")
    return message
