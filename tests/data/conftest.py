"""Every test of the data has folders of its own."""

from pathlib import Path

import pytest


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder and a cache that nothing else writes to; the data folder is returned."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("OCTAVO_DATA", str(data))
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "cache"))
    return data
