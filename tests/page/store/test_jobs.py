"""A job that fails silently shows."""

from octavo.page.store import Store

from ..conftest import Clock


def test_a_job_is_late_after_twice_its_period(store: Store, clock: Clock) -> None:
    store.jobs.ended("delta", 3600)
    store.jobs.ended("digest", 3600, error="relay refused")
    assert [job.name for job in store.jobs.late()] == ["digest"]
    clock.at += 2 * 3600 + 1
    assert [job.name for job in store.jobs.late()] == ["delta", "digest"]
    store.jobs.ended("digest", 3600)
    store.jobs.ended("delta", 3600)
    assert store.jobs.late() == []
    assert store.jobs.all()[1].last_error == "relay refused"


def test_cursors(store: Store) -> None:
    assert store.jobs.cursor("oai") is None
    store.jobs.save_cursor("oai", {"token": "x"})
    store.jobs.save_cursor("oai", {"token": "y"})
    assert store.jobs.cursor("oai") == {"token": "y"}
