import copy
import math
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from octavo.errors import OctavoError, RunFailed
from octavo.lab.batches import Batches, Endless, TensorData
from octavo.lab.engine import PlainEngine
from octavo.lab.fit import Diverged, EarlyStop, Fit, fit
from octavo.lab.randomness import generator
from octavo.lab.schedule import Schedule

X = torch.randn(48, 3, generator=generator(0, "x"))
DATA = TensorData(x=X, y=X.sum(1, keepdim=True).sin())


def make_model(dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 1))


def squared_error(model: nn.Module, batch: dict[str, Tensor], context: Any) -> Tensor:
    return (model(batch["x"]) - batch["y"]).square().mean()


def error(model: nn.Module) -> dict[str, float]:
    return {"error": (model(X) - DATA.tensors["y"]).square().mean().item()}


def trained(**settings: Any) -> tuple[Fit, dict[str, Tensor]]:
    model = make_model(settings.pop("dropout", 0.0))
    result = fit("test", model, settings.pop("loss", squared_error), settings.pop("data", DATA), **settings)
    return result, model.state_dict()


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def close(first: dict[str, Tensor], second: dict[str, Tensor], **tolerance: float) -> bool:
    return all(torch.allclose(first[name], second[name], **tolerance) for name in first)


def test_fit_equals_the_loop_a_person_would_write() -> None:
    """Order, schedule, clipping, updates: nothing else is done."""
    result, weights = trained(
        epochs=4, batch_size=10, learning_rate=0.02, weight_decay=0.1, schedule="cosine", warmup_steps=5,
        clip_norm=0.3, seed=9,
    )  # fmt: skip
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.1)
    batches, schedule, losses = Batches(DATA, 10, seed=9), Schedule("cosine", 20, 5), []
    for step in range(20):
        optimizer.param_groups[0]["lr"] = 0.02 * schedule(step)
        loss = squared_error(model, DATA[batches.indices(step)], None)
        loss.backward()
        norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
        for parameter in model.parameters():
            parameter.grad *= min(1.0, 0.3 / (norm.item() + 1e-6))
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        assert result.history["gradient_norm"][step] == pytest.approx(norm.item(), rel=1e-5)
    assert result.history["loss"] == pytest.approx(losses, rel=1e-5)
    assert close(model.state_dict(), weights, rtol=1e-4, atol=1e-6)
    assert max(result.history["gradient_norm"]) > 0.3
    assert (result.steps, result.status, result.seconds > 0) == (20, "done", True)


def test_evaluating_at_every_step_or_never_gives_the_same_weights() -> None:
    def noisy(model: nn.Module) -> dict[str, float]:
        torch.randn(100)
        model.train()
        return error(model)

    never, weights = trained(steps=30, dropout=0.4)
    always, evaluated = trained(steps=30, dropout=0.4, evaluate=noisy, evaluate_every=1)
    assert len(always.evaluations) == 30
    assert never.history == always.history
    assert equal(weights, evaluated)


def test_the_seed_decides_and_nothing_else_does() -> None:
    torch.manual_seed(1)
    first, _ = trained(steps=20, dropout=0.4, seed=3)
    torch.manual_seed(2)
    again, _ = trained(steps=20, dropout=0.4, seed=3)
    other, _ = trained(steps=20, dropout=0.4, seed=4)
    assert first.history == again.history != other.history


def test_the_global_generator_is_left_as_it_was(tmp_path: Path) -> None:
    model = make_model(0.4)
    for _ in range(2):  # trained, then read back
        torch.manual_seed(5)
        expected = torch.random.get_rng_state()
        fit("test", model, squared_error, DATA, steps=5, folder=tmp_path)
        assert torch.equal(expected, torch.random.get_rng_state())


