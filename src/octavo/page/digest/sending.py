"""From the store to the mails: who gets what in which period, and sending each of them at most once."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from octavo.errors import OctavoError
from octavo.page.cards import card
from octavo.page.digest import mails
from octavo.page.digest.mails import Item
from octavo.page.digest.postbox import Postbox, Refused
from octavo.page.digest.subscribing import PREFERENCES
from octavo.page.settings import Settings
from octavo.page.store import Filters, ListedPaper, Mail, Store, Subscriber
from octavo.page.tokens import Tokens

Search = Callable[[str, int], list[str]]
"""A search as ids, best first: what a followed search finds."""

CANDIDATES = 200
SUMMARY = 420


@dataclass(frozen=True)
class Sent:
    """How a round of sending went."""

    sent: int = 0
    later: int = 0
    failed: int = 0


def period(every: str, now: float) -> tuple[str, float]:
    """The name of the last period that is over, and when it began.

    Args:
        every: `day` or `week`; weeks begin on Monday, in UTC.
        now: seconds since 1970.

    Example:
        >>> period("week", 1786968000.0)  # Monday, 2026-08-17
        ('2026-W33', 1786320000.0)
        >>> period("day", 1786968000.0)[0]
        '2026-08-16'
    """
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if every == "day":
        begin = today - timedelta(days=1)
        return begin.strftime("%Y-%m-%d"), begin.timestamp()
    begin = today - timedelta(days=today.weekday() + 7)
    year, week, _ = begin.isocalendar()
    return f"{year}-W{week:02d}", begin.timestamp()


def queue(store: Store, every: str, search: Search) -> int:
    """Puts a mail into the outbox for each subscriber of this rhythm who has not had one of the last period.

    Args:
        store: the store.
        every: `day` or `week`.
        search: finds what a followed search asks for.

    Returns:
        How many were put in; nothing is where there is nothing new to tell.
    """
    name, since = period(every, store.now())
    digest = store.outbox.digest(every, name)
    queued = {mail.subscriber for mail in store.outbox.mails(digest)}
    trending = store.papers.listed(Filters(withdrawn=False), "trending", limit=CANDIDATES)
    count = 0
    for subscriber in _confirmed(store):
        if _every(subscriber) != every or subscriber.id in queued:
            continue
        if chosen := choose(store, subscriber, trending, since, search):
            count += store.outbox.queue(subscriber.id, digest, chosen)
    return count


def choose(
    store: Store, subscriber: Subscriber, trending: list[ListedPaper], since: float, search: Search
) -> list[str]:
    """The papers of a subscriber's digest, what it follows first, none that it has been sent."""
    sent = store.outbox.papers_sent(subscriber.id)
    most = int(subscriber.preferences.get("at_most", PREFERENCES["at_most"]))
    day = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%d")
    found: dict[str, None] = {}
    for follow in store.readers.follows(subscriber.subject):
        for id in _followed(store, follow.kind, follow.value, day, search)[:most]:
            found.setdefault(id)
    for paper in trending:
        found.setdefault(paper.id)
    return [id for id in found if id not in sent][:most]


def _followed(store: Store, kind: str, value: str, day: str, search: Search) -> list[str]:
    if kind == "author":
        return store.papers.ids(Filters(author=value, withdrawn=False), "newest")
    if kind == "shelf":
        return store.papers.ids(Filters(shelf=value, withdrawn=False), "trending")
    found = store.papers.many(search(value, CANDIDATES))
    # What the library measures is news whenever it appeared; of the rest, what is newer than the last digest.
    return [paper.id for paper in found if paper.published >= day or paper.slug]


