"""The page as it is served: store, search, scheduler and application put together."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI

from octavo.errors import OctavoError
from octavo.page.digest import sending, watching
from octavo.page.finding import Fused, complete_vectors
from octavo.page.ingest import import_delta, import_library
from octavo.page.ingest.oai import PAUSE
from octavo.page.search import search_of
from octavo.page.search.process import beside
from octavo.page.settings import Settings
from octavo.page.store import Filters, Store
from octavo.page.web.app import create
from octavo.page.web.finding import Finder
from octavo.page.web.page import Page

LOG = logging.getLogger(__name__)
EVERY_MINUTE, QUARTER, DAILY = 60, 900, 86400
SENT_AT_ONCE = 500
MAIL_TAKES = 60.0


def application(settings: Settings, *, library: bool = False, schedule: bool = True) -> FastAPI:
    """The application over the store of the settings' folder.

    Args:
        settings: of the page.
        library: put the papers of this library in, with their ledger.
        schedule: write and send the digests when they are due.
    """
    store = Store(folder=settings.data)
    if library:
        import_library(store)
    return create(settings, store, finder=finder_of(store), warm=True, beside=_schedule if schedule else None)


def finder_of(store: Store) -> Finder:
    """The search over a store, which loads what it needs to search by meaning while words are answered."""
    search = search_of(store, beside)
    search.warm()
    return Fused(search)


def following(finder: Finder) -> sending.Search:
    """A search as the digest asks for it."""
    return lambda text, limit: [hit.id for hit in finder.find(text, Filters(withdrawn=False), limit, 0).hits]


def _schedule(page: Page) -> Callable[[], None]:
    """Starts the scheduler, and returns what stops it."""
    from apscheduler.schedulers.background import BackgroundScheduler

    page.store.outbox.unsure()
    round_ = Round(page)
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        lambda: _noted(page, "digest", DAILY, _digests), "cron", hour=6, minute=0, coalesce=True
    )
    scheduler.add_job(
        lambda: _noted(page, "outbox", EVERY_MINUTE * 5, lambda _: round_.run()),
        "interval",
        seconds=EVERY_MINUTE,
        max_instances=1,
    )
    if isinstance(page.finder, Fused):
        search = page.finder.search
        scheduler.add_job(
            lambda: _noted(page, "vectors", QUARTER, lambda _: complete_vectors(search)),
            "interval",
            seconds=QUARTER,
            next_run_time=datetime.now(UTC),
            max_instances=1,
        )
    if page.settings.arxiv:
        scheduler.add_job(
            lambda: _noted(page, "arxiv", DAILY, changes),
            "cron",
            hour=4,
            minute=30,
            coalesce=True,
            max_instances=1,
        )
    scheduler.add_job(
        lambda: _noted(page, "watch", QUARTER, _watch), "interval", seconds=QUARTER, max_instances=1
    )
    scheduler.add_job(lambda: _noted(page, "retention", DAILY, _forget), "cron", hour=5, minute=0)
    scheduler.start()

    def stop() -> None:
        # All jobs go on where they were stopped; only a mail that is on its way is waited for.
        scheduler.shutdown(wait=False)
        round_.end()

    return stop


def changes(page: Page, sleep: Callable[[float], None] = time.sleep) -> None:
    """Imports what has changed in the sets of arXiv that the settings name, one set after another."""
    failed = []
    for number, which in enumerate(page.settings.arxiv):
        if number:
            sleep(PAUSE)
        try:
            import_delta(page.store, which, sleep=sleep)
        except OctavoError as error:
            failed.append(f"{which}: {error}")
    if failed:
        raise OctavoError(" ".join(failed))


def _digests(page: Page) -> None:
    """Writes what is due; asking twice in a period changes nothing."""
    for every in ("day", "week"):
        sending.queue(page.store, every, following(page.finder))


class Round:
    """A round of sending that can be ended between two mails."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._ending = threading.Event()
        self._at_it = threading.Lock()

    def run(self) -> None:
        """Sends what is due."""
        page = self._page
        with self._at_it:
            for _ in range(SENT_AT_ONCE):
                if self._ending.is_set():
                    return
                if (
                    sending.send(page.settings, page.store, page.tokens, page.postbox, most=1)
                    == sending.Sent()
                ):
                    return

    def end(self) -> None:
        """Lets the mail that is on its way go out, and no other."""
        self._ending.set()
        if self._at_it.acquire(timeout=MAIL_TAKES):
            self._at_it.release()


def _watch(page: Page) -> None:
    watching.tell(page.settings, page.store, page.postbox)


def _forget(page: Page) -> None:
    page.store.subscribers.forget_unconfirmed()


def _noted(page: Page, name: str, period: float, job: Callable[[Page], object]) -> None:
    """Runs a job and notes how it ended: a job that fails silently is found by /healthz."""
    try:
        job(page)
    except Exception as error:
        LOG.exception("the job %s failed", name)
        page.store.jobs.ended(name, period, f"{type(error).__name__}: {error}")
    else:
        page.store.jobs.ended(name, period)
