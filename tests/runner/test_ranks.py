import os
import subprocess
import sys
from pathlib import Path

import pytest

from octavo import runner
from octavo.lab.folder import Run

SCRIPT = Path(__file__).with_name("scripted_run.py")


def test_two_processes_that_share_each_unit_have_the_loss_curve_of_one(tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is an extra: pip install 'octavo[dist]'")
    alone = runner.run(runner.plan("small_lines", overrides={"dropout": 0.0}), jobs=1, progress=False)
    launch = "-m accelerate.commands.launch --cpu --num_processes 2 --num_machines 1 --mixed_precision no"
    done = subprocess.run(
        [
            sys.executable,
            *launch.split(),
            "--dynamo_backend=no",
            "--main_process_port=0",
            str(SCRIPT),
            "small_lines",
            "laptop",
            "1",
            "dropout=0.0",
        ],
        env={**os.environ, "OCTAVO_RUNS": str(tmp_path / "shared"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder,) = [line for line in done.stdout.splitlines() if line.startswith(str(tmp_path))]
    shared = Run(folder)
    assert [line.status for line in shared.units()] == ["done"] * 7
    curve, expected = shared.records().where(part="descent"), alone.run.records().where(part="descent")
    assert [record.key for record in curve] == [record.key for record in expected]
    assert curve.values() == pytest.approx(expected.values(), rel=1e-6)
    # Each line was written once, by the first process.
    lines = (shared.folder / "records.jsonl").read_text().splitlines()
    assert len(lines) == len(shared.records())
