"""From the form to the mail to the button, through a real SMTP server; and every token that must not work."""

import re
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from fastapi.testclient import TestClient
from tests.page.web.conftest import token

from octavo.page.digest import sending, subscribing
from octavo.page.digest.postbox import Folder, Relay
from octavo.page.settings import Settings
from octavo.page.store import Store
from octavo.page.tokens import CONFIRMATION, Tokens
from octavo.page.web.app import create

ADDRESS = "reader@example.org"


class Inbox:
    """Keeps what a server on this machine receives."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return self.answer


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, Relay]]:
    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield inbox, Relay("127.0.0.1", port)
    controller.stop()


@pytest.fixture
def client(settings: Settings, filled: Store, inbox: tuple[Inbox, Relay]) -> Iterator[TestClient]:
    app = create(settings, filled, box=inbox[1])
    with TestClient(app, base_url=settings.url, follow_redirects=False) as client:
        yield client


def subscribe(client: TestClient, address: str = ADDRESS, **more: str) -> Any:
    return client.post("/subscribe", data={"form_token": token(client), "email": address, **more})


def link(mail: EmailMessage, kind: str) -> str:
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    found = re.search(rf"https://papers\.example(/{kind}/\S+)", text)
    assert found
    return found[1]


def press(client: TestClient, path: str) -> Any:
    """Opens the page of a link and presses its button."""
    found = re.search(r'name="form_token" value="([^"]+)"', client.get(path).text)
    return client.post(path, data={"form_token": found[1] if found else ""})


def test_the_whole_way(
    client: TestClient,
    filled: Store,
    settings: Settings,
    tokens: Tokens,
    inbox: tuple[Inbox, Relay],
    clock: Any,
) -> None:
    inbox_, relay = inbox
    assert "Look into your mail" in subscribe(client, "Reader@Example.org", every="day", at_most="5").text
    path = link(inbox_.mails[0], "confirm")
    # Programs that look at links confirm nothing.
    for _ in range(3):
        assert client.get(path).status_code == 200
    assert filled.subscribers.by_email(ADDRESS).state == "asked"  # type: ignore[union-attr]
    assert "You are subscribed" in press(client, path).text
    assert filled.subscribers.by_email(ADDRESS).state == "confirmed"  # type: ignore[union-attr]

    assert sending.queue(filled, "day", lambda text, limit: []) == 1
    assert sending.send(settings, filled, tokens, relay).sent == 1
    mail = inbox_.mails[1]
    assert mail["To"] == ADDRESS
    assert mail["Subject"] == "octavo: 5 papers this day"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "A person, a street, a town." in text
    assert text.count("https://papers.example/papers/") == 5
    assert "<img" not in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]

    # What a mail program does by itself, without a cookie, and again.
    listed = re.fullmatch(r"<https://papers\.example(/\S+)>, <mailto:\S+>", mail["List-Unsubscribe"])
    assert listed
    client.cookies.clear()
    for _ in range(2):
        answer = client.post(listed[1], data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.text) == (200, "You are unsubscribed.")
    assert filled.subscribers.by_email(ADDRESS).state == "left"  # type: ignore[union-attr]
    clock.at += 86400
    assert sending.queue(filled, "day", lambda text, limit: []) == 0


def test_links_that_must_not_work(
    client: TestClient, filled: Store, tokens: Tokens, inbox: tuple[Inbox, Relay], clock: Any
) -> None:
    subscribe(client)
    path = link(inbox[0].mails[0], "confirm")
    changed = path[:-1] + ("A" if path[-1] != "A" else "B")
    for wrong in (
        changed,
        "/confirm/x",
        "/confirm/" + tokens.make("leave", 1),
        "/confirm/" + tokens.make("confirm", 1),
    ):
        assert press(client, wrong).status_code in (403, 410)
        assert client.get(wrong).status_code == 410
    clock.at += CONFIRMATION + 2
    assert "too old" in client.get(path).text
    assert filled.subscribers.by_email(ADDRESS).state == "asked"  # type: ignore[union-attr]
    clock.at -= 60
    assert press(client, path).status_code == 200
    # Once, and never again.
    assert client.get(path).status_code == 410
    assert client.post("/unsubscribe/" + path.rpartition("/")[2]).status_code == 404
    assert client.get("/preferences/" + tokens.make("leave", 1)).status_code == 404


def test_a_newer_link_ends_the_older(client: TestClient, inbox: tuple[Inbox, Relay], clock: Any) -> None:
    subscribe(client)
    clock.at += 5
    subscribe(client)
    first, second = (link(mail, "confirm") for mail in inbox[0].mails)
    assert client.get(first).status_code == 410
    assert press(client, second).status_code == 200


def test_answers_do_not_tell_who_is_subscribed(client: TestClient, inbox: tuple[Inbox, Relay]) -> None:
    def told(answer: Any) -> str:
        return re.sub(r'value="[^"]+"', "", answer.text)

    new = told(subscribe(client))
    press(client, link(inbox[0].mails[0], "confirm"))
    assert told(subscribe(client)) == new
    assert len(inbox[0].mails) == 1


def test_an_address_is_asked_three_times_a_day(
    client: TestClient, inbox: tuple[Inbox, Relay], clock: Any
) -> None:
    for _ in range(5):
        clock.at += 1
        assert subscribe(client).status_code == 200
    assert len(inbox[0].mails) == 3


@pytest.mark.parametrize(
    "address",
    [
        "",
        "reader",
        "reader@",
        "a@b@c.org",
        "a@example.org\r\nBcc: b@example.org",
        "a b@example.org",
        "<x>@y.org",
    ],
)
def test_what_is_no_address_is_refused(client: TestClient, inbox: tuple[Inbox, Relay], address: str) -> None:
    answer = subscribe(client, address)
    assert answer.status_code == 422
    assert "not an e-mail address" in answer.text
    assert not inbox[0].mails


def test_a_relay_that_does_not_take_the_confirmation_is_no_news(
    client: TestClient, inbox: tuple[Inbox, Relay]
) -> None:
    inbox[0].answer = "550 no such user"
    assert subscribe(client).status_code == 200


def test_preferences_without_an_account(client: TestClient, filled: Store, tokens: Tokens) -> None:
    subscriber = filled.subscribers.ask(ADDRESS, "hash", {"every": "week"})
    filled.subscribers.confirm(subscriber.id, "hash")
    path = "/preferences/" + tokens.make("prefer", subscriber.id)
    form = re.search(r'name="form_token" value="([^"]+)"', client.get(path).text)
    assert form
    values = {"form_token": form[1], "every": "day", "at_most": "99", "kind": "author", "value": "Ada"}
    assert client.post(path, data=values).status_code == 303
    assert filled.subscribers.get(subscriber.id).preferences == {"every": "day", "at_most": subscribing.MOST}  # type: ignore[union-attr]
    follow = filled.readers.follows(subscriber.subject)[0]
    assert (follow.kind, follow.value) == ("author", "Ada")
    client.post(path, data={"form_token": form[1], "unfollow": str(follow.id)})
    assert not filled.readers.follows(subscriber.subject)


def test_the_file_outbox_is_the_default(settings: Settings, filled: Store) -> None:
    with TestClient(create(settings, filled), base_url=settings.url) as client:
        subscribe(client)
    assert isinstance(client.app.state.page.postbox, Folder)  # type: ignore[attr-defined]
    assert len(list(settings.mail.folder.glob("*.eml"))) == 1
