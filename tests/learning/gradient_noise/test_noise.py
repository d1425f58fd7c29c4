"""The noise: its size, its place before the step, what it leaves alone, how it goes on."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn
from torch.optim import Optimizer

from octavo.learning import GradientNoise, add_gradient_noise_
from octavo.learning.gradient_noise.drawing import KEPT, NoiseBuffer, add_normal_

from .reference import variance


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def parameter(*shape: int, grad: float | None = 0.0, dtype: torch.dtype = torch.float32) -> nn.Parameter:
    made = nn.Parameter(torch.zeros(*shape, dtype=dtype))
    if grad is not None:
        made.grad = torch.full_like(made, grad)
    return made


def gradient(param: Tensor) -> Tensor:
    assert param.grad is not None
    return param.grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("step", [0, 10, 10_000])
def test_mean_and_variance_are_those_of_the_formula(step: int, dtype: torch.dtype) -> None:
    param, n = parameter(100_000, dtype=dtype), 100_000
    add_gradient_noise_([param], step, eta=0.3, gamma=0.55, generator=seeded(step))
    drawn = gradient(param).double()
    expected = variance(0.3, 0.55, step)
    assert abs(drawn.mean().item()) < 4 * math.sqrt(expected / n)
    # A variance of n normal numbers spreads by expected sqrt(2 / n); rounding to bfloat16 adds 2^-18 / 3 of
    # it.
    assert abs(drawn.var().item() - expected) < expected * (4 * math.sqrt(2 / n) + 2**-18)


def test_noise_of_two_parameters_and_of_two_steps_is_independent() -> None:
    n = 50_000
    first, second = parameter(n), parameter(n)
    generator = seeded()
    drawn = []
    for step in range(2):
        first.grad, second.grad = torch.zeros(n), torch.zeros(n)
        add_gradient_noise_([first, second], step, generator=generator)
        drawn += [gradient(first), gradient(second)]
    correlations = torch.corrcoef(torch.stack(drawn)) - torch.eye(4)
    assert correlations.abs().max().item() < 4.5 / math.sqrt(n)
    shifted = torch.corrcoef(torch.stack([drawn[0][1:], drawn[0][:-1]]))[0, 1]
    assert abs(shifted.item()) < 4 / math.sqrt(n)


def test_a_kept_buffer_follows_gradients_that_come_and_go() -> None:
    buffer, fresh = NoiseBuffer(), seeded(1)
    generator = seeded(1)
    for shapes in ([(3,), (2, 2)], [(3,)], [(7,)], [(2, 2), (3,)], [(5000, 3), (2,)], [(KEPT + 1,)], [(3,)]):
        one, other = [torch.zeros(shape) for shape in shapes], [torch.zeros(shape) for shape in shapes]
        buffer.add_normal_(one, [0.5] * len(one), generator)
        add_normal_(other, [0.5] * len(other), fresh)
        assert all(torch.equal(*pair) and bool(pair[0].all()) for pair in zip(one, other, strict=True))
    assert sum(len(kept.numbers) for kept in buffer._kept.values()) == 3


OPTIMIZERS: list[Callable[[Any], Optimizer]] = [
    lambda params: torch.optim.SGD(params, lr=0.1),
    lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True, foreach=True),
    lambda params: torch.optim.Adam(params, lr=0.1),
    lambda params: torch.optim.Adam(params, lr=0.1, fused=True),
    lambda params: torch.optim.AdamW(params, lr=0.1, foreach=True),
    lambda params: torch.optim.AdamW(params, lr=0.1, fused=True),
]


def trained(
    make: Callable[[Any], Optimizer], steps: int, eta: float | None, resume_at: int | None = None
) -> list[Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = make(model.parameters())
    noise = None if eta is None else GradientNoise(optimizer, eta=eta, generator=seeded(1))
    for step in range(steps):
        if step == resume_at and noise is not None:
            saved = copy.deepcopy((optimizer.state_dict(), noise.state_dict()))
            noise.remove()
            optimizer = make(model.parameters())
            noise = GradientNoise(optimizer, eta=eta or 0.0, generator=seeded(99))
            optimizer.load_state_dict(saved[0])
            noise.load_state_dict(saved[1])
        optimizer.zero_grad()
        model(torch.randn(8, 3, generator=seeded(step))).square().mean().backward()
        optimizer.step()
    return [param.detach().clone() for param in model.parameters()]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_no_noise_is_the_bare_optimizer_bit_for_bit(make: Callable[[Any], Optimizer]) -> None:
    for one, other in zip(trained(make, 3, 0.0), trained(make, 3, None), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("make", OPTIMIZERS[1:4])
def test_a_resumed_training_goes_on_bit_for_bit(make: Callable[[Any], Optimizer]) -> None:
    for one, other in zip(trained(make, 6, 0.3, resume_at=3), trained(make, 6, 0.3), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(trained(make, 6, 0.3)[0], trained(make, 6, None)[0])


def test_generators_of_its_own_are_seeded_globally_and_resume(tmp_path: Path) -> None:
    def first_step(seed: int) -> tuple[nn.Parameter, Optimizer, GradientNoise]:
        torch.manual_seed(seed)
        param = parameter(5)
        optimizer = torch.optim.SGD([param], lr=1.0)
        noise = GradientNoise(optimizer)
        optimizer.step()
        return param, optimizer, noise

    (one, optimizer, noise), (same, _, _), (other, resumed, other_noise) = map(first_step, (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    torch.save(noise.state_dict(), tmp_path / "noise.pt")
    other_noise.load_state_dict(torch.load(tmp_path / "noise.pt", weights_only=True))
    for param, moved in ((one, optimizer), (other, resumed)):
        param.grad = torch.zeros(5)
        moved.step()
    assert torch.equal(gradient(one), gradient(other))
    assert other_noise.step == 2


def test_noise_comes_after_clipping_and_an_accumulated_step_counts_once() -> None:
    n = 20_000
    param = parameter(n, grad=None)
    optimizer = torch.optim.SGD([param], lr=1.0)
    noise = GradientNoise(optimizer, eta=0.01, generator=seeded())
    for _ in range(4):
        (100 * param.sum()).backward()
    torch.nn.utils.clip_grad_norm_([param], 1e-9)
    optimizer.step()
    assert noise.step == 1
    assert param.detach().std().item() == pytest.approx(0.1, rel=4 / math.sqrt(2 * n))
    assert abs(param.detach().mean().item()) < 4 * 0.1 / math.sqrt(n)


def test_groups_filters_pauses_and_removal() -> None:
    quiet, usual, filtered = parameter(3), parameter(1000), parameter(3)
    groups = [{"params": [quiet], "noise_eta": 0.0}, {"params": [usual, filtered]}]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    noise = GradientNoise(optimizer, param_filter=lambda param: param is not filtered, generator=seeded())
    optimizer.step()
    assert not quiet.any()
    assert not filtered.any()
    assert usual.all()
    before = usual.detach().clone()
    usual.grad = torch.zeros_like(usual)
    with noise.paused():
        optimizer.step()
    noise.remove()
    optimizer.step()
    assert torch.equal(usual, before)
    assert noise.step == 1
    GradientNoise(optimizer)


def test_missing_gradients_stay_missing_unless_asked_for() -> None:
    for include in (False, True):
        dead, frozen = parameter(3, grad=None), parameter(3, grad=None).requires_grad_(False)
        optimizer = torch.optim.SGD([dead, frozen], lr=1.0)
        GradientNoise(optimizer, include_missing=include)
        optimizer.step()
        assert bool(dead.any()) is include
        assert not frozen.any()


def test_tied_weights_get_noise_once() -> None:
    param = parameter(50_000)
    add_gradient_noise_([param, param], step=0, eta=1.0, generator=seeded())
    assert gradient(param).std().item() == pytest.approx(1.0, rel=0.02)


def test_schedules_of_ones_own() -> None:
    param = parameter(50_000)
    optimizer = torch.optim.SGD([param], lr=1.0)
    GradientNoise(optimizer, schedule=lambda step: 2.0 * (step == 0), generator=seeded())
    optimizer.step()
    assert param.std().item() == pytest.approx(2.0, rel=0.02)


def test_bfloat16_is_rounded_once() -> None:
    half, full = parameter(1000, grad=1.0, dtype=torch.bfloat16), parameter(1000, grad=1.0)
    for param in (half, full):
        add_gradient_noise_([param], step=0, eta=0.01, generator=seeded())
    assert torch.equal(gradient(half), gradient(full).bfloat16())


@pytest.mark.parametrize("chunk", [7, 16, 100, 10_000])
def test_chunks_cover_every_number_once_whatever_strides(chunk: int) -> None:
    tensors = [
        torch.zeros(11, 13),
        torch.zeros(13, 11).mT,
        torch.zeros(()),
        torch.zeros(0),
        torch.zeros(40, 2)[:, 0],
        torch.zeros(6, 4, 5).permute(2, 0, 1),
        torch.zeros(30, dtype=torch.float64),
    ]
    stds = [1.0, 1.0, 2.0, 1.0, 1e-3, 1.0, 1.0]
    add_normal_(tensors, stds, seeded(), chunk=chunk)
    assert all(bool((tensor != 0).all()) for tensor in tensors)
    assert tensors[4].abs().max() < 0.01
    values = torch.cat([tensor.flatten().double() for tensor in tensors[:4]])
    assert len(values.unique()) == len(values)


def test_extra_memory_is_one_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    real = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *size, **options: sizes.append(size) or real(*size, **options))
    add_normal_([torch.zeros(1000), torch.zeros(500)], [1.0, 1.0], seeded(), chunk=64)
    assert sizes == [(64,)]


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_that_grad_scaler_skips_does_not_count(fused: bool) -> None:
    param = parameter(4)
    optimizer = torch.optim.SGD([param], lr=1.0, fused=fused)
    noise = GradientNoise(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for factor, steps in ((math.inf, 0), (1.0, 1)):
        optimizer.zero_grad()
        scaler.scale(factor * param.sum()).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        assert noise.step == steps
        assert bool(param.any()) is bool(steps)


def test_gradients_that_are_still_scaled_are_refused() -> None:
    param = parameter(4)
    optimizer = torch.optim.SGD([param], lr=1.0, fused=True)
    GradientNoise(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(param.sum()).backward()
    with pytest.raises(RuntimeError, match="unscale_"):
        scaler.step(optimizer)


def test_gradients_that_are_not_finite_can_be_skipped_and_are_counted() -> None:
    param = parameter(3)
    optimizer = torch.optim.SGD([param], lr=0.0)
    noise = GradientNoise(optimizer, skip_nonfinite=True)
    gradient(param)[0] = math.inf
    optimizer.step()
    assert (noise.step, noise.skipped) == (0, 1)
    assert gradient(param).tolist() == [math.inf, 0, 0]


def test_refusals() -> None:
    optimizer = torch.optim.SGD([parameter(2)], lr=1.0)
    GradientNoise(optimizer)
    with pytest.raises(ValueError, match="already"):
        GradientNoise(optimizer)
    # In tests the hint refuses it first; both say what was given.
    with pytest.raises((TypeError, TypeCheckError), match="Linear"):
        GradientNoise(nn.Linear(1, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="eta=-1"):
        GradientNoise(torch.optim.SGD([parameter(2)], lr=1.0), eta=-1.0)
    with pytest.raises(ValueError, match="eta=-2"):
        GradientNoise(torch.optim.SGD([{"params": [parameter(2)], "noise_eta": -2.0}], lr=1.0))
    with pytest.raises(ValueError, match="step=-1"):
        add_gradient_noise_([parameter(2)], step=-1)
    complex_one = parameter(2, dtype=torch.complex64)
    with pytest.raises(TypeError, match="complex64"):
        add_gradient_noise_([complex_one], step=0)
    whole = nn.Parameter(torch.zeros(2, dtype=torch.int32), requires_grad=False)
    whole.grad = torch.zeros_like(whole)
    with pytest.raises(TypeError, match="int32"):
        add_gradient_noise_([whole], step=0)
    for std in (-1.0, math.nan):
        optimizer = torch.optim.SGD([parameter(2)], lr=1.0)
        GradientNoise(optimizer, schedule=lambda step, std=std: std)
        with pytest.raises(ValueError, match="at step 0"):
            optimizer.step()
    computed = parameter(2) * 2
    computed.retain_grad()
    computed.sum().backward()
    with pytest.raises(ValueError, match="computed from others"):
        add_gradient_noise_([computed], step=0)


def test_arguments_of_another_type_are_refused_at_once() -> None:
    optimizer = torch.optim.SGD([parameter(2)], lr=1.0)
    for wrong in ({"generator": 5}, {"param_filter": "bias"}, {"schedule": 0.1}, {"eta": "big"}):
        with pytest.raises((TypeError, ValueError, TypeCheckError), match=str(next(iter(wrong)))):
            GradientNoise(optimizer, **wrong)  # type: ignore[arg-type]
    GradientNoise(optimizer)  # none of them left a hook behind
    for params in (parameter(2), [("weight", parameter(2))], "weight"):
        with pytest.raises((TypeError, TypeCheckError), match=r"list of parameters|params"):
            add_gradient_noise_(params, step=0)  # type: ignore[arg-type]


def test_the_hook_refuses_what_no_optimizer_moves_and_complex_gradients() -> None:
    computed = parameter(2) * 2
    computed.retain_grad()
    computed.sum().backward()
    for param, said in ((computed, "computed from others"), (parameter(2, dtype=torch.complex64), "complex")):
        optimizer = torch.optim.SGD([param], lr=1.0)
        GradientNoise(optimizer)
        with pytest.raises((ValueError, TypeError), match=said):
            optimizer.step()


def test_a_broken_state_changes_nothing() -> None:
    noise = GradientNoise(torch.optim.SGD([parameter(2)], lr=1.0))
    good = {"step": 3, "skipped": 0, "seed": 1, "generators": {"cpu": seeded(7).get_state()}}
    for broken in ({"step": -5}, {"step": "x"}, {"generators": {"cpu": torch.zeros(3, dtype=torch.uint8)}}):
        with pytest.raises(ValueError, match="state"):
            noise.load_state_dict(good | broken)
        assert noise.step == 0
    noise.load_state_dict(good)
    assert noise.step == 3


def test_a_closure_is_refused() -> None:
    param = parameter(2)
    optimizer = torch.optim.LBFGS([param], lr=1.0)
    GradientNoise(optimizer)
    with pytest.raises(RuntimeError, match="closure"):
        optimizer.step(lambda: param.sum())


def test_sparse_gradients_are_refused_or_made_dense() -> None:
    table = nn.Embedding(5, 2, sparse=True)
    for dense_ok in (False, True):
        optimizer = torch.optim.SGD(table.parameters(), lr=1.0)
        noise = GradientNoise(optimizer, dense_ok=dense_ok)
        table(torch.tensor([1])).sum().backward()
        if not dense_ok:
            with pytest.raises(TypeError, match="dense_ok=True"):
                optimizer.step()
            noise.remove()
            optimizer.zero_grad()
        else:
            before = table.weight.detach().clone()
            optimizer.step()
            assert (table.weight != before).all()


def test_a_generator_must_fit_the_saved_state() -> None:
    with_one = GradientNoise(torch.optim.SGD([parameter(2)], lr=1.0), generator=seeded())
    without = GradientNoise(torch.optim.SGD([parameter(2)], lr=1.0))
    with pytest.raises(ValueError, match="with generator="):
        without.load_state_dict(with_one.state_dict())


def test_the_state_of_something_else_is_refused() -> None:
    optimizer = torch.optim.SGD([parameter(2)], lr=1.0)
    with pytest.raises(ValueError, match="no state of GradientNoise"):
        GradientNoise(optimizer).load_state_dict(optimizer.state_dict())


def test_the_window_is_told_before_the_run() -> None:
    def wrapped(lr: float, eta: float) -> GradientNoise:
        layers = nn.Sequential(nn.Linear(50, 50), nn.Linear(50, 50), nn.Linear(784, 50))
        return GradientNoise(torch.optim.SGD(layers.parameters(), lr=lr), eta=eta)

    found = wrapped(0.05, 0.3).effective_init(steps=6000)
    assert found.useful
    assert found.fan_in == 50
    assert found.takeoff[50] == pytest.approx(1250, rel=0.01)
    low, high = found.window[50]
    assert low < found.takeoff[50] < high
    with pytest.warns(UserWarning, match="not within the run"):
        assert not wrapped(0.1, 0.01).effective_init(steps=6000).useful
    with pytest.warns(UserWarning, match="too soon"):
        wrapped(0.05, 0.3).effective_init(lr=0.5, steps=6000)
    with pytest.raises(ValueError, match="lr=-1"):
        wrapped(0.05, 0.3).effective_init(lr=-1.0, steps=6000)
    with pytest.warns(UserWarning, match="never take off"):
        wrapped(0.05, 0.0).effective_init(steps=6000)
    strange = GradientNoise(torch.optim.Rprop(nn.Linear(2, 2).parameters(), lr=0.1))
    with pytest.raises(TypeError, match="Rprop"):
        strange.effective_init(steps=10)
    own = GradientNoise(torch.optim.SGD(nn.Linear(50, 50).parameters(), lr=0.05), schedule=lambda step: 0.1)
    assert own.effective_init(steps=6000).takeoff[50] == pytest.approx(0.04 / (0.05 * 0.1) ** 2, rel=0.01)
