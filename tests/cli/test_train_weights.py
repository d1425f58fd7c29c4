import json
from pathlib import Path

import pytest

from octavo.cli import main
from octavo.lab.reference import Weights, weights, weights_of

EXPERIMENT = '''
from dataclasses import dataclass

import torch

from octavo.lab import TensorData, weights


class Line(torch.nn.Linear):
    def save_pretrained(self, folder):
        from safetensors.torch import save_file

        save_file(self.state_dict(), folder / "model.safetensors")


@weights
def line(lab):
    """Doubles a number."""
    torch.manual_seed(0)
    model = Line(1, 1)
    x = torch.linspace(-1, 1, 16)[:, None]
    data = TensorData(x=x)
    lab.fit("line", model, lambda m, b, _: (m(b["x"]) - 2 * b["x"]).square().mean(), data, steps=40)
    lab.record(system="line", dataset="numbers", metric="error", value=0.5)
    return model
'''
CARD = """
title = "Lines"
arxiv = "2101.00001"
year = 2021
authors = ["A. Person"]
venue = "preprint"
summary = "A line."
tasks = ["image classification"]
"""


@pytest.fixture
def lines(papers_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path / "runs"))
    folder = papers_folder / "learning" / "lines"
    folder.mkdir(parents=True)
    (folder / "paper.toml").write_text(CARD)
    (folder / "__init__.py").write_text('"""Lines (arXiv 2101.00001)."""\n\n__all__: list[str] = []\n')
    (folder / "experiment.py").write_text(EXPERIMENT)
    return folder


def test_weights_come_with_their_provenance(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train-weights", "lines"]) == 0
    assert "line: step 40 of 40" in capsys.readouterr().out
    assert (lines / "weights" / "line" / "model.safetensors").is_file()
    told = json.loads((lines / "weights" / "line" / "provenance.json").read_text())
    assert told["summary"] == "Doubles a number."
    assert told["measured"] == [{"dataset": "numbers", "metric": "error", "unit": "", "value": 0.5}]
    assert told["bytes"] == (lines / "weights" / "line" / "model.safetensors").stat().st_size
    assert {"commit", "packages", "seconds", "seed", "cpu"} <= set(told)


def test_weights_do_not_count_as_a_change_of_the_code(lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from octavo.lab.provenance import Stopwatch

    seen: list[bool] = []

    def provenance(self: Stopwatch, **facts: object) -> dict[str, object]:
        seen.append((lines / "weights" / "line" / "model.safetensors").exists())
        return {}

    monkeypatch.setattr(Stopwatch, "provenance", provenance)
    assert main(["train-weights", "lines"]) == 0
    assert seen == [False]


def test_a_training_that_is_complete_is_read_back(lines: Path, tmp_path: Path) -> None:
    assert main(["train-weights", "lines", "--to", str(tmp_path / "a")]) == 0
    assert main(["train-weights", "lines", "--to", str(tmp_path / "b")]) == 0
    first, second = (tmp_path / name / "line" / "model.safetensors" for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_an_unknown_name_is_told(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train-weights", "lines", "--name", "circle"]) == 2
    assert "has no weights 'circle'. It has line." in capsys.readouterr().err


def test_a_paper_without_weights_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train-weights", "aaren"]) == 2
    assert "aaren comes without weights" in capsys.readouterr().err


def test_weights_too_large_to_ship_are_refused(lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.cli.train_weights.LARGEST", 8)
    assert main(["train-weights", "lines"]) == 2


def test_declared_weights_are_found_in_their_order() -> None:
    import types

    module = types.ModuleType("experiment")

    @weights
    def second(lab: object) -> None:
        """Trains."""

    first = Weights("first", lambda lab: lab)
    module.first, module.second, module.other = first, second, 3  # type: ignore[attr-defined]
    assert [each.name for each in weights_of(module)] == ["first", "second"]
    assert first("lab") == "lab"
