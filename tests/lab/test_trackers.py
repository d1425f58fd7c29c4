import json
import logging
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from octavo.errors import Missing, OctavoError
from octavo.lab.loop import Loop
from octavo.lab.state import State
from octavo.lab.trackers import JsonlLog, tracker


def step(state: State, batch: Any, context: Any) -> dict[str, float]:
    return {"loss": float(context.step), "odd": float("inf")}


def interrupted(state: State, batch: Any, context: Any) -> dict[str, float]:
    if context.step == 17:
        raise KeyboardInterrupt
    return step(state, batch, context)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class Recording:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def start(self, name: str, settings: Mapping[str, Any]) -> None:
        self.calls.append(("start", name))

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        self.calls.append(("log", step, numbers.get("loss")))

    def finish(self, status: str) -> None:
        self.calls.append(("finish", status))


class Failing(Recording):
    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        super().log(step, numbers)
        raise ConnectionError("no route")


def test_the_log_of_a_resumed_training_has_each_step_once(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 30, "log_every": 3, "checkpoint_every": 10, "folder": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        Loop(interrupted, State(), **settings).run()
    log = tmp_path / "log.jsonl"
    assert [line["step"] for line in lines(log)] == [3, 6, 9, 12, 15]
    with log.open("a") as file:
        file.write('{"step": 16, "lo')
    Loop(step, State(), **settings).run()
    written = lines(log)
    assert [line["step"] for line in written] == list(range(3, 31, 3))
    assert [line["loss"] for line in written] == [float(place - 1) for place in range(3, 31, 3)]
    assert written[0]["odd"] == "inf"


def test_a_mirror_that_fails_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    failing, recording = Failing(), Recording()
    with caplog.at_level(logging.WARNING):
        result = Loop(step, State(), steps=30, trackers=[failing, recording]).run()
    assert result.status == "done"
    assert failing.calls == [("start", "training"), ("log", 10, 9.0)]
    assert "Failing failed (ConnectionError: no route); the training goes on without it" in caplog.text
    assert recording.calls[-2:] == [("log", 30, 29.0), ("finish", "done")]


def test_a_training_that_breaks_says_so_to_its_trackers() -> None:
    recording = Recording()
    with pytest.raises(KeyboardInterrupt):
        Loop(interrupted, State(), steps=30, trackers=[recording]).run()
    assert recording.calls[-1] == ("finish", "failed")


@pytest.mark.parametrize("name", ["wandb", "trackio", "swanlab"])
def test_packages_like_wandb_are_called_as_they_expect(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    run = types.SimpleNamespace(
        log=lambda numbers, step: calls.append(("log", step, numbers["loss"])),
        finish=lambda: calls.append(("finish",)),
    )

    def init(project: str, name: str, config: dict[str, Any]) -> types.SimpleNamespace:
        calls.append(("init", project, name, config["steps"]))
        return run

    monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(init=init))  # type: ignore[arg-type]
    Loop(step, State(), steps=10, trackers=[tracker(name)]).run()
    assert calls == [("init", "octavo", "training", 10), ("log", 10, 9.0), ("finish",)]


def test_mlflow_is_called_as_it_expects(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    module = types.SimpleNamespace(
        set_experiment=lambda name: calls.append(("experiment", name)),
        start_run=lambda run_name: calls.append(("run", run_name)),
        log_params=lambda parameters: calls.append(("steps", parameters["steps"])),
        log_metrics=lambda numbers, step: calls.append(("log", step, numbers["loss"])),
        end_run=lambda status: calls.append(("end", status)),
    )
    monkeypatch.setitem(sys.modules, "mlflow", module)  # type: ignore[arg-type]
    Loop(step, State(), steps=10, trackers=[tracker("mlflow")]).run()
    assert calls == [
        ("experiment", "octavo"),
        ("run", "training"),
        ("steps", 10),
        ("log", 10, 9.0),
        ("end", "FINISHED"),
    ]


def test_a_tracker_that_is_not_there_is_said_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # type: ignore[arg-type]
    with pytest.raises(Missing, match="pip install wandb"):
        tracker("wandb")
    with pytest.raises(OctavoError, match="tracker 'excel' is unknown; use tensorboard"):
        tracker("excel")


def test_a_log_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OctavoError, match="cannot write"):
        JsonlLog(tmp_path / "file" / "log.jsonl").start("training", {})
