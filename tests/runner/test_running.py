import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from octavo import runner
from octavo.errors import OctavoError
from octavo.lab.folder import FolderError, Run
from octavo.runner.plans import Plan

SCRIPT = Path(__file__).with_name("scripted_run.py")


def quiet(plan: Plan, jobs: int = 1, **settings: object) -> runner.Outcome:
    return runner.run(plan, jobs=jobs, progress=False, **settings)  # type: ignore[arg-type]


def test_processes_make_the_same_records_as_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    settings = {"trace": str(trace), "steps": 20}
    alone = quiet(runner.plan("small_lines", overrides=settings))
    trace.unlink()
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path / "other"))
    beside = quiet(runner.plan("small_lines", overrides=settings), jobs=2)
    assert alone.run.folder != beside.run.folder
    assert len(beside.done) == 7
    assert beside.run.records() == alone.run.records()
    for record in alone.run.records().where(metric="error"):
        assert (beside.run.items(record) == alone.run.items(record)).all()
    assert not (beside.run.folder / "work").exists()

    moments: dict[str, dict[str, float]] = {}
    for line in trace.read_text().splitlines():
        moment, part, seed, at = line.split()
        moments.setdefault(f"{part} {seed}", {})[moment] = float(at)
    timed = moments.pop("alone 0")
    assert all(other["end"] < timed["begin"] for other in moments.values())


