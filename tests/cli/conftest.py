"""Papers, runs and a terminal for the tests of the command line."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from octavo.cli import main

PAPERS = Path(__file__).parents[1] / "papers"


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is JSON and nothing else."""
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@pytest.fixture
def octavo(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command in this process."""

    def call(*arguments: str) -> Said:
        capfd.readouterr()
        code = main(list(arguments))
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def refused(octavo: Callable[..., Said]) -> Callable[..., str]:
    """Runs a command that cannot be met: exit code 2, one line on standard error and nothing else."""

    def call(*arguments: str) -> str:
        said = octavo(*arguments)
        assert said.code == 2, said
        assert said.out == ""
        assert said.err.startswith("octavo: ")
        assert said.err.count("\n") == 1
        assert "Traceback" not in said.err
        return said.err

    return call


@pytest.fixture
def small_papers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Papers that are over in seconds, runs in a folder of their own, and that folder."""
    monkeypatch.setenv("OCTAVO_PAPERS", str(PAPERS))
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
