"""The papers of these tests, and a folder of its own for each run."""

from pathlib import Path

import pytest

PAPERS = Path(__file__).parents[1] / "papers"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OCTAVO_PAPERS", str(PAPERS))
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"
