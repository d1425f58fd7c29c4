"""A paper whose demo misbehaves on demand."""

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs octavo[page]")


@pytest.fixture(autouse=True)
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_PAPERS", str(Path(__file__).parent / "papers"))
