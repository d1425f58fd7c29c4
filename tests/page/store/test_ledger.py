"""Verdicts and runs come out as they went in, and narrow lists."""

from octavo.page import trending
from octavo.page.store import Filters, ListedPaper, Store, StoredRun

from ..conftest import Clock


def test_round_trip(store: Store, papers: list[ListedPaper], clock: Clock) -> None:
    store.papers.put(papers)
    name = papers[0].id
    judgements = [
        {"claim": "A2", "verdict": "holds", "value": 0.5, "low": None},
        {"claim": "A1", "verdict": "needs gpu", "value": None, "low": None},
    ]
    run = StoredRun(name, "abc", "laptop", "2 cores", clock.at, {"config": {"width": 3}})
    for _ in range(2):
        store.ledger.put(name, judgements, [run])
    assert store.ledger.judgements(name) == judgements
    assert store.ledger.runs(name) == [run]
    assert store.ledger.verdicts([name, "no such"]) == {name: [("A2", "holds"), ("A1", "needs gpu")]}
    assert store.ledger.papers() == [name]
    assert store.papers.ids(Filters(verdict="holds")) == store.papers.ids(Filters(verdict="needs")) == [name]
    assert store.papers.ids(Filters(verdict="does not hold")) == []
    got = store.papers.get(name)
    assert got is not None
    assert got.heat == trending.heat_of([(trending.RUN, clock.at)])
    assert store.votes.audit()["wrong_heat"] == []
