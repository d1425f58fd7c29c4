from typing import Any

import pytest
import torch
from torch import nn

from octavo.errors import Missing, OctavoError
from octavo.lab.batches import TensorData
from octavo.lab.distributed import AccelerateEngine
from octavo.lab.engine import PlainEngine, choose
from octavo.lab.fit import fit
from octavo.lab.randomness import generator

X = torch.randn(32, 3, generator=generator(0, "x"))


def history(**settings: Any) -> dict[str, list[float]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))
    data = TensorData(x=X, y=X[:, :1])
    options = {"steps": 25, "batch_size": 8, "schedule": "linear", "clip_norm": 0.5, **settings}
    return fit("test", model, lambda m, b, c: (m(b["x"]) - b["y"]).square().mean(), data, **options).history


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_accelerate_in_one_process_equals_the_plain_engine(precision: str, accumulate: int) -> None:
    pytest.importorskip("accelerate")
    plain, accelerated = (
        history(engine=engine, precision=precision, accumulate=accumulate)
        for engine in ("plain", "accelerate")
    )
    for name in plain:
        assert accelerated[name] == pytest.approx(plain[name], rel=1e-6)


def test_a_second_training_with_accelerate_may_have_other_settings() -> None:
    pytest.importorskip("accelerate")
    from accelerate.state import AcceleratorState, PartialState

    low = history(engine="accelerate", precision="bfloat16")
    exact = history(engine="accelerate", precision="float32")
    assert low["loss"] != exact["loss"] == history(engine="plain")["loss"]
    assert AcceleratorState._shared_state == {}
    assert PartialState._shared_state == {}


def test_auto_looks_for_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert isinstance(choose("auto"), PlainEngine)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OctavoError, match="engine='plain' is for one process"):
        choose("plain")


def test_accelerate_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "accelerate", None)
    with pytest.raises(Missing, match=r"octavo\[dist\]") as caught:
        AccelerateEngine()
    assert caught.value.name == "accelerate"


def test_float16_skips_a_step_that_overflows() -> None:
    engine = PlainEngine(precision="float16")
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scale = engine.state_dict()["scaler"]["scale"]
    engine.backward((weight * 1e38).sum())
    engine.update(optimizer)
    assert weight.item() == 1
    assert engine.state_dict()["scaler"]["scale"] == scale / 2
    engine.backward(weight.sum())
    engine.update(optimizer)
    assert weight.item() == pytest.approx(0.9)
