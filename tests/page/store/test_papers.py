"""Papers go in once, come out by filters and order, and keep what is ours."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import StatementError

from octavo.errors import OctavoError
from octavo.page.store import Filters, ListedPaper, Store, Upserted


def test_putting_in_twice_changes_nothing(store: Store, papers: list[ListedPaper]) -> None:
    assert store.papers.put(papers) == Upserted(inserted=6)
    assert store.papers.put(papers) == Upserted(unchanged=6)
    assert store.papers.count() == 6
    got = store.papers.get("2401.00003")
    assert got is not None
    assert replace(got, row=0) == papers[2]


def test_a_newer_version_takes_the_place_and_an_older_does_not(
    store: Store, papers: list[ListedPaper]
) -> None:
    store.papers.put(papers)
    newer = replace(papers[0], version=2, title="A new name", categories=("math.ST",))
    assert store.papers.put([newer]).updated == 1
    assert store.papers.put([papers[0]]).unchanged == 1
    got = store.papers.get("2401.00001v1")
    assert got is not None
    assert (got.title, got.row) == ("A new name", 1)
    assert store.papers.ids(Filters(category="math.ST")) == ["2401.00001"]
    assert "2401.00001" not in store.papers.ids(Filters(category="cs.CL"))


def test_two_versions_in_one_batch(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put([replace(papers[0], version=3, title="third"), papers[0]])
    assert [paper.title for paper in store.papers.listed()] == ["third"]


def test_filters_and_orders(store: Store, papers: list[ListedPaper]) -> None:
    ours = replace(papers[5], slug="aaren", shelf="sequence", runs=True, has_demo=True, source="octavo")
    store.papers.put([*papers[:5], ours])
    ids = [paper.id for paper in papers]
    listed = store.papers
    assert listed.ids(order="newest") == ids[::-1]
    assert listed.ids(order="newest", limit=2, offset=1) == ids[3:5][::-1]
    assert set(listed.ids(Filters(category="cs.CL"))) == set(ids[0::2])
    assert len(listed.ids(Filters(category="cs"))) == 6
    assert listed.ids(Filters(category="c")) == []
    assert listed.ids(Filters(since="2024-01-02", until="2024-01-03"), "newest") == [ids[2], ids[1]]
    assert listed.ids(Filters(shelf="sequence")) == listed.ids(Filters(has_demo=True)) == [ids[5]]
    assert listed.ids(Filters(ours=True)) == listed.ids(Filters(runs=True)) == [ids[5]]
    assert listed.ids(Filters(author="number2")) == [ids[1]]
    assert listed.ids(Filters(author="%")) == []
    assert listed.count(Filters(ours=False)) == 5
    assert listed.rows(Filters(category="cs.IR")) == [2, 4, 6]
    assert listed.get("aaren") == listed.get(ids[5])
    assert listed.get("no such") is None
    assert [paper.id for paper in listed.many([ids[4], "no such", ids[0]])] == [ids[4], ids[0]]
    assert [paper.row for paper in listed.by_rows([3, 99, 1])] == [3, 1]
    assert [paper.row for paper in listed.after(4, 10)] == [5, 6]
    assert listed.categories() == {"cs.CL": 3, "cs.LG": 3, "cs.IR": 3}
    with pytest.raises(OctavoError, match="trending, newest"):
        listed.listed(order="title; DROP TABLE papers")  # type: ignore[arg-type]


def test_an_import_leaves_what_is_ours(store: Store, papers: list[ListedPaper]) -> None:
    ours = replace(papers[0], slug="aaren", shelf="sequence", source="octavo", code="https://code")
    store.papers.put([ours])
    store.papers.put([replace(papers[0], abstract="From arXiv, mended.", version=2)])
    got = store.papers.get("aaren")
    assert got is not None
    assert (got.abstract, got.slug, got.source) == ("From arXiv, mended.", "aaren", "octavo")
    assert got.code == "https://code"


def test_withdrawn_papers_do_not_trend(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put([replace(papers[0], withdrawn=True), papers[1]])
    store.votes.cast("somebody", papers[0].id)
    assert store.papers.ids() == [papers[1].id]
    assert len(store.papers.ids(order="newest")) == 2


def test_daily_lists_are_snapshots(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)
    store.papers.put_listing("2024-02-01", {papers[0].id: 3, papers[1].id: 9})
    store.papers.put_listing("2024-02-01", {papers[0].id: 12, papers[1].id: 9})
    store.papers.put_listing("2024-01-31", {papers[2].id: 100})
    assert store.papers.ids(order="day") == [papers[0].id, papers[1].id]
    assert [p.id for p in store.papers.listed(order="day", day="2024-01-31")] == [papers[2].id]
    assert store.papers.days() == ["2024-02-01", "2024-01-31"]


def test_the_cursor_is_saved_with_the_papers_or_not_at_all(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers[:2], cursor=("snapshot", 17))
    assert store.jobs.cursor("snapshot") == 17
    with pytest.raises((StatementError, TypeError)):
        store.papers.put([papers[2]], cursor=("snapshot", object()))
    assert (store.jobs.cursor("snapshot"), store.papers.count()) == (17, 2)


def test_a_backup_is_a_store(store: Store, papers: list[ListedPaper], tmp_path: Path) -> None:
    store.papers.put(papers)
    if not store.database.is_sqlite:
        with pytest.raises(ValueError, match="pg_dump"):
            store.backup(tmp_path / "copy.sqlite")
        return
    store.backup(tmp_path / "copy.sqlite")
    copy = Store(f"sqlite:///{tmp_path / 'copy.sqlite'}", folder=tmp_path)
    assert copy.papers.count() == 6
    copy.close()


def test_other_databases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match="SQLite or PostgreSQL, got 'mysql'"):
        Store("mysql+pymysql://localhost/page", folder=tmp_path)
