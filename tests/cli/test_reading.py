"""The commands that only read: papers, show, search, ledger, data."""

from collections.abc import Callable
from typing import Any

import pytest

from octavo import catalogue
from octavo.cli import output


def test_papers_lists_every_paper_once(octavo: Callable[..., Any]) -> None:
    said = octavo("papers")
    assert said.code == 0
    for paper in catalogue.papers():
        assert f" {paper.slug} " in said.out


def test_papers_as_json(octavo: Callable[..., Any]) -> None:
    rows = octavo("papers", "--json").json
    assert len(rows) == len(catalogue.papers())
    assert {"slug", "shelf", "title", "arxiv", "year", "runs"} <= set(rows[0])
    assert {row["slug"] for row in rows if row["runs"]} == {p.slug for p in catalogue.papers() if p.runs}


def test_papers_can_be_narrowed(octavo: Callable[..., Any]) -> None:
    rows = octavo("papers", "--shelf", "vision", "--json").json
    assert {row["shelf"] for row in rows} == {"vision"}
    assert all(row["runs"] for row in octavo("papers", "--runs", "--json").json)
    task = rows[0]["tasks"][0]
    assert all(task in row["tasks"] for row in octavo("papers", "--task", task, "--json").json)


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("command", ["papers", "show aaren", "data", "ledger"])
def test_lines_fit_the_terminal(
    octavo: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, command: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    said = octavo(*command.split())
    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= width
    assert "\x1b" not in said.out


def test_show_says_how_to_use_a_paper_that_runs(octavo: Callable[..., Any]) -> None:
    said = octavo("show", "aaren").out
    assert "from octavo.sequence import Aaren" in said
    assert "octavo run aaren" in said
    assert all(claim.id in said for claim in catalogue.paper("aaren").claims)
    planned = next(paper for paper in catalogue.papers() if not paper.runs)
    assert "does not run yet" in octavo("show", planned.slug).out


def test_show_as_json(octavo: Callable[..., Any]) -> None:
    shown = octavo("show", "aaren", "--json").json
    assert shown["slug"] == "aaren"
    assert [row["claim"] for row in shown["claims"]] == [c.id for c in catalogue.paper("aaren").claims]


def test_search_puts_the_best_first(octavo: Callable[..., Any]) -> None:
    assert octavo("search", "pointer", "networks", "--json").json[0]["slug"] == "pointer_network"
    assert "lists them all" in octavo("search", "zzzzzz").out


def test_ledger_as_json_has_every_claim(octavo: Callable[..., Any]) -> None:
    rows = octavo("ledger", "--json").json
    wanted = {"paper", "claim", "says", "paper_figure", "condition", "verdict", "scale", "seeds", "measured"}
    assert all(wanted <= set(row) for row in rows)
    assert len(rows) == sum(len(paper.claims) for paper in catalogue.papers())


def test_data_knows_who_uses_what(octavo: Callable[..., Any]) -> None:
    rows = {row["name"]: row for row in octavo("data", "--json").json}
    assert "aaren" in rows["BasicMotions"]["used_by"]
    assert rows["Sin"]["here"]
    assert not any(row["here"] for row in octavo("data", "--missing", "--json").json)


def test_get_of_what_is_generated_fetches_nothing(octavo: Callable[..., Any]) -> None:
    assert "nothing to fetch" in octavo("data", "get", "Sin").out


def test_json_has_no_number_that_is_not_one() -> None:
    assert output.plain({"a": [float("nan"), float("-inf"), 1.5, True, None]}) == {
        "a": [None, None, 1.5, True, None]
    }


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.6, "60 s"), (61, "1 min 1 s"), (7265, "2 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert output.duration(seconds) == text
