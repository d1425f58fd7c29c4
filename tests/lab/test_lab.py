"""What a part measures with: records of stacked restarts, and trainings with a step of one's own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from octavo.errors import OctavoError
from octavo.lab import Lab
from octavo.lab.records import Record
from octavo.lab.state import State
from octavo.lab.timing import Timings


class Kept:
    """A writer that keeps records in a list."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def append(self, record: Record, items: bytes | None = None) -> None:
        self.records.append(record)

    def save_figure(self, name: str, png: bytes) -> None:
        raise AssertionError(name)


def test_a_unit_records_restarts_under_seeds_of_their_own() -> None:
    kept = Kept()
    lab = Lab("aaren", "stacked", seed=0, writer=kept)
    for seed in (None, 0, 3):
        lab.record(system="a", dataset="d", metric="m", value=1.0, seed=seed)
    assert [record.seed for record in kept.records] == [0, 0, 3]


@pytest.mark.parametrize("seed", [-1, 1.0, True, "1"])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(OctavoError, match="seed="):
        Lab("aaren", "stacked", writer=Kept()).record(
            system="a", dataset="d", metric="m", value=1.0, seed=seed
        )


def test_seconds_are_the_median_of_a_call() -> None:
    kept = Kept()
    lab = Lab("aaren", "costs", writer=kept)
    timings = Timings({"ours": (4.0, 2.0, 9.0), "theirs": (10.0, 12.0, 8.0)})
    lab.record_seconds(timings, dataset="steps", calls=2, at={"tokens": 8})
    found = {(each.system, each.metric, each.value, each.n_items, each.at) for each in kept.records}
    place = (("tokens", 8),)
    assert found == {("ours", "seconds", 2.0, 3, place), ("theirs", "seconds", 5.0, 3, place)}
    with pytest.raises(OctavoError, match="calls=0"):
        lab.record_seconds(timings, dataset="steps", calls=0)


def descent(lab: Lab) -> tuple[list[float], float]:
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    state = State(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))

    def step(state: Any, batch: Any, context: Any) -> dict[str, Any]:
        target = torch.randn(1, generator=context.generator("target"))
        loss = (state.model(torch.ones(1, 1)) - target).square().mean()
        context.backward(loss)
        context.update(state.optimizer)
        return {"loss": loss}

    fit = lab.loop("descent", step, state, steps=5)
    return fit.history["loss"], model.weight.item()


def test_loop_has_the_seed_of_the_unit_and_is_read_back_from_its_folder(tmp_path: Path) -> None:
    first = descent(Lab("aaren", "own", seed=1, writer=Kept(), work=tmp_path))
    assert descent(Lab("aaren", "own", seed=1, writer=Kept(), work=tmp_path)) == first
    assert descent(Lab("aaren", "own", seed=1, writer=Kept())) == first
    assert descent(Lab("aaren", "own", seed=2, writer=Kept())) != first
    assert (tmp_path / "descent").is_dir()
