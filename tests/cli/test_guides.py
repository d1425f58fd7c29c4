"""What the guides tell a newcomer to do works, word for word."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octavo import catalogue
from octavo.cli import requirements

DOCS = Path(__file__).parents[2] / "docs"


def files(markdown: str) -> dict[str, str]:
    """The files that a guide shows, each under a line that names it."""
    found = re.findall(r"^`([\w./]+)`:\n\n(`{3,})\w+\n(.*?)^\2$", markdown, re.MULTILINE | re.DOTALL)
    return {name: text for name, _, text in found}


def test_use_a_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = "\n".join(requirements.code_blocks((DOCS / "use_a_system.md").read_text(encoding="utf-8")))
    exec(compile(code, "use_a_system.md", "exec"), {"__name__": "guide"})


def test_add_a_paper(papers_folder: Path, octavo: Callable[..., Any]) -> None:
    assert (
        octavo("new", "learning", "squareplus", "--arxiv", "2112.11687", "--to", str(papers_folder)).code == 0
    )
    shown = files((DOCS / "add_a_paper.md").read_text(encoding="utf-8"))
    written = {str(file.relative_to(papers_folder)) for file in papers_folder.rglob("*") if file.is_file()}
    # All but the test of the card, which is right as it is written.
    assert written - set(shown) == {"tests/learning/squareplus/test_experiment.py"}
    for name, text in shown.items():
        (papers_folder / name).write_text(text, encoding="utf-8")

    rows = {row["requirement"]: row["problems"] for row in octavo("check", "squareplus", "--json").json}
    missing = rows.pop("published")
    assert missing == ["nothing is published: `octavo run squareplus`, then `octavo publish squareplus`"]
    assert not any(rows.values()), rows

    run = octavo("run", "squareplus", "--scale", "smoke", "--jobs", "1", "--json").json
    assert [row["claim"] for row in run["claims"]] == [c.id for c in catalogue.paper("squareplus").claims]
    assert run["claims"][0]["verdict"] in ("holds", "in direction", "undecided")
    shown_by_demo = octavo("demo", "squareplus", "--b", "0", "--figure", str(papers_folder / "it.png"))
    assert "largest distance from softplus  0.69" in shown_by_demo.out
    assert (papers_folder / "it.png").stat().st_size > 0

    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "--line-length=110"]
    done = subprocess.run([*ruff, str(papers_folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_the_paper_of_the_guide_passes_every_test(papers_folder: Path, octavo: Callable[..., Any]) -> None:
    octavo("new", "learning", "squareplus", "--arxiv", "2112.11687", "--to", str(papers_folder))
    for name, text in files((DOCS / "add_a_paper.md").read_text(encoding="utf-8")).items():
        (papers_folder / name).write_text(text, encoding="utf-8")
    tests = [
        str(papers_folder / "tests"),
        str(DOCS.parent / "tests" / "test_furniture.py"),
        "-k",
        "squareplus",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--import-mode=importlib", "-p", "no:cacheprovider", *tests],
        env={**os.environ, "OCTAVO_PAPERS": str(papers_folder)},
        cwd=DOCS.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d\d passed", done.stdout), "few tests were found"
