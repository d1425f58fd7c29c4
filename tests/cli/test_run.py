"""`octavo run`: flags, the table, what is on disk, JSON."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

QUICK = ("--scale", "smoke", "--part", "closed_form", "--jobs", "1")


def test_prints_claims_paths_and_time(small_papers: Path, octavo: Callable[..., Any]) -> None:
    said = octavo("run", "small_lines", *QUICK)
    assert said.code == 0
    assert "The closed form has a lower error" in said.out
    assert "(smoke)" in said.out
    (folder,) = small_papers.glob("runs/small_lines/smoke-*")
    assert f"records runs/small_lines/{folder.name}" in said.out
    assert "2 units of work" in said.out


def test_json_is_alone_on_standard_output(small_papers: Path, octavo: Callable[..., Any]) -> None:
    answer = octavo("run", "small_lines", *QUICK, "--json").json
    assert answer["measured_units"] == 2
    assert [row["claim"] for row in answer["claims"]] == ["closed_form"]
    assert answer["claims"][0]["seeds"] == 2
    assert octavo("run", "small_lines", *QUICK, "--json").json["measured_units"] == 0


def test_again_measures_anew(small_papers: Path, octavo: Callable[..., Any]) -> None:
    octavo("run", "small_lines", *QUICK)
    assert octavo("run", "small_lines", *QUICK, "--again", "--json").json["measured_units"] == 2


def test_a_field_of_the_config_is_a_flag(small_papers: Path, octavo: Callable[..., Any]) -> None:
    for points in ("16", "20"):
        octavo("run", "--points", points, "small_lines", *QUICK)
    # 16 is what the scale says, so this is the scale's own run; 20 is another.
    assert len(list(small_papers.glob("runs/small_lines/smoke-*"))) == 2


def test_help_lists_the_flags_of_the_paper(small_papers: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from octavo.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["run", "small_lines", "--scale", "smoke", "--help"])
    assert ended.value.code == 0
    out = capfd.readouterr().out
    assert "--points INT" in out
    assert "Points of each line. (default: 16)" in out
    assert out.count("--seeds") == 1


def test_a_failed_unit_is_exit_code_1_and_keeps_the_rest(
    small_papers: Path, octavo: Callable[..., Any]
) -> None:
    parts = ("--part", "raises", "--part", "ends_well", "--jobs", "1", "--scale", "smoke")
    said = octavo("run", "mixed_fates", *parts)
    assert said.code == 1
    last = said.err.splitlines()[-1]
    assert last.startswith("octavo: 1 of 2 units did not end well.")
    assert "ZeroDivisionError: a sum went wrong" in last
    assert "Traceback" not in said.err
    assert "records" in said.out


def test_what_is_missing_is_no_failure(small_papers: Path, octavo: Callable[..., Any]) -> None:
    said = octavo("run", "mixed_fates", "--part", "lacks", "--jobs", "1", "--scale", "smoke", "--json")
    assert said.code == 0
    assert said.json["units"][0]["status"] == "needs"


def test_a_loss_that_is_not_a_number_is_exit_code_1(small_papers: Path, octavo: Callable[..., Any]) -> None:
    said = octavo("run", "mixed_fates", "--part", "diverges", "--jobs", "1", "--scale", "smoke")
    assert said.code == 1
    assert "not finite" in said.err.splitlines()[-1]


def test_a_complete_run_answers_without_torch(small_papers: Path, octavo: Callable[..., Any]) -> None:
    assert octavo("run", "small_lines", "--scale", "smoke", "--jobs", "1").code == 0
    code = (
        "import sys; from octavo.cli import main; code = main(['run', 'small_lines', '--scale', 'smoke']);"
        "print(code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "0 False"
    assert "all of it was on disk" in done.stdout
