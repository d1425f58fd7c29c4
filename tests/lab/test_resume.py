import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("shapes.py")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    """The driver's report; it forks, so it must not run in a process that may have threads."""
    folder = tmp_path_factory.mktemp("shapes")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("shape", ["language_model", "bilevel", "graph"])
@pytest.mark.parametrize(
    "fact",
    [
        "every process was killed",
        "a checkpoint was there",
        "ends as undisturbed",
        "is read back",
        "was killed while saving",
        "survives a torn checkpoint",
    ],
)
def test_killed_five_times(outcomes: dict[str, dict[str, bool]], shape: str, fact: str) -> None:
    assert outcomes[shape][fact]
