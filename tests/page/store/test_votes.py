"""Votes and views warm papers, bursts do not count, and the log gives the stored order."""

import random
from threading import Thread

from sqlalchemy import update

from octavo.page.store import ListedPaper, Store
from octavo.page.store.tables import papers as table
from octavo.page.trending import HALF_LIFE

from ..conftest import Clock


def test_a_vote_moves_the_paper_at_once(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)
    assert store.votes.cast("ada", papers[0].id) == "cast"
    assert store.papers.ids()[0] == papers[0].id
    assert store.votes.cast("ada", papers[0].id) == "again"
    assert store.votes.cast("ada", "no such") == "no such paper"
    assert store.votes.of("ada") == [papers[0].id]
    assert store.votes.withdraw("ada", papers[0].id)
    assert not store.votes.withdraw("ada", papers[0].id)
    got = store.papers.get(papers[0].id)
    assert got is not None
    assert (got.votes, got.heat) == (0, papers[0].heat)


def test_the_stored_order_is_the_one_of_the_log(
    store: Store, papers: list[ListedPaper], clock: Clock
) -> None:
    store.papers.put(papers)
    draw = random.Random(1)
    for number in range(150):
        clock.at += draw.random() * 4 * 3600
        paper = draw.choice(papers).id
        if draw.random() < 0.5:
            store.votes.cast(f"voter {number % 40}", paper)
        else:
            store.votes.view(f"reader {number % 9}", paper)
    assert store.votes.audit()["wrong_heat"] == []
    naive = dict.fromkeys((paper.id for paper in papers), 0.0)
    for vote in store.votes.log():
        naive[vote.paper] += 2 ** (-(clock.at - vote.at) / HALF_LIFE)
    top = store.papers.ids()[0]
    assert naive[top] > 0.5 * max(naive.values())


def test_an_audit_finds_a_heat_that_no_vote_gave(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)
    with store.database.write() as connection:
        connection.execute(update(table).where(table.c.id == papers[2].id).values(heat=5.0))
    assert [each["paper"] for each in store.votes.audit()["wrong_heat"]] == [papers[2].id]


def test_twenty_votes_an_hour(store: Store, clock: Clock) -> None:
    many = [ListedPaper(id=f"p{number}", title="t", abstract="a") for number in range(22)]
    store.papers.put(many)
    outcomes = [store.votes.cast("ada", paper.id) for paper in many]
    assert outcomes == ["cast"] * 20 + ["too many"] * 2
    clock.at += 3601
    assert store.votes.cast("ada", "p21") == "cast"


def test_only_the_first_new_voters_of_a_network_count(
    store: Store, papers: list[ListedPaper], clock: Clock
) -> None:
    store.papers.put(papers)
    for number in range(12):
        assert store.votes.cast(f"new {number}", papers[0].id, network="10.0.0") == "cast"
    store.votes.cast("from elsewhere", papers[0].id, network="10.0.1")
    got = store.papers.get(papers[0].id)
    assert got is not None
    assert got.votes == 6
    assert store.votes.audit()["not_counted"] == {"10.0.0": 7}
    assert store.votes.audit()["wrong_heat"] == []
    # A voter that counted goes on counting; one that did not is not let in by waiting within the hour.
    clock.at += 60
    store.votes.cast("new 0", papers[1].id, network="10.0.0")
    store.votes.cast("new 11", papers[1].id, network="10.0.0")
    got = store.papers.get(papers[1].id)
    assert got is not None
    assert got.votes == 1


def test_a_reader_counts_once_a_day_and_is_forgotten_then(
    store: Store, papers: list[ListedPaper], clock: Clock
) -> None:
    store.papers.put(papers)
    assert store.votes.view("ada", papers[0].id)
    assert not store.votes.view("ada", papers[0].id)
    assert not store.votes.view("ada", "no such")
    clock.at += 86400
    assert store.votes.view("ada", papers[0].id)
    assert store.votes.audit()["wrong_heat"] == []


def test_top_of_a_window(store: Store, papers: list[ListedPaper], clock: Clock) -> None:
    store.papers.put(papers)
    begin = clock.at
    store.votes.cast("ada", papers[0].id)
    clock.at += 86400
    for name in ("ada", "bob"):
        store.votes.cast(name, papers[1].id)
    top = [(paper.id, n) for paper, n in store.papers.top(begin, clock.at + 1)]
    assert top == [(papers[1].id, 2), (papers[0].id, 1)]
    assert [paper.id for paper, _ in store.papers.top(begin, clock.at)] == [papers[0].id]


def test_many_voters_at_once_lose_no_vote(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)

    def vote(first: int) -> None:
        for number in range(first, first + 10):
            store.votes.cast(f"voter {number}", papers[0].id)

    threads = [Thread(target=vote, args=(first,)) for first in range(0, 80, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = store.papers.get(papers[0].id)
    assert got is not None
    assert got.votes == 80
    assert store.votes.audit()["wrong_heat"] == []
