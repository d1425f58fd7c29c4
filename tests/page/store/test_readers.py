"""Tags, follows, and one's own data out, in and away."""

import pytest

from octavo.errors import OctavoError
from octavo.page.store import ListedPaper, Store


def test_export_import_and_delete(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)
    readers = store.readers
    readers.tag("ada", papers[0].id)
    readers.tag("ada", papers[1].id, "to  try")
    readers.tag("ada", papers[1].id, "to try")
    follow = readers.follow("ada", "search", " constant   memory ")
    assert readers.follow("ada", "search", "constant memory") == follow
    store.votes.cast("ada", papers[2].id)
    store.votes.cast("bob", papers[2].id)
    kept = readers.export("ada")
    assert kept["tags"] == {"read": [papers[0].id], "to try": [papers[1].id]}
    assert kept["follows"] == [{"kind": "search", "value": "constant memory"}]
    readers.forget("ada")
    assert readers.export("ada") == {"votes": [], "tags": {}, "follows": []}
    got = store.papers.get(papers[2].id)
    assert got is not None
    assert got.votes == 1
    readers.restore("ada", kept)
    assert readers.export("ada") == kept
    assert store.votes.audit()["wrong_heat"] == []


def test_what_cannot_be_kept(store: Store) -> None:
    with pytest.raises(OctavoError, match="1 to 64 letters, got 0"):
        store.readers.tag("ada", "p", "  ")
    with pytest.raises(OctavoError, match="got 'page'"):
        store.readers.follow("ada", "page", "x")  # type: ignore[arg-type]


def test_taking_off(store: Store) -> None:
    store.readers.tag("ada", "p")
    assert store.readers.untag("ada", "p")
    assert not store.readers.untag("ada", "p")
    follow = store.readers.follow("ada", "shelf", "sequence")
    assert not store.readers.unfollow("bob", follow.id)
    assert store.readers.unfollow("ada", follow.id)
    assert store.readers.follows("ada") == []
