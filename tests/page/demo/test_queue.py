"""A demo runs in a process of its own, and whatever it does, the page goes on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from octavo.page.demo.form import Form
from octavo.page.demo.queue import Busy, Demos, _end
from octavo.page.demo.worker import Failed, Shown
from octavo.page.settings import DemoLimits

LIMITS = DemoLimits(seconds=20, memory=1 << 30, waiting=1)


@pytest.fixture(scope="module")
def demos() -> Demos:
    return Demos(LIMITS)


def run(demos: Demos, **values: str) -> Shown | Failed:
    return asyncio.run(demos.run("restless", values))


def test_a_form_and_a_figure(demos: Demos) -> None:
    form = demos.forms(["restless"])["restless"]
    assert isinstance(form, Form)
    assert form.summary == "Does one thing."
    assert demos.known("restless") is form
    shown = run(demos, size="5", often="on")
    assert isinstance(shown, Shown), shown
    assert shown.figure
    assert shown.figure.startswith(b"\x89PNG")
    assert dict(shown.values) == {"size": "5", "often": "yes", "picture": "–"}
    assert not Path("scratch.txt").exists()


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("memory", "MB of memory"),
        ("network", "no network"),
        ("process", "starts no processes"),
        ("kill", "starts no processes"),
        ("die", "ended without an answer"),
        ("error", "size=3 came, 4 is needed; use 4"),
    ],
)
def test_what_a_demo_may_not_do(demos: Demos, what: str, why: str) -> None:
    failed = run(demos, what=what)
    assert isinstance(failed, Failed)
    assert why in failed.why


def test_files_of_the_machine_are_out_of_reach(demos: Demos, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    failed = run(demos, what="read", path=str(secret))
    assert isinstance(failed, Failed)
    assert "reads no files" in failed.why
    failed = run(demos, what="write", path=str(tmp_path / "written"))
    assert isinstance(failed, Failed)
    assert "writes no files" in failed.why
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize("what", ["sleep", "spin"])
def test_time_is_limited(what: str) -> None:
    failed = run(Demos(DemoLimits(seconds=3)), what=what)
    assert isinstance(failed, Failed)
    assert "3 seconds" in failed.why


def test_no_more_wait_than_may() -> None:
    async def crowd() -> list[object]:
        demos = Demos(DemoLimits(seconds=2, waiting=1))
        runs = [demos.run("restless", {"what": "sleep"}) for _ in range(3)]
        return await asyncio.gather(*runs, return_exceptions=True)

    answers = asyncio.run(crowd())
    assert [type(answer) for answer in answers] == [Failed, Failed, Busy]


class Lingering:
    """A killed process that a busy machine has not let go yet."""

    pid = None
    joined = 0

    def join(self, timeout: float) -> None:
        self.joined += 1

    def is_alive(self) -> bool:
        return True

    def close(self) -> None:
        raise ValueError("Cannot close a process while it is still running.")


def test_a_process_that_is_slow_to_go_is_no_fault() -> None:
    process: Any = Lingering()
    _end(process)
    assert process.joined == 2
