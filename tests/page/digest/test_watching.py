"""The owner hears once of a job that is late, and again when it was well in between."""

from dataclasses import replace
from email.message import EmailMessage

from tests.page.conftest import Clock

from octavo.page.digest.watching import tell
from octavo.page.settings import MailSettings, Settings
from octavo.page.store import Store


class Kept:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    def post(self, message: EmailMessage) -> None:
        self.mails.append(message)


def test_the_owner_is_told_once(store: Store, clock: Clock) -> None:
    settings = Settings("secret " * 8, mail=MailSettings(owner="owner@example.org"))
    box = Kept()
    store.jobs.ended("digest", 3600)
    store.jobs.ended("delta", 86400)
    assert tell(settings, store, box) == []
    clock.at += 3 * 3600
    store.jobs.ended("digest", 3600, "ValueError: <no>")
    assert tell(settings, store, box) == ["digest"]
    assert tell(settings, store, box) == []
    (mail,) = box.mails
    assert (mail["To"], mail["Subject"]) == ("owner@example.org", "octavo: digest late")
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert "digest: last ended well at" in text
    assert "ValueError: <no>" in text
    assert "ValueError: &lt;no&gt;" in html
    store.jobs.ended("digest", 3600)
    assert tell(settings, store, box) == []
    clock.at += 3 * 3600
    assert tell(settings, store, box) == ["digest"]


def test_nobody_is_told_where_there_is_no_owner(store: Store, clock: Clock) -> None:
    store.jobs.ended("digest", 3600, "an error")
    settings = Settings("secret " * 8)
    box = Kept()
    assert tell(settings, store, box) == []
    assert tell(replace(settings, mail=MailSettings(owner="owner@example.org")), store, box) == ["digest"]
    assert len(box.mails) == 1
