"""`octavo new` and `octavo check`: the furniture of a paper, and what it lacks."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octavo import catalogue
from octavo.cli import check, furniture, requirements
from octavo.cli.new import write
from octavo.cli.places import Places


@pytest.fixture
def tide(papers_folder: Path, octavo: Callable[..., Any]) -> Path:
    """The folder of papers with one that was written just now."""
    said = octavo("new", "science", "tide", "--arxiv", "2405.00001", "--to", str(papers_folder))
    assert said.code == 0, said
    return papers_folder


def test_writes_all_the_furniture(tide: Path) -> None:
    paper = catalogue.paper("tide")
    assert (paper.arxiv, paper.year, paper.shelf, paper.public) == ("2405.00001", 2024, "science", ("Tide",))
    assert paper.runs
    assert paper.has_demo
    assert not requirements.files(paper)
    assert not any("$" in file.read_text() for file in tide.rglob("*") if file.is_file())


def test_what_is_written_is_formatted(tide: Path) -> None:
    config = Path(__file__).parents[2] / "pyproject.toml"
    # Outside the checkout ruff takes octavo for a stranger, and tests for code that wants docstrings.
    for command in (["format", "--check"], ["check", "--ignore", "D1,I001"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", str(config), "--no-cache", str(tide)]
        done = subprocess.run(ruff, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout


def test_what_is_written_imports_and_its_tests_say_what_is_missing(tide: Path) -> None:
    environment = {**os.environ, "OCTAVO_PAPERS": str(tide)}
    code = "from octavo.science import Tide; from octavo.science.tide import demo, experiment; print(Tide(4))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert "Linear(in_features=4" in done.stdout, done.stderr
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
        str(tide),
    ]
    done = subprocess.run(tests, env=environment, cwd=tide, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "to be written" in done.stdout
    assert "paper.toml has no claims" in done.stdout
    assert "ImportError" not in done.stdout


def test_check_says_what_is_missing(tide: Path, octavo: Callable[..., Any]) -> None:
    said = octavo("check", "tide", "--json")
    assert said.code == 1
    ok = {row["requirement"]: row["ok"] for row in said.json}
    assert list(ok) == [row.name for row in check.ROWS]
    assert {name for name, met in ok.items() if met} >= {"files", "public", "demo", "config", "examples"}
    assert {name for name, met in ok.items() if not met} >= {"written", "claims", "smoke", "published"}
    lines = octavo("check", "tide").out.splitlines()
    assert "ok       the furniture is complete" in lines
    assert "missing  the card's claims can be read" in lines


def test_a_reason_in_the_card_leaves_a_row_out(tide: Path, octavo: Callable[..., Any]) -> None:
    with (tide / "science" / "tide" / "paper.toml").open("a") as card:
        card.write('\n[opt_outs]\nsmoke = "the sea is too slow"\n')
    said = octavo("check", "tide").out
    assert "left out a smoke run measures every claim (the sea is too slow)" in said


def test_nothing_is_overwritten(tide: Path, refused: Callable[..., str]) -> None:
    before = {file: file.read_bytes() for file in tide.rglob("*") if file.is_file()}
    refused("new", "science", "tide", "--arxiv", "2405.00001", "--to", str(tide))
    (tide / "science" / "tide" / "system.py").unlink()
    refused("new", "science", "tide", "--arxiv", "2405.00001", "--to", str(tide))
    assert not (tide / "science" / "tide" / "system.py").exists()
    assert all(file.read_bytes() == content for file, content in before.items() if file.exists())


def test_a_planned_card_keeps_what_it_says(papers_folder: Path, octavo: Callable[..., Any]) -> None:
    places = Places.of(papers_folder, "science", "moon")
    places.card.parent.mkdir(parents=True)
    planned = 'title = "The moon costs $5"\narxiv = "1912.00001"\nyear = 2019\nauthors = ["Luna"]\n'
    planned += f'venue = "preprint"\nsummary = "It pulls."\ntasks = ["{catalogue.TASKS[0]}"]\n'
    places.card.write_text(planned + '\n[opt_outs]\ncompile = "too far"\n')
    assert octavo("new", "science", "moon", "--to", str(papers_folder)).code == 0
    card = tomllib.loads(places.card.read_text())
    assert card["title"] == "The moon costs $5"
    assert card["public"] == ["Moon"]
    assert card["opt_outs"] == {"compile": "too far"}
    assert "1912.00001" in (places.folder / "README.md").read_text()


def test_another_id_than_the_planned_card_is_refused(
    papers_folder: Path, refused: Callable[..., str]
) -> None:
    places = Places.of(papers_folder, "science", "moon")
    places.card.parent.mkdir(parents=True)
    card = furniture.CARD.replace("$arxiv", "1912.00001").replace("$year", "2019")
    places.card.write_text(card.replace("$task", catalogue.TASKS[0]))
    said = refused("new", "science", "moon", "--arxiv", "2001.00001", "--to", str(papers_folder))
    assert "1912.00001" in said


@pytest.mark.parametrize(
    ("arxiv", "year"), [("cs/0112017", 2001), ("hep-th/9901001", 1999), ("2405.13956", 2024)]
)
def test_the_year_is_that_of_the_id(tmp_path: Path, arxiv: str, year: int) -> None:
    places = Places.of(tmp_path, "science", "star")
    write(places, "science", "star", arxiv)
    assert tomllib.loads(places.card.read_text())["year"] == year


def test_papers_of_the_checkout_have_their_tests_beside_its_own() -> None:
    places = Places.of_paper(catalogue.paper("aaren"))
    assert places.tests == Path(__file__).parents[1] / "sequence" / "aaren"
    assert places.benchmark.parent.parent == Path(__file__).parents[2] / "benchmarks"
