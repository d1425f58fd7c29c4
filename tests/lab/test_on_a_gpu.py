"""Trainings on a GPU repeat themselves and go on after an interruption; what runs there says where."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from octavo import runner
from octavo.lab import TensorData, time_side_by_side
from octavo.lab.determinism import levels
from octavo.lab.engine import PlainEngine
from octavo.lab.fit import fit
from octavo.lab.randomness import preserved_randomness, seed_global

SCRIPT = Path(__file__).with_name("repeated.py")
PAPERS = Path(__file__).parents[1] / "papers"


def test_trainings_are_repeated_and_resumed_bit_for_bit(gpu: torch.device, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CUBLAS_WORKSPACE_CONFIG"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(gpu), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcome = json.loads(done.stdout)
    assert outcome.pop("levels") == "D1+D2+D3"
    assert set(outcome) == {"language_model", "bilevel", "graph"}
    untrue = [(name, fact) for name, facts in outcome.items() for fact, true in facts.items() if not true]
    assert not untrue
    assert levels(gpu) == ("D1+D2+D3" if gpu.type == "cpu" else "D2+D3")


def test_the_generator_of_the_device_is_seeded_and_given_back(gpu: torch.device) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3, device=gpu)
    torch.manual_seed(0)
    drawn = []
    with preserved_randomness(gpu):
        for _ in range(2):
            seed_global(5, gpu)
            drawn.append(torch.nn.functional.dropout(torch.ones(100, device=gpu), 0.5))
    assert torch.equal(*drawn)
    assert torch.equal(torch.rand(3, device=gpu), expected)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_learns(precision: Any, gpu: torch.device) -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
    found = fit(
        "a line",
        model,
        lambda model, batch, _: (model(batch["x"])[:, 0] - batch["y"]).square().mean(),
        TensorData(x=x, y=x.sum(1)),
        steps=80,
        batch_size=32,
        learning_rate=1e-2,
        clip_norm=10.0,
        precision=precision,
        device=gpu,
    )
    assert next(model.parameters()).device.type == gpu.type
    assert found.history["loss"][-1] < 0.3 * found.history["loss"][0]
    # Small gradients of float16 are scaled, and the state of the scaler is kept.
    assert bool(PlainEngine(gpu, precision).state_dict()) is (precision == "float16")


def test_times_are_those_of_the_work_and_not_of_asking_for_it(gpu: torch.device) -> None:
    if gpu.type != "cuda":
        pytest.skip("a CPU has no queue")
    cycles = 20_000_000
    timings = time_side_by_side(
        {"work": lambda: torch.cuda._sleep(cycles), "nothing": lambda: None},
        repeats=5,
        device=str(gpu),
    )
    assert timings.median("work") > cycles / 3e9
    # Not charged with the work of the one before.
    assert timings.median("nothing") < 0.2 * timings.median("work")


def test_a_run_says_on_which_gpu_it_was(
    gpu: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVO_PAPERS", str(PAPERS))
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path))
    plan = runner.plan("small_lines", "smoke", seeds=1, device=str(gpu))
    outcome = runner.run(plan, jobs=1, progress=False)
    assert not outcome.failed, outcome.failed[0]
    said = {line.part: line.provenance for line in outcome.run.units()}
    assert {each["device"] for each in said.values()} == {str(gpu)}
    assert {each["determinism"] for each in said.values()} == {levels(gpu)}
    if gpu.type == "cuda":
        assert {each["gpu"] for each in said.values()} == {torch.cuda.get_device_name(gpu)}
        assert all(each["cuda"] == torch.version.cuda and each["tf32"] is False for each in said.values())
        assert 0 < said["descent"]["peak_gpu_memory_mib"] < 1000
    else:
        assert not any("gpu" in each or "peak_gpu_memory_mib" in each for each in said.values())
