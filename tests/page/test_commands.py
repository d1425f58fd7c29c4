"""The commands of the page's store, and the search of all papers on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.cli import main
from octavo.page.store import ListedPaper, Store


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    monkeypatch.setenv("OCTAVO_PAGE", str(tmp_path / "page"))

    def call(*arguments: str, code: int = 0) -> str:
        capfd.readouterr()
        assert main(list(arguments)) == code
        out, err = capfd.readouterr()
        return err if code == 2 else out

    return call


def test_from_an_import_to_a_search(said: Callable[..., str], tmp_path: Path) -> None:
    assert "is empty" in said("search", "memory", "--all", code=2)
    lines = tmp_path / "own.jsonl"
    rows = [{"id": f"own-{n}", "title": f"Constant memory {n}"} for n in range(3)]
    lines.write_text("\n".join(map(json.dumps, [*rows, {}])))
    assert json.loads(said("page", "import", "jsonl", str(lines), "--json")) == {
        "papers": {"inserted": 3, "updated": 0, "unchanged": 0},
        "rejected": {"no title": 1},
    }
    assert "0 new" in said("page", "import", "jsonl", str(lines))
    found = json.loads(said("search", "constant", "memory", "1", "--all", "--json"))
    assert found[0]["id"] == "own-1"
    assert "by words" in found[0]["why"]
    assert "own-2" in said("search", "title:2", "--all")
    assert "No paper has" in said("search", "nothing", "--all")


def test_requests_that_cannot_be_met(said: Callable[..., str], tmp_path: Path) -> None:
    assert "needs a FILE" in said("page", "import", "arxiv", code=2)
    assert "takes no FILE" in said("page", "import", "library", "x", code=2)
    assert "There is no file" in said("page", "import", "daily", str(tmp_path / "no.jsonl"), code=2)


def test_trending_and_audit(said: Callable[..., str], tmp_path: Path) -> None:
    assert "No paper has been" in said("page", "trending")
    store = Store(folder=tmp_path / "page")
    store.papers.put([ListedPaper("a", "First", "x"), ListedPaper("b", "Second", "x")])
    store.votes.cast("ada", "b")
    warm = json.loads(said("page", "trending", "--json"))
    assert [each["id"] for each in warm["papers"]] == ["b"]
    assert "48 h" in said("page", "trending")
    assert "is that of the logs" in said("page", "audit")
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE papers SET heat = heat + 1 WHERE id = 'b'")
    assert "b: stored" in said("page", "audit", code=1)
    assert json.loads(said("page", "audit", "--json", code=1))["wrong_heat"][0]["paper"] == "b"
    store.close()
