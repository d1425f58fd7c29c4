"""Whatever is wrong is said in one line, with the right exit code and never with a traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import octavo.cli
from octavo.errors import Missing, RunFailed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("paper", "Did you mean papers?"),
        ("-x", "no option"),
        ("show", "needs PAPER"),
        ("show arn", "Did you mean aaren?"),
        ("show aaren extra", "does not know what to do with 'extra'"),
        ("papers --shelf sequenc", "Did you mean sequence?"),
        ("papers --task nothing_like_it", "There are"),
        ("papers --jsn", "Did you mean --json?"),
        ("search", "needs WORDS"),
        ("run", "needs PAPER"),
        ("run arn", "Did you mean aaren?"),
        ("run pointer_network", "does not run yet"),
        ("demo pointer_network", "no demo yet"),
        ("data fetch", "does not know 'fetch'"),
        ("data get BasicMotion", "BasicMotions"),
        ("ledger arn", "Did you mean aaren?"),
        ("compare Nothing", "Nothing"),
        ("new sequenc x --arxiv 2405.13956", "Did you mean sequence?"),
        ("new sequence 2x --arxiv 2405.13956", "lower case"),
        ("new sequence x", "--arxiv"),
        ("new sequence x --arxiv 24.1", "2405.13956"),
        ("new vision aaren --arxiv 2405.13956", "sequence"),
        ("check arn", "Did you mean aaren?"),
    ],
)
def test_bad_requests(refused: Callable[..., str], arguments: str, words: str) -> None:
    assert words in refused(*arguments.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--pionts 3", "Did you mean --points?"),
        ("--points many", "--points takes a whole number, got 'many'."),
        ("--dropout much", "--dropout takes a number, got 'much'."),
        ("--limit soon", "--limit takes a number, got 'soon'."),
        ("--scale smok", "Did you mean smoke?"),
        ("--scale smoke --part closed", "Did you mean closed_form?"),
        ("--seeds 0", "at least one"),
        ("--points", "--points"),
    ],
)
def test_bad_flags_of_a_run(
    small_papers: Path, refused: Callable[..., str], arguments: str, words: str
) -> None:
    assert words in refused("run", "small_lines", *arguments.split())


def test_a_wrong_card_names_file_and_key(papers_folder: Path, refused: Callable[..., str]) -> None:
    card = papers_folder / "vision" / "broken" / "paper.toml"
    card.parent.mkdir(parents=True)
    card.write_text('title = "Broken"\nyear = "recently"\n')
    said = refused("papers")
    assert "paper.toml" in said


def test_a_folder_that_cannot_be_written(
    small_papers: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_papers / "file").write_text("")
    monkeypatch.setenv("OCTAVO_RUNS", str(small_papers / "file"))
    assert "cannot be written" in refused("run", "small_lines", "--scale", "smoke")


def raising(error: BaseException) -> Callable[[list[str]], str]:
    def fail(arguments: list[str]) -> int:
        raise error

    return fail  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Missing("gpu", "Take a machine with one."), 2),
        (RunFailed("no end"), 1),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device", "records.jsonl"), 2),
        (OSError(30, "Read-only file system", "records.jsonl"), 2),
        (ZeroDivisionError("of ours"), 1),
    ],
)
def test_each_error_has_its_exit_code(
    octavo: Callable[..., object], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    monkeypatch.setattr("octavo.cli.papers.main", raising(error))
    said = octavo("papers")
    assert said.code == code
    assert said.err.count("\n") == 1
    assert said.err.startswith("octavo: ")


def test_what_nobody_expected_keeps_its_traceback(
    octavo: Callable[..., object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("octavo.cli.papers.main", raising(ZeroDivisionError("of ours")))
    assert "ZeroDivisionError: of ours" in octavo("papers").err
    (kept,) = tmp_path.glob("octavo-*.traceback")
    assert "Traceback" in kept.read_text()
    monkeypatch.setenv("OCTAVO_DEBUG", "1")
    assert "Traceback" in octavo("papers").err


def test_a_reader_that_leaves_hears_no_complaint() -> None:
    command = f"{sys.executable} -m octavo papers --json | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[\n", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_behind_standard_output() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "octavo", "papers"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "octavo: cannot write, no space left on device"


def test_every_command_has_a_module_and_help(capfd: pytest.CaptureFixture[str]) -> None:
    for command in octavo.cli.COMMANDS:
        with pytest.raises(SystemExit) as ended:
            octavo.cli._dispatch([command, "--help"])
        assert ended.value.code == 0
        out, err = capfd.readouterr()
        assert f"octavo {command}" in out
        assert err == ""
