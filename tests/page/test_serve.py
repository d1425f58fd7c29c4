"""`octavo page serve`: for this machine alone unless it is told a secret, and up in one command."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs octavo[page]")

from octavo.cli import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dev", "--host", "0.0.0.0"], "for this machine alone"),
        (["--demo", "--host", "papers.example.org"], "for this machine alone"),
        ([], "OCTAVO_PAGE_SECRET"),
    ],
)
def test_what_is_refused(
    words: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OCTAVO_PAGE_SECRET", raising=False)
    assert main(["page", "serve", *words]) == 2
    assert message in capsys.readouterr().err


def test_one_command_opens_the_page(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "octavo", "page", "serve", "--demo", "--port", str(port)]
    environment = {**os.environ, "OCTAVO_PAGE": str(tmp_path)}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                    html = answer.read().decode()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        assert "Attention as an RNN" in html
    finally:
        server.terminate()
        assert server.wait(60) in (0, -15)
