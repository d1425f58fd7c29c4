"""The page as it is served: store, search, scheduler and application put together."""

import logging
from collections.abc import Callable

from fastapi import FastAPI

from octavo import catalogue
from octavo.ledger import published
from octavo.page.digest import sending
from octavo.page.search import MiniLM, Search
from octavo.page.settings import Settings
from octavo.page.store import Filters, ListedPaper, Store
from octavo.page.web.app import create
from octavo.page.web.finding import Finder, Indexed
from octavo.page.web.page import Page

LOG = logging.getLogger(__name__)
EVERY_MINUTE, DAILY = 60, 86400
SENT_AT_ONCE = 500


def application(settings: Settings, *, library: bool = False, schedule: bool = True) -> FastAPI:
    """The application over the store of the settings' folder.

    Args:
        settings: of the page.
        library: put the papers of this library in, with their ledger.
        schedule: write and send the digests when they are due.
    """
    store = Store(folder=settings.data)
    if library:
        put_library(store)
    return create(settings, store, finder=finder_of(store), warm=True, beside=_schedule if schedule else None)


def finder_of(store: Store) -> Finder:
    """The search over a store; the encoder loads in the background."""
    search = Search(store, load=MiniLM)
    search.warm()
    return Indexed(store, search)


def following(finder: Finder) -> sending.Search:
    """A search as the digest asks for it."""
    return lambda text, limit: [hit.id for hit in finder.find(text, Filters(withdrawn=False), limit, 0).hits]


def put_library(store: Store) -> None:
    """Puts the papers of this library into a store, with what is published of them; as often as one likes."""
    cards = catalogue.papers()
    store.papers.put(
        ListedPaper(
            id=card.arxiv,
            title=card.title,
            abstract=" ".join(card.summary.split()),
            authors=card.authors,
            published=f"{card.year}-01-01",
            updated=f"{card.year}-01-01",
            source="octavo",
            url=card.url,
            code=card.code,
            slug=card.slug,
            shelf=card.shelf,
            runs=card.runs,
            has_demo=card.has_demo,
        )
        for card in cards
    )
    for card in cards:
        if card.runs:
            judged = [judgement.as_dict() for judgement in published.judgements(card)]
            store.ledger.put(card.arxiv, judged, [])


def _schedule(page: Page) -> Callable[[], None]:
    """Starts the scheduler, and returns what stops it."""
    from apscheduler.schedulers.background import BackgroundScheduler

    page.store.outbox.unsure()
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        lambda: _noted(page, "digest", DAILY, _digests), "cron", hour=6, minute=0, coalesce=True
    )
    scheduler.add_job(
        lambda: _noted(page, "outbox", EVERY_MINUTE * 5, _send),
        "interval",
        seconds=EVERY_MINUTE,
        max_instances=1,
    )
    scheduler.add_job(lambda: _noted(page, "retention", DAILY, _forget), "cron", hour=5, minute=0)
    scheduler.start()

    def stop() -> None:
        scheduler.shutdown(wait=True)

    return stop


def _digests(page: Page) -> None:
    """Writes what is due; asking twice in a period changes nothing."""
    for every in ("day", "week"):
        sending.queue(page.store, every, following(page.finder))


def _send(page: Page) -> None:
    sending.send(page.settings, page.store, page.tokens, page.postbox, most=SENT_AT_ONCE)


def _forget(page: Page) -> None:
    page.store.subscribers.forget_unconfirmed()


def _noted(page: Page, name: str, period: float, job: Callable[[Page], None]) -> None:
    """Runs a job and notes how it ended: a job that fails silently is found by /healthz."""
    try:
        job(page)
    except Exception as error:
        LOG.exception("the job %s failed", name)
        page.store.jobs.ended(name, period, f"{type(error).__name__}: {error}")
    else:
        page.store.jobs.ended(name, period)
