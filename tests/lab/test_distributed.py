import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("ranks.py")
pytest.importorskip("accelerate")


def start(folder: Path, engine: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), engine],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: subprocess.Popen[str]) -> dict[str, Any]:
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors[-3000:]
    return json.loads(printed.split("OUTCOME")[1]) if "OUTCOME" in printed else {}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The same trainings in one plain process and in two of Accelerate, which share a folder."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    rendezvous = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    two = [
        start(folder / "two", "accelerate", RANK=str(rank), LOCAL_RANK=str(rank), **rendezvous)
        for rank in range(2)
    ]
    specification = importlib.util.spec_from_file_location("ranks", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    ranks = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(ranks)
    one = ranks.main(folder / "one", "plain")
    results = [outcome(process) for process in two]
    return {"one": one, "two": results[0]}


@pytest.mark.parametrize("training", ["usual", "pieces", "endless", "method", "loop"])
def test_two_processes_have_the_loss_curve_of_one(outcomes: dict[str, dict[str, Any]], training: str) -> None:
    one, two = (outcomes[name][training] for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one:
        assert len(one[name]) > 1
        assert two[name] == pytest.approx(one[name], rel=1e-6, abs=1e-7)


def test_two_processes_measure_each_item_once(outcomes: dict[str, dict[str, Any]]) -> None:
    one, two = outcomes["one"], outcomes["two"]
    assert len(two["items"]) == 23
    assert two["items"] == pytest.approx(one["items"], rel=1e-5)
    assert [entry["step"] for entry in two["evaluations"]] == [5, 10, 15, 20, 24]
    for first, second in zip(one["evaluations"], two["evaluations"], strict=True):
        assert second["error"] == pytest.approx(first["error"], rel=1e-6)


def test_two_processes_refuse_what_would_go_wrong_silently(outcomes: dict[str, dict[str, Any]]) -> None:
    two = outcomes["two"]
    assert "weights differ after 2 steps" in two["not averaged"]
    assert "batch_size=7" in two["odd batch"]
    assert "multiple of their number, 2" in two["odd batch"]


def test_a_loss_that_one_process_sees_break_ends_both(outcomes: dict[str, dict[str, Any]]) -> None:
    assert "the loss is not finite at step" in outcomes["two"]["broken"]
