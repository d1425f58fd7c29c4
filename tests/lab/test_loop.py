import logging
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from octavo.errors import OctavoError
from octavo.lab.batches import TensorData
from octavo.lab.checkpoint import Checkpoints
from octavo.lab.context import Context
from octavo.lab.engine import PlainEngine
from octavo.lab.loop import Loop
from octavo.lab.randomness import generator
from octavo.lab.result import Diverged
from octavo.lab.state import State


def counting(state: State, batch: Any, context: Context) -> dict[str, float]:
    state.total += torch.rand(()).item()
    return {"loss": state.total, **({"even": 1.0} if context.step % 2 == 0 else {})}


def test_without_data_or_modules(tmp_path: Path) -> None:
    state = State(total=0.0)
    result = Loop(counting, state, steps=6, folder=tmp_path).run()
    assert result.history["loss"][-1] == state.total
    assert [math.isnan(value) for value in result.history["even"]] == [False, True] * 3
    again = State(total=0.0)
    assert Loop(counting, again, steps=6, folder=tmp_path).run().history["loss"] == result.history["loss"]
    assert again.total == state.total


def test_the_global_randomness_of_a_step_is_its_own() -> None:
    def draw(state: State, batch: Any, context: Context) -> dict[str, float]:
        if context.step == 1:
            torch.rand(state.more)
        return {"drawn": torch.rand(()).item()}

    few, many = (Loop(draw, State(more=more), steps=4).run().history["drawn"] for more in (1, 1000))
    assert [a == b for a, b in zip(few, many, strict=True)] == [True, False, True, True]
    assert len(set(few)) == 4


def test_every_loss_is_watched_and_other_numbers_may_be_infinite() -> None:
    def step(state: State, batch: Any, context: Context) -> dict[str, float]:
        return {"ratio": math.inf, "guide_loss": math.nan if context.step == 3 else 0.0}

    with pytest.raises(Diverged, match="training: the loss is not finite at step 3;"):
        Loop(step, State(), steps=9).run()


def test_a_context_knows_its_place() -> None:
    seen: list[Context] = []

    def step(state: State, batch: Any, context: Context) -> dict[str, float]:
        seen.append(context)
        assert batch["x"].tolist() == context.indices.tolist()
        return {}

    result = Loop(step, State(), TensorData(x=torch.arange(10)), steps=6, batch_size=4, seed=8).run()
    assert result.history == {}
    assert [context.epoch for context in seen] == [0, 0, 0, 1, 1, 1]
    assert [context.progress for context in seen] == [step / 6 for step in range(6)]
    assert seen[2].key("noise") == seen[2].key("noise") != seen[3].key("noise")
    expected = torch.rand(2, generator=generator(8, "noise", 2, 5))
    assert torch.equal(torch.rand(2, generator=seen[2].generator("noise", 5)), expected)
    assert (seen[0].rank, seen[0].world, seen[0].weight, seen[0].device.type) == (0, 1, 1.0, "cpu")


def test_a_step_may_clip() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)

    def step(state: State, batch: Any, context: Context) -> dict[str, torch.Tensor]:
        loss = 100 * state.model(torch.ones(1, 1)).sum()
        context.backward(loss)
        context.update(state.optimizer, clip_norm=0.5)
        return {"loss": loss}

    Loop(step, State(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=1.0)), steps=1).run()
    assert model.weight.item() == pytest.approx(-0.5, rel=1e-4)


def test_submodules_keep_their_mode_through_an_evaluation() -> None:
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2))
    model[1].eval()
    modes = []

    def step(state: State, batch: Any, context: Context) -> dict[str, float]:
        modes.append((model.training, model[0].training, model[1].training))
        return {}

    def evaluate(state: State) -> dict[str, float]:
        assert not any(part.training for part in model.modules())
        return {}

    Loop(step, State(model=model), steps=3, evaluate=evaluate, evaluate_every=1).run()
    assert modes == [(True, True, False)] * 3


def test_a_damaged_last_checkpoint_costs_a_few_steps_and_no_bit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    undisturbed = Loop(counting, State(total=0.0), steps=20).run()

    def interrupted(state: State, batch: Any, context: Context) -> dict[str, float]:
        if context.step == 17:
            raise KeyboardInterrupt
        return counting(state, batch, context)

    with pytest.raises(KeyboardInterrupt):
        Loop(interrupted, State(total=0.0), steps=20, folder=tmp_path, checkpoint_every=5).run()
    path = tmp_path / f"step-{15:012d}" / "state.json"
    path.write_bytes(path.read_bytes()[:-9])
    with caplog.at_level(logging.WARNING):
        resumed = Loop(counting, State(total=0.0), steps=20, folder=tmp_path, checkpoint_every=5).run()
    assert "is damaged" in caplog.text
    assert repr(resumed.history) == repr(undisturbed.history)


def test_checkpoints_follow_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    monkeypatch.setattr(Checkpoints, "save", lambda self, step, state: saved.append(step))
    Loop(counting, State(total=0.0), steps=30, folder=tmp_path / "slow").run()
    assert saved == []
    Loop(counting, State(total=0.0), steps=30, folder=tmp_path / "fast", checkpoint_seconds=0.0).run()
    assert saved


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OctavoError, match="cannot write") as caught:
        Loop(counting, State(total=0.0), steps=3, folder=tmp_path / "file" / "run").run()
    assert "\n" not in str(caught.value)


def test_numbers_are_kept_until_they_are_read_where_reading_waits() -> None:
    class Elsewhere(PlainEngine):
        """As on a GPU: not the CPU, as far as the meter can tell."""

        def __init__(self) -> None:
            super().__init__()
            self.world = 2

    immediate = Loop(counting, State(total=0.0), steps=25).run()
    delayed = Loop(counting, State(total=0.0), steps=25, engine=Elsewhere(), log_every=10).run()
    assert repr(delayed.history) == repr(immediate.history)

    def breaks(state: State, batch: Any, context: Context) -> dict[str, float]:
        return {"loss": math.inf if context.step >= 13 else 0.0}

    with pytest.raises(Diverged, match="at step 13;"):
        Loop(breaks, State(), steps=25, engine=Elsewhere(), log_every=10).run()