def test_pieces_are_one_large_batch() -> None:
    def reported(model: nn.Module, batch: dict[str, Tensor], context: Any) -> dict[str, Tensor | float]:
        return {"loss": squared_error(model, batch, context), "mean": batch["x"].mean()}

    whole, weights = trained(epochs=5, batch_size=20, loss=reported)
    pieces, in_pieces = trained(epochs=5, batch_size=20, loss=reported, accumulate=3)
    for name in ("loss", "mean"):
        assert pieces.history[name] == pytest.approx(whole.history[name], rel=1e-4, abs=1e-6)
    assert close(weights, in_pieces, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_low_precision_trains_and_differs(precision: str) -> None:
    seen = []

    def loss(model: nn.Module, batch: dict[str, Tensor], context: Any) -> Tensor:
        seen.append(model[0](batch["x"]).dtype)
        return squared_error(model, batch, context)

    exact, _ = trained(steps=60, learning_rate=0.02)
    low, weights = trained(steps=60, learning_rate=0.02, loss=loss, precision=precision)
    assert set(seen) == {getattr(torch, precision)}
    assert all(weight.dtype == torch.float32 for weight in weights.values())
    assert low.history["loss"] != exact.history["loss"]
    assert low.history["loss"][-1] == pytest.approx(exact.history["loss"][-1], abs=0.02)


def test_float16_goes_on_with_its_scale(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 12, "precision": "float16", "clip_norm": 1.0}
    undisturbed, weights = trained(**settings)
    with pytest.raises(KeyboardInterrupt):
        trained(**settings, folder=tmp_path, loss=interrupted_at(8), checkpoint_every=5)
    resumed, after = trained(**settings, folder=tmp_path)
    assert resumed.history == undisturbed.history
    assert equal(weights, after)


def interrupted_at(step: int) -> Callable[[nn.Module, dict[str, Tensor], Any], Tensor]:
    def loss(model: nn.Module, batch: dict[str, Tensor], context: Any) -> Tensor:
        if context.step == step:
            raise KeyboardInterrupt
        return squared_error(model, batch, context)

    return loss


def test_interrupted_again_and_again_within_an_epoch(tmp_path: Path) -> None:
    undisturbed, weights = trained(epochs=2, batch_size=4, dropout=0.3)
    for step in (3, 4, 5, 7, 11):
        with pytest.raises(KeyboardInterrupt):
            trained(
                epochs=2,
                batch_size=4,
                dropout=0.3,
                folder=tmp_path,
                loss=interrupted_at(step),
                checkpoint_every=2,
            )
    resumed, after = trained(epochs=2, batch_size=4, dropout=0.3, folder=tmp_path)
    assert resumed.history == undisturbed.history
    assert equal(weights, after)


def test_a_complete_training_is_read_back(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 12, "evaluate": error, "evaluate_every": 5, "folder": tmp_path}
    first, weights = trained(**settings)
    began = time.perf_counter()
    again, read = trained(**settings, loss=interrupted_at(0))
    assert time.perf_counter() - began < 1
    assert again == first
    assert equal(weights, read)


def test_other_settings_are_refused_with_their_differences(tmp_path: Path) -> None:
    trained(steps=4, learning_rate=0.1, folder=tmp_path)
    with pytest.raises(
        OctavoError, match=r"other settings \(optimizer .*0\.1.* there and .*0\.2.* here\); remove it"
    ):
        trained(steps=4, learning_rate=0.2, folder=tmp_path)
    with pytest.raises(OctavoError, match="steps 4 there and 5 here"):
        trained(steps=5, learning_rate=0.1, folder=tmp_path)


@pytest.mark.parametrize("log_every", [1, 10])
def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path, log_every: int) -> None:
    broken = TensorData(x=X, y=torch.where(torch.arange(48) == 17, torch.nan, X[:, 0])[:, None])
    with pytest.raises(Diverged) as caught:
        trained(data=broken, epochs=1, batch_size=4, folder=tmp_path, checkpoint_every=1, log_every=log_every)
    error = caught.value
    assert isinstance(error, RunFailed)
    assert error.exit_code == 1
    assert error.indices == tuple(Batches(broken, 4, seed=0).indices(error.step).tolist())
    assert 17 in error.indices
    assert error.fit == "test"
    back = pickle.loads(pickle.dumps(error))
    assert (back.fit, back.step, back.indices, str(back)) == (
        error.fit,
        error.step,
        error.indices,
        str(error),
    )
    saved = sorted(path.name for path in tmp_path.glob("step-*"))
    assert saved == [f"step-{step:012d}" for step in range(max(1, error.step - 1), error.step + 1)]
    for path in saved:
        assert b"nan" not in (tmp_path / path / "state.json").read_bytes().lower().replace(
            b'"mark": nan', b""
        )


def test_stops_early_and_keeps_the_best(tmp_path: Path) -> None:
    scores = iter([0.1, 0.5, 0.4, 0.5, 0.3, 0.9])
    seen: list[dict[str, Tensor]] = []

    def evaluate(model: nn.Module) -> dict[str, float]:
        assert not model.training
        assert not torch.is_grad_enabled()
        seen.append(copy.deepcopy(model.state_dict()))
        return {"accuracy": next(scores)}

    result, weights = trained(
        steps=100, evaluate=evaluate, evaluate_every=4, early_stop=EarlyStop("accuracy", patience=3),
        keep_best="accuracy", folder=tmp_path,
    )  # fmt: skip
    assert (result.status, result.steps) == ("stopped", 20)
    assert result.best == {"step": 8, "accuracy": 0.5}
    assert equal(weights, seen[1])
    assert not equal(weights, seen[-1])