def send(
    settings: Settings,
    store: Store,
    tokens: Tokens,
    box: Postbox,
    *,
    most: int | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Sent:
    """Sends what is due, one mail after the other, no faster than the settings say.

    A mail is marked before it is handed over. A sender that is killed in between leaves it marked, and it is
    never sent again: one mail too few, now and then, rather than one twice.
    """
    counts = Sent()
    while (most is None or sum((counts.sent, counts.later, counts.failed)) < most) and (
        mail := store.outbox.claim()
    ):
        subscriber = store.subscribers.get(mail.subscriber)
        if subscriber is None or subscriber.state != "confirmed":
            store.outbox.failed(mail.id, "no longer subscribed")
            counts = replace(counts, failed=counts.failed + 1)
            continue
        try:
            box.post(render(settings, store, tokens, subscriber, mail))
        except Refused as refused:
            if refused.for_good:
                store.outbox.failed(mail.id, _without_address(refused, subscriber))
                store.subscribers.bounced(subscriber.id, for_good=True)
                counts = replace(counts, failed=counts.failed + 1)
            else:
                store.outbox.later(mail.id, _without_address(refused, subscriber))
                counts = replace(counts, later=counts.later + 1)
        else:
            store.outbox.sent(mail.id)
            store.subscribers.bounced(subscriber.id, for_good=False)
            counts = replace(counts, sent=counts.sent + 1)
        sleep(1 / settings.mail.a_second)
    return counts


def render(
    settings: Settings, store: Store, tokens: Tokens, subscriber: Subscriber, mail: Mail
) -> EmailMessage:
    """A mail of the outbox, written."""
    papers = store.papers.many(mail.papers)
    verdicts = store.ledger.verdicts([paper.id for paper in papers])
    reasons = _reasons(store, subscriber)
    items = [item(settings, paper, verdicts.get(paper.id, []), reasons) for paper in papers]
    n = len(items)
    subject = f"octavo: {n} paper{'s' if n != 1 else ''} this {_every(subscriber)}"
    return mails.digest(
        settings,
        tokens,
        subscriber.id,
        subscriber.email,
        subject,
        items,
        store.now(),
        f"{mail.digest}.{subscriber.id}",
    )


def item(
    settings: Settings,
    paper: ListedPaper,
    verdicts: list[tuple[str, str]],
    reasons: dict[tuple[str, str], str],
) -> Item:
    """A paper as the digest tells it."""
    counts: dict[str, int] = {}
    for _, verdict in verdicts:
        known = "needs something" if verdict.startswith("needs") else verdict
        counts[known] = counts.get(known, 0) + 1
    why = next(
        (
            text
            for (kind, value), text in reasons.items()
            if (kind == "shelf" and value == paper.shelf)
            or (kind == "author" and any(value.casefold() in author.casefold() for author in paper.authors))
        ),
        "",
    )
    summary = _summary(paper)
    return Item(
        title=paper.title,
        url=f"{settings.url}/papers/{paper.slug or paper.id}",
        authors=", ".join(paper.authors[:4]) + (" and others" if len(paper.authors) > 4 else ""),
        summary=summary if len(summary) <= SUMMARY else summary[:SUMMARY].rsplit(" ", 1)[0] + " …",
        verdicts=", ".join(f"{n} {verdict}" for verdict, n in counts.items()),
        why=why,
    )


def _summary(paper: ListedPaper) -> str:
    if paper.slug:
        try:
            return card(paper.slug).summary
        except OctavoError:
            pass
    return paper.abstract


def _reasons(store: Store, subscriber: Subscriber) -> dict[tuple[str, str], str]:
    return {
        (follow.kind, follow.value): f"You follow {follow.value}."
        for follow in store.readers.follows(subscriber.subject)
    }


def _confirmed(store: Store) -> Iterator[Subscriber]:
    after = 0
    while batch := store.subscribers.confirmed(after):
        yield from batch
        after = batch[-1].id


def _every(subscriber: Subscriber) -> str:
    return str(subscriber.preferences.get("every", PREFERENCES["every"]))


def _without_address(error: Exception, subscriber: Subscriber) -> str:
    """An error for the log, which holds no addresses."""
    return str(error).replace(subscriber.email, "the address")
