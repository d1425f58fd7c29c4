"""The owner hears of a job that has not ended well for twice its period: silence is how such jobs fail."""

from datetime import UTC, datetime

from octavo.page.digest import mails
from octavo.page.digest.postbox import Postbox
from octavo.page.settings import Settings
from octavo.page.store import Store

TOLD = "jobs that the owner was told of"


def tell(settings: Settings, store: Store, postbox: Postbox) -> list[str]:
    """Mails the owner about jobs that are late now and were not when the owner last heard.

    A job that ends well again may be told of anew.

    Returns:
        The names in the mail; none where nothing is new, or no owner is set.
    """
    if not settings.mail.owner:
        return []
    late = [job for job in store.jobs.late() if job.period > 0]
    told = set(store.jobs.cursor(TOLD) or ())
    fresh = [job for job in late if job.name not in told]
    if fresh:
        rows = [
            {
                "name": job.name,
                "at": datetime.fromtimestamp(job.last_ok, UTC).strftime("%Y-%m-%d %H:%M UTC")
                if job.last_ok
                else "",
                "error": job.last_error,
            }
            for job in fresh
        ]
        postbox.post(mails.late(settings, rows, store.now()))
    names = [job.name for job in late]
    if set(names) != told:
        store.jobs.save_cursor(TOLD, names)
    return [job.name for job in fresh]