def test_what_is_on_disk_is_not_run_again(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    plan = runner.plan("small_lines", "smoke", {"trace": str(trace)})
    first = quiet(plan)
    begun, records = trace.read_text(), first.run.records()
    again = quiet(plan)
    assert (first.measured, again.measured) == (7, 0)
    assert trace.read_text() == begun
    more = quiet(runner.plan("small_lines", "smoke", {"trace": str(trace)}, seeds=3))
    assert more.measured == 3
    assert more.run.records().where(part="descent").seeds == (0, 1, 2)
    assert more.run.records().where(seed=(0, 1)) == records


def test_again_drops_what_is_asked_for_alone(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    settings = {"trace": str(trace)}
    before = quiet(runner.plan("small_lines", "smoke", settings))
    records, units = before.run.records(), before.run.units()
    trace.unlink()
    again = quiet(runner.plan("small_lines", "smoke", settings, parts=["descent"], seeds=1, fresh=True))
    assert again.measured == 1
    assert again.run.records() == records
    assert len(again.run.units()) == len(units)
    # Not by their seconds: two units of a millisecond may take the same.
    assert {tuple(line.split()[1:3]) for line in trace.read_text().splitlines()} == {("descent", "0")}
    (aside,) = (path for path in before.run.folder.parent.iterdir() if "." in path.name)
    assert (Run(aside).records(), Run(aside).units()) == (records, units)


def test_figures_are_drawn_and_a_plot_that_cannot_be_is_a_note() -> None:
    outcome = quiet(runner.plan("small_lines", "smoke"))
    assert [figure.name for figure in outcome.figures] == ["errors.png"]
    assert outcome.figures[0].read_bytes().startswith(b"\x89PNG")
    assert any("impossible" in note for note in outcome.notes)


def test_global_generators_do_not_remember_earlier_units() -> None:
    together = quiet(runner.plan("small_lines", "smoke")).run.records().where(part="ambient", seed=1)
    random.random()
    only = quiet(runner.plan("small_lines", "smoke", parts=["ambient"], fresh=True))
    assert only.run.records().where(part="ambient", seed=1) == together


def test_fresh_keeps_the_earlier_records_aside(own_folder: Path) -> None:
    quiet(runner.plan("small_lines", "smoke", parts=["ambient"]))
    outcome = quiet(runner.plan("small_lines", "smoke", parts=["ambient"], fresh=True))
    assert outcome.measured == 2
    kept = [folder for folder in (own_folder / "small_lines").iterdir() if folder != outcome.run.folder]
    assert len(Run(kept[0]).records()) == 8
    assert str(kept[0]) in " ".join(outcome.notes)


def test_each_fate_has_its_status(tmp_path: Path) -> None:
    settings = {"mended": str(tmp_path / "mended")}
    plan = runner.plan("mixed_fates", overrides=settings)
    outcome = quiet(plan, jobs=2, limit=20)
    ended = {line.part: line for line in outcome.run.units()}
    assert {part: line.status for part, line in ended.items()} == {
        "ends_well": "done",
        "raises": "failed",
        "diverges": "diverged",
        "lacks": "needs",
        "dies": "failed",
        "lingers": "timeout",
    }
    assert "ZeroDivisionError: a sum went wrong" in ended["raises"].why
    assert "ZeroDivisionError" in (outcome.run.folder / "failures" / "raises-0.txt").read_text()
    assert "killed" in ended["dies"].why
    assert ended["lacks"].needs == "NoSuchSet"
    assert "longer than 20 s" in ended["lingers"].why
    assert {line.part for line in outcome.failed} == {"raises", "dies", "lingers"}
    assert outcome.run.records().where(part="diverges").systems == ("steady",)

    # What failed is tried again; what lacks its data, what diverged and what is done are left alone.
    (tmp_path / "mended").touch()
    mended = quiet(plan)
    assert mended.measured == 3
    assert {line.part for line in mended.done} == {"ends_well", "raises", "dies", "lingers"}
    assert not list((mended.run.folder / "failures").iterdir())


def test_a_full_disk_is_one_line_and_loses_nothing() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full to stand for a full disk")
    for jobs in (1, 2):
        plan = runner.plan("small_lines", "smoke", {"points": 16 + jobs})
        run = quiet(runner.plan("small_lines", "smoke", {"points": 16 + jobs}, parts=["ambient"])).run
        records, file = run.records(), run.folder / "records.jsonl"
        kept = file.rename(file.with_name("kept"))
        file.symlink_to("/dev/full")
        with pytest.raises(FolderError, match="No space left on device") as caught:
            quiet(plan, jobs=jobs)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 2
        kept.replace(file)
        assert run.records() == records
        assert quiet(plan).run.records().where(part="ambient") == records


def test_a_folder_that_cannot_be_written_stops_the_run_before_it_begins(own_folder: Path) -> None:
    own_folder.write_text("a file where the folder should be")
    with pytest.raises(FolderError, match="cannot be written"):
        quiet(runner.plan("small_lines", "smoke"))


def test_a_second_run_on_one_folder_is_refused() -> None:
    plan = runner.plan("small_lines", "smoke")
    with plan.create().locked(), pytest.raises(OctavoError, match="Another run is writing"):
        quiet(plan)


def test_code_that_has_changed_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    from octavo.lab import provenance

    quiet(runner.plan("small_lines", "smoke"))
    assert runner.lookup("small_lines", "smoke") is not None
    monkeypatch.setattr(provenance, "code_hash", lambda folder: "00000000")
    outcome = quiet(runner.plan("small_lines", "smoke"))
    assert outcome.measured == 0
    assert any("has changed since 7 of 7 units" in note for note in outcome.notes)


@pytest.mark.parametrize("settings", [{"jobs": 0}, {"jobs": 1, "threads": 0}])
def test_nonsense_is_refused(settings: dict) -> None:
    with pytest.raises(OctavoError, match="at least 1"):
        quiet(runner.plan("small_lines", "smoke"), **settings)


def test_what_a_kill_left_of_a_finished_unit_is_cleared_away() -> None:
    plan = runner.plan("small_lines", "smoke")
    first = quiet(plan)
    left = first.run.work("descent", 0)
    left.mkdir(parents=True)
    (left / "checkpoint").touch()
    assert quiet(plan).measured == 0
    assert not left.parent.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to start a run at once")
def test_a_run_killed_at_ten_random_moments_comes_to_the_same_records(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"pause": 0.05}
    whole = quiet(runner.plan("small_lines", overrides=settings))
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path / "killed"))
    plan = runner.plan("small_lines", overrides=settings)
    moments = random.Random(0)
    alive = 0
    for _ in range(10):
        child = os.fork()
        if child == 0:
            try:
                quiet(plan)
            finally:
                os._exit(0)
        time.sleep(moments.uniform(0.02, min(1.0, whole.seconds / 5)))
        os.kill(child, signal.SIGKILL)
        alive += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    # A line that a kill cut short.
    (plan.folder / "records.jsonl").open("a").write('{"paper": "small_lines", "pa')
    rest = quiet(plan)
    assert alive >= 5
    assert rest.run.records() == whole.run.records()
    assert len(rest.done) == 7
    assert not (rest.run.folder / "work").exists()


def children_of(folder: Path) -> list[int]:
    """The processes that have this folder in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                if str(folder).encode() in (process / "environ").read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue
    return found


def hear_ctrl_c() -> None:
    """A shell starts what runs in the background deaf to Ctrl-C, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes through /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(how: signal.Signals, own_folder: Path) -> None:
    command = [sys.executable, str(SCRIPT), "small_lines", "laptop", "2", "pause=30.0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c)
    deadline = time.monotonic() + 60
    while not list(own_folder.glob("*/*/records.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(children_of(own_folder)) == 3
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    deadline = time.monotonic() + 10
    while children_of(own_folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children_of(own_folder) == []
    assert "\x1b" not in said
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "0 of 7 units of small_lines are done and kept" in said.splitlines()[-1]
        assert "Traceback" not in said


@pytest.mark.parametrize(("device", "said"), [("nonsense", "does not know"), ("cuda:99", "torch sees")])
def test_a_device_that_is_not_here_is_refused_before_work(device: str, said: str) -> None:
    plan = runner.plan("small_lines", "smoke", device=device)
    with pytest.raises(OctavoError, match=said):
        quiet(plan)
    assert not plan.folder.exists()
