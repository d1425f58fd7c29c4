import subprocess
import sys
from pathlib import Path

import pytest

from octavo import data, runner
from octavo.runner.shelved import may_have_come

ASK = """
import sys, time
from octavo import runner
start = time.perf_counter()
run = runner.lookup("small_lines", "smoke")
print(run.folder.name, len(run.records()), time.perf_counter() - start)
heavy = ("torch", "numpy", "matplotlib", "octavo.learning.small_lines")
print([name for name in heavy if name in sys.modules])
"""


def test_a_complete_run_is_found_without_torch() -> None:
    assert runner.lookup("small_lines", "smoke") is None
    outcome = runner.run(runner.plan("small_lines", "smoke"), jobs=1, progress=False)
    said = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout
    found, loaded = said.splitlines()
    assert found.split()[:2] == [outcome.run.folder.name, str(len(outcome.run.records()))]
    assert float(found.split()[2]) < 0.2
    assert loaded == "[]"


def test_a_run_with_flags_does_not_answer_for_the_scale() -> None:
    runner.run(runner.plan("small_lines", "smoke", {"points": 17}), jobs=1, progress=False)
    runner.run(runner.plan("small_lines", "smoke", parts=["ambient"]), jobs=1, progress=False)
    assert runner.lookup("small_lines", "smoke") is None


def test_an_incomplete_folder_does_not_answer() -> None:
    run = runner.run(runner.plan("small_lines", "smoke"), jobs=1, progress=False).run
    units = run.folder / "units.jsonl"
    units.write_text("".join(units.read_text().splitlines(keepends=True)[:-1]))
    assert runner.lookup("small_lines", "smoke") is None


def test_changed_code_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from octavo.runner import shelved

    runner.run(runner.plan("small_lines", "smoke"), jobs=1, progress=False)
    monkeypatch.setattr(shelved, "code_hash", lambda folder: "00000000")
    assert runner.lookup("small_lines", "smoke") is None


def test_what_was_missing_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    absent = next(entry.name for entry in data.entries())
    monkeypatch.setattr(data, "available", lambda name: False)
    assert not may_have_come(absent)
    monkeypatch.setattr(data, "available", lambda name: True)
    assert may_have_come(absent)
    assert may_have_come("torch")
    assert not may_have_come("no_such_package")
