"""The commands that read published records: ledger, show, compare, verify; and publish."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octavo import catalogue, runner
from octavo.ledger import published
from octavo.ledger.publishing import write

from .conftest import PAPERS


@pytest.fixture
def published_lines(papers_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A paper whose closed form was measured and published."""
    monkeypatch.setenv("OCTAVO_RUNS", str(papers_folder.parent / "runs"))
    monkeypatch.chdir(papers_folder.parent)
    shutil.copytree(PAPERS / "learning" / "small_lines", papers_folder / "learning" / "small_lines")
    plan = runner.plan("small_lines", parts=["closed_form"])
    write(runner.run(plan, jobs=1, progress=False).run, published.folder("small_lines"))
    return papers_folder


def test_ledger_and_show_have_the_verdict(published_lines: Path, octavo: Callable[..., Any]) -> None:
    (row,) = octavo("ledger", "small_lines", "--json").json
    assert (row["paper"], row["claim"], row["scale"], row["seeds"]) == (
        "small_lines",
        "closed_form",
        "laptop",
        2,
    )
    for command in (("ledger",), ("ledger", "small_lines"), ("show", "small_lines")):
        said = octavo(*command).out
        assert f"{row['verdict']} (laptop)" in said
        assert row["measured"] in said
    assert row["verdict"] in octavo("ledger", "small_lines", "--markdown").out


def test_compare_puts_the_best_first(published_lines: Path, octavo: Callable[..., Any]) -> None:
    rows = octavo("compare", "line", "--metric", "error", "--json").json
    assert [row["system"] for row in rows] == ["closed_form", "constant"]
    assert all({"system", "paper", "metric", "mean", "low", "high", "seeds"} <= set(row) for row in rows)
    lines = octavo("compare", "LINE").out.splitlines()
    assert next(line for line in lines if line.startswith("error")) == "error on line  lower is better"
    assert any(line.startswith("1  closed_form  small_lines") for line in lines)


def test_compare_refuses_an_unknown_metric(published_lines: Path, refused: Callable[..., str]) -> None:
    assert "Did you mean error?" in refused("compare", "line", "--metric", "eror")


def test_compare_takes_a_metric_that_is_not_a_number(
    published_lines: Path, octavo: Callable[..., Any]
) -> None:
    (row,) = octavo("compare", "line", "--metric", "nothing", "--json").json
    assert row["mean"] is None
    assert "not a number" in octavo("compare", "line", "--metric", "nothing").out


def test_verify_confirms_what_was_measured_here(published_lines: Path, octavo: Callable[..., Any]) -> None:
    said = octavo("verify", "small_lines", "--part", "closed_form", "--jobs", "1")
    assert said.code == 0
    assert "3 of 3 numbers confirmed" in said.out


def test_verify_says_what_left(published_lines: Path, octavo: Callable[..., Any]) -> None:
    records = published.folder("small_lines") / "records.jsonl"
    lines = records.read_text().splitlines(keepends=True)
    wrong = [line.replace('"value": ', '"value": 9') if '"constant"' in line else line for line in lines]
    assert wrong != lines
    records.write_text("".join(wrong))
    said = octavo("verify", "small_lines", "--part", "closed_form", "--jobs", "1", "--json")
    assert said.code == 1
    assert not said.json["passed"]
    left = {row["system"] for row in said.json["numbers"] if row["state"] == "outside"}
    assert left == {"constant"}


def test_publish_wants_a_run(published_lines: Path, refused: Callable[..., str]) -> None:
    assert catalogue.paper("small_lines").runs
    assert "no run of small_lines at scale paper" in refused("publish", "small_lines", "--scale", "paper")