def test_the_clock_stops_it_at_a_step_and_more_time_goes_on(tmp_path: Path) -> None:
    def slow(model: nn.Module, batch: dict[str, Tensor], context: Any) -> Tensor:
        time.sleep(0.01)
        return squared_error(model, batch, context)

    undisturbed, weights = trained(steps=30, dropout=0.2)
    cut, _ = trained(steps=30, dropout=0.2, loss=slow, max_seconds=0.1, folder=tmp_path)
    assert cut.status == "timeout"
    assert 0 < cut.steps < 30
    assert len(cut.history["loss"]) == cut.steps
    again, _ = trained(steps=30, dropout=0.2, loss=slow, max_seconds=0.1, folder=tmp_path)
    assert (again.status, again.steps) == ("timeout", cut.steps)
    whole, after = trained(steps=30, dropout=0.2, max_seconds=100, folder=tmp_path)
    assert whole.status == "done"
    assert whole.history == undisturbed.history
    assert equal(weights, after)


def test_reports_are_few_and_say_where_it_stands() -> None:
    events: list[dict[str, Any]] = []
    trained(steps=300, report=events.append, evaluate=error, evaluate_every=100)
    steps = [event for event in events if event["kind"] == "step"]
    assert 2 <= len(steps) < 40
    assert {"fit", "step", "steps", "loss", "metrics", "seconds_left"} <= steps[0].keys()
    assert (steps[0]["step"], steps[-1]["step"], steps[-1]["seconds_left"]) == (1, 300, 0)
    evaluations = [event for event in events if event["kind"] == "evaluation"]
    assert [event["step"] for event in evaluations] == [100, 200, 300]


def test_a_model_comes_back_in_evaluation_mode_and_frozen_parts_stay() -> None:
    model = make_model()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    fit("test", model, squared_error, DATA, steps=3)
    assert not model.training
    assert torch.equal(before, model[0].weight)


def test_endless_data_and_compiled_models() -> None:
    endless = Endless(
        lambda random, size: {"x": (x := torch.randn(size, 3, generator=random)), "y": x[:, :1]}
    )
    plain, _ = trained(data=endless, steps=60, batch_size=32, learning_rate=0.02)
    assert plain.history["loss"][-1] < 0.3 * plain.history["loss"][0]


def test_an_engine_of_ones_own_is_used_and_not_closed() -> None:
    class Counting(PlainEngine):
        updates = 0
        closed = False

        def update(self, optimizer: torch.optim.Optimizer) -> None:
            self.updates += 1
            super().update(optimizer)

        def close(self) -> None:
            self.closed = True

    engine = Counting()
    trained(steps=7, engine=engine)
    assert (engine.updates, engine.closed) == (7, False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs steps or epochs"),
        ({"steps": 1, "epochs": 1}, "and not both"),
        ({"epochs": 1, "data": Endless(lambda random, size: None)}, "no epochs; give steps"),
        ({"steps": 1, "optimizer": torch.optim.SGD, "learning_rate": 0.1}, "give these to it"),
        ({"steps": 1, "keep_best": "accuracy"}, "give evaluate as well"),
        ({"steps": 1, "evaluate": error, "early_stop": EarlyStop("accuracy")}, "say evaluate_every"),
        ({"steps": 1, "precision": "float8"}, "use one of float32, bfloat16, float16"),
        ({"steps": 1, "engine": "magic"}, "engine='magic' is unknown"),
        ({"steps": -1}, "must not be negative"),
    ],
)
def test_contradictions_are_errors_of_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OctavoError, match=message) as caught:
        trained(**settings)
    assert "\n" not in str(caught.value)


def test_a_model_without_parameters_is_an_error() -> None:
    with pytest.raises(OctavoError, match="no parameter that requires a gradient"):
        fit("test", nn.Identity(), squared_error, DATA, steps=1)


def test_a_mapping_without_a_loss_is_an_error() -> None:
    with pytest.raises(OctavoError, match="must return 'loss', it returned cost"):
        trained(steps=1, loss=lambda model, batch, context: {"cost": 0.0})


def test_zero_steps_change_nothing() -> None:
    result, weights = trained(steps=0)
    assert (result.steps, result.history) == (0, {})
    assert equal(weights, make_model().state_dict())
    assert math.isfinite(result.seconds)
