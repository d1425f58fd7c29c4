"""`octavo page digest`: what the scheduler does, by hand."""

import sys
from pathlib import Path
from typing import Literal

from octavo.cli.parse import call
from octavo.page.digest import mails, sending
from octavo.page.digest.postbox import postbox
from octavo.page.serving import finder_of, following
from octavo.page.settings import Settings, from_environment
from octavo.page.store import Filters, Store, Subscriber
from octavo.page.tokens import Tokens


def main(arguments: list[str]) -> int:
    """Reads the arguments, writes and sends."""
    return call(digest, arguments, "octavo page digest")


def digest(
    every: Literal["day", "week"] = "week",
    dry_run: bool = False,
    to: str = "reader@localhost.localdomain",
    folder: Path | None = None,
) -> int:
    """Writes the digests of the last day or week, and sends those that are due.

    Args:
        every: which of them.
        dry_run: print one mail, and change nothing.
        to: the address on the mail that is printed.
        folder: what the page keeps.
    """
    settings = from_environment(dev=dry_run, data=folder)
    store = Store(folder=settings.data)
    try:
        tokens = Tokens(settings.secret, store.now)
        search = following(finder_of(store))
        if dry_run:
            print(_sample(store, every, to, settings, tokens, search).decode(), end="")
            return 0
        left = store.outbox.unsure()
        queued = sending.queue(store, every, search)
        sent = sending.send(settings, store, tokens, postbox(settings.mail))
        print(f"{queued} written, {sent.sent} sent, {sent.later} to be tried again, {sent.failed} refused")
        if left:
            print(f"{left} set apart: their sender was stopped while it had them", file=sys.stderr)
        return 0
    finally:
        store.close()


def _sample(
    store: Store, every: str, to: str, settings: Settings, tokens: Tokens, search: sending.Search
) -> bytes:
    """The mail that a new subscriber would get."""
    someone = Subscriber(0, to, "confirmed", {"every": every})
    _, since = sending.period(every, store.now())
    trending = store.papers.listed(Filters(withdrawn=False), "trending", limit=sending.CANDIDATES)
    ids = sending.choose(store, someone, trending, since, search)
    papers, verdicts = store.papers.many(ids), store.ledger.verdicts(ids)
    items = [sending.item(settings, paper, verdicts.get(paper.id, []), {}) for paper in papers]
    subject = f"octavo: {len(items)} papers this {every}"
    return bytes(mails.digest(settings, tokens, 0, to, subject, items, store.now(), "dry run"))
