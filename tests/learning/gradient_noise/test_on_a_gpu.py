"""The noise and the paper's models on a GPU: the same numbers as on the CPU, and nothing left there."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from octavo.lab import snapshot
from octavo.learning import (
    GradientNoise,
    MemN2N,
    MLPDeep,
    NeuralGPU,
    NeuralProgrammer,
    NeuralRAM,
    NoiseSchedule,
    add_gradient_noise_,
)
from octavo.learning.gradient_noise import arithmetic, tables
from octavo.learning.gradient_noise.drawing import CHUNK
from octavo.learning.gradient_noise.parts.deep import stacked_logits
from octavo.learning.gradient_noise.parts.programs import losses as program_losses
from octavo.learning.gradient_noise.pointers import walks
from octavo.learning.gradient_noise.random_access_machine import machine_loss
from octavo.nn import Ensemble, clip_each_copy_
from octavo.nn.restarts import cross_entropies, restarts

ETA = 0.09
MIB = 2**20


def seeded(device: torch.device | str = "cpu", seed: int = 0) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def parameter(
    count: int, device: torch.device | str, dtype: torch.dtype = torch.float32, gradient: float = 0.0
) -> nn.Parameter:
    made = nn.Parameter(torch.zeros(count, device=device, dtype=dtype))
    made.grad = torch.full_like(made, gradient)
    return made


def added(param: nn.Parameter) -> Tensor:
    assert param.grad is not None
    return param.grad


@pytest.mark.parametrize("step", [0, 10, 10_000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_moments_are_those_of_the_formula(step: int, dtype: torch.dtype, gpu: torch.device) -> None:
    count = CHUNK + CHUNK // 2
    first, second = parameter(count, gpu, dtype), parameter(count, gpu, dtype)
    add_gradient_noise_([first, second], step, ETA, generator=seeded(gpu))
    variance = ETA / (1 + step) ** 0.55
    one, other = (added(each).double() / variance**0.5 for each in (first, second))
    for numbers in (one, other):
        assert abs(float(numbers.mean())) < 4 / count**0.5
        assert abs(float(numbers.var()) - 1) < 4 * (2 / count) ** 0.5
    for a, b in ((one, other), (one[:-1], one[1:]), (one[: count // 2], one[count // 2 :])):
        assert abs(float((a * b).mean())) < 4 / len(a) ** 0.5


def half_trained(
    gpu: torch.device, make: Callable[..., Optimizer], own: bool
) -> tuple[nn.Parameter, Optimizer, GradientNoise]:
    param = nn.Parameter(torch.linspace(-1, 1, 1000, device=gpu))
    optimizer = make([param], lr=0.01)
    torch.manual_seed(0)
    return param, optimizer, GradientNoise(optimizer, ETA, generator=seeded(gpu) if own else None)


def train(param: nn.Parameter, optimizer: Optimizer, steps: int) -> None:
    for _ in range(steps):
        # Number by number, so that no order of summation can differ.
        param.grad = (param.detach() - 0.5) ** 3
        optimizer.step()


def by_lab(state: Any, device: torch.device) -> Any:
    text, tensors = snapshot.flatten(state)
    return snapshot.restore(text, safetensors.torch.load(safetensors.torch.save(tensors)))


def by_torch(state: Any, device: torch.device) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    # As users load: everything onto the device, the states of generators too.
    return torch.load(file, map_location=device, weights_only=True)


@pytest.mark.parametrize("carried", [by_lab, by_torch])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.Adam, partial(torch.optim.AdamW, fused=True)])
def test_a_resumed_training_goes_on_bit_for_bit(
    make: Callable[..., Optimizer], own: bool, carried: Callable[..., Any], gpu: torch.device
) -> None:
    param, optimizer, noise = half_trained(gpu, make, own)
    train(param, optimizer, 3)
    kept = carried(
        {"param": param.detach(), "optimizer": optimizer.state_dict(), "noise": noise.state_dict()}, gpu
    )
    train(param, optimizer, 3)
    torch.manual_seed(5)
    other, its_optimizer, its_noise = half_trained(gpu, make, own)
    with torch.no_grad():
        other.copy_(kept["param"])
    its_optimizer.load_state_dict(kept["optimizer"])
    its_noise.load_state_dict(kept["noise"])
    train(other, its_optimizer, 3)
    assert its_noise.step == 6
    assert torch.equal(param, other)
    assert all(str(param.device) == name for name in noise.state_dict()["generators"]) is not own


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_drawn_in_float32_and_rounded_once(dtype: torch.dtype, gpu: torch.device) -> None:
    param = parameter(5000, gpu, dtype)
    param.grad = torch.randn(5000, generator=seeded()).to(gpu, dtype)
    before = added(param).clone()
    add_gradient_noise_([param], 0, ETA, generator=seeded(gpu))
    drawn = torch.empty(5000, device=gpu).normal_(0.0, ETA**0.5, generator=seeded(gpu))
    assert torch.equal(added(param), (before.float() + drawn).to(dtype))


def test_gradients_that_are_not_finite_are_skipped_and_counted(gpu: torch.device) -> None:
    params = [parameter(10, gpu), parameter(10, gpu)]
    optimizer = torch.optim.SGD(params, lr=0.1)
    noise = GradientNoise(optimizer, ETA, skip_nonfinite=True)
    added(params[1])[3] = float("nan")
    optimizer.step()
    assert (noise.step, noise.skipped) == (0, 1)
    assert not added(params[0]).any()
    added(params[1])[3] = 0.0
    optimizer.step()
    assert (noise.step, noise.skipped) == (1, 1)
    assert all(bool(added(param).all()) for param in params)


def test_parameters_of_two_devices_are_in_one_optimizer(gpu: torch.device) -> None:
    def made() -> tuple[list[nn.Parameter], Optimizer, GradientNoise]:
        torch.manual_seed(3)
        params = [parameter(50_000, "cpu"), parameter(50_000, gpu), parameter(7, gpu, torch.float64)]
        optimizer = torch.optim.SGD(params, lr=1.0)
        return params, optimizer, GradientNoise(optimizer, ETA)

    params, optimizer, noise = made()
    optimizer.step()
    for param in params[:2]:
        assert float(param.detach().var()) == pytest.approx(ETA, rel=4 * (2 / 50_000) ** 0.5)
    state = noise.state_dict()
    assert set(state["generators"]) == {str(param.device) for param in params}
    others, its_optimizer, its_noise = made()
    its_noise.load_state_dict(state)
    for param, other in zip(params, others, strict=True):
        param.grad, other.grad = torch.zeros_like(param), torch.zeros_like(other)
    for each in (optimizer, its_optimizer):
        each.step()
    for param, other in zip(params, others, strict=True):
        assert torch.equal(added(param), added(other))
        assert bool(added(param).any())


def test_a_generator_of_another_device_is_refused(gpu: torch.device) -> None:
    if gpu.type == "cpu":
        pytest.skip("there is one device only")
    optimizer = torch.optim.SGD([parameter(3, gpu)], lr=0.1)
    GradientNoise(optimizer, generator=seeded("cpu"))
    with pytest.raises(ValueError, match="the generator is on cpu and gradients are on cuda"):
        optimizer.step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extra_memory_is_one_chunk(dtype: torch.dtype, gpu: torch.device) -> None:
    if gpu.type != "cuda":
        pytest.skip("the peak of the CPU is looked at elsewhere")
    params = [parameter(count, gpu, dtype) for count in (CHUNK // 2, 9 * CHUNK + 5, 3 * CHUNK)]
    optimizer = torch.optim.SGD(params, lr=0.1)
    noise = GradientNoise(optimizer, ETA, generator=seeded(gpu))
    torch.cuda.synchronize(gpu)
    torch.cuda.reset_peak_memory_stats(gpu)
    before = torch.cuda.memory_allocated(gpu)
    noise._before_step(optimizer, (), {})
    torch.cuda.synchronize(gpu)
    assert torch.cuda.max_memory_allocated(gpu) - before <= 4 * CHUNK + MIB // 4
    assert torch.cuda.memory_allocated(gpu) - before <= 4 * CHUNK + MIB // 4
    assert all(bool((added(param) != 0).float().mean() > 0.99) for param in params)


def moved(gpu: torch.device, make: Callable[..., Optimizer], eta: float | None) -> list[Tensor]:
    params = [nn.Parameter(torch.linspace(-1, 1, count, device=gpu)) for count in (3, 500, 70)]
    optimizer = make(params, lr=0.01)
    if eta is not None:
        GradientNoise(optimizer, eta, generator=seeded(gpu))
    for _ in range(4):
        for param in params:
            param.grad = (param.detach() - 0.5) ** 3
        optimizer.step()
    return [param.detach() for param in params]


@pytest.mark.parametrize(
    "make",
    [torch.optim.SGD, partial(torch.optim.SGD, momentum=0.9), torch.optim.Adam, torch.optim.AdamW],
    ids=["SGD", "momentum", "Adam", "AdamW"],
)
def test_one_call_for_all_tensors_is_one_call_each(make: Callable[..., Optimizer], gpu: torch.device) -> None:
    ways = [partial(make, foreach=True), partial(make, foreach=False), partial(make, fused=True)]
    for way in ways:
        bare, none = moved(gpu, way, None), moved(gpu, way, 0.0)
        assert all(torch.equal(one, other) for one, other in zip(bare, none, strict=True))
    noisy = [moved(gpu, way, ETA) for way in ways]
    assert not torch.equal(noisy[0][1], bare[1])
    for other in noisy[1:]:
        for one, same in zip(noisy[0], other, strict=True):
            torch.testing.assert_close(one, same, atol=1e-6, rtol=1e-5)


def test_a_scaler_unscales_before_the_noise(gpu: torch.device) -> None:
    for fused in (False, True):
        param = nn.Parameter(torch.zeros(50_000, device=gpu))
        optimizer = torch.optim.SGD([param], lr=1.0, fused=fused)
        noise = GradientNoise(optimizer, ETA, generator=seeded(gpu))
        scaler = torch.amp.GradScaler(gpu.type, init_scale=2.0**14)
        scaler.scale((2 * param).sum()).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        assert noise.step == 1
        assert float(param.detach().mean()) == pytest.approx(-2, abs=4 * (ETA / 50_000) ** 0.5)
        assert float(param.detach().var()) == pytest.approx(ETA, rel=4 * (2 / 50_000) ** 0.5)


def test_the_trainers_callback_resumes_on_the_device(gpu: torch.device, tmp_path: Path) -> None:
    for needed in ("transformers", "accelerate", "sklearn"):
        pytest.importorskip(needed)
    from tests.learning.gradient_noise import test_trainings as trainings

    make = partial(trainings.trainer, tmp_path, 0.1, max_steps=4, on_cpu=gpu.type == "cpu")
    whole = make()
    whole.train()
    resumed = make()
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    found, wanted = trainings.weights(resumed), trainings.weights(whole)
    assert found.device.type == gpu.type
    # Sums of a GPU may differ in their last digits; another draw would move weights by their rate of 5e-5.
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)


Made = tuple[Callable[[], nn.Module], Callable[[Ensemble, Callable[[Tensor], Tensor]], Tensor]]


def deep() -> Made:
    x, y = torch.rand(9, 12, dtype=torch.float64, generator=seeded()), torch.arange(9) % 3

    def losses(ensemble: Ensemble, to: Callable[[Tensor], Tensor]) -> Tensor:
        fast, usual = stacked_logits(ensemble, to(x)), ensemble(to(x), shared=True)
        torch.testing.assert_close(fast, usual)
        return cross_entropies(fast, to(y))

    return partial(MLPDeep, 12, 3, width=10, depth=20), losses


def neural_gpu() -> Made:
    x, y = arithmetic.problems("multiplication", 3, 6, seeded())

    def losses(ensemble: Ensemble, to: Callable[[Tensor], Tensor]) -> Tensor:
        return cross_entropies(ensemble(to(x), shared=True).flatten(1, 2), to(y).flatten())

    return partial(NeuralGPU, arithmetic.SYMBOLS, maps=6, layers=2), losses


def memory_network() -> Made:
    story = torch.randint(1, 9, (5, 6, 4), generator=seeded())
    story[0, 3:] = 0
    question, answer = torch.randint(1, 9, (5, 4), generator=seeded()), torch.arange(5)

    def losses(ensemble: Ensemble, to: Callable[[Tensor], Tensor]) -> Tensor:
        return cross_entropies(ensemble(to(story), to(question), shared=True), to(answer))

    return partial(MemN2N, 9, width=5, memory=5, words=4), losses


def machine() -> Made:
    before, after = walks(2, 5, 8, seeded())
    memory = functional.one_hot(before, 5).double()
    scored = torch.tensor([1.0, 0, 0, 0, 0], dtype=torch.float64)

    def losses(ensemble: Ensemble, to: Callable[[Tensor], Tensor]) -> Tensor:
        wanted, counts = to(after), to(scored)
        ran = ensemble(to(memory), shared=True)
        each: Tensor = torch.func.vmap(lambda one: machine_loss(one, wanted, counts).mean())(ran)
        return each

    return partial(NeuralRAM, 5, 2, steps=3, width=8), losses


def programmer(text: bool) -> Made:
    templates = ("match count", "match sum") if text else ("sum", "greater sum", "lesser count")
    batch = tables.questions(8, seeded(), templates=templates, text_columns=2 * text)
    batch = {
        name: each.double() if each.is_floating_point() and name != "lookup" else each
        for name, each in batch.items()
    }

    def losses(ensemble: Ensemble, to: Callable[[Tensor], Tensor]) -> Tensor:
        return program_losses(ensemble, {name: to(each) for name, each in batch.items()}, None)

    names, others = (
        tuple(tables.VOCABULARY[name] for name in group) for group in (tables.COLUMNS, tables.TEXT_COLUMNS)
    )
    make = partial(
        NeuralProgrammer,
        len(tables.VOCABULARY),
        names,
        text_columns=others if text else (),
        steps=2,
        width=8,
    )
    return make, losses


ENSEMBLES: dict[str, Callable[[], Made]] = {
    "deep network": deep,
    "Neural GPU": neural_gpu,
    "memory network": memory_network,
    "random-access machine": machine,
    "programmer": partial(programmer, False),
    "programmer that matches words": partial(programmer, True),
}


@pytest.mark.parametrize("name", ENSEMBLES)
def test_restarts_train_as_on_the_cpu(name: str, gpu: torch.device) -> None:
    make, losses = ENSEMBLES[name]()
    found = []
    for device in ("cpu", gpu):
        ensemble = restarts([1, 2, 3], make).double().to(device)

        def to(each: Tensor, device: torch.device | str = device) -> Tensor:
            return each.to(device)

        optimizer = torch.optim.SGD(ensemble.parameters(), lr=0.1)
        of_first = losses(ensemble, to)
        of_first.sum().backward()
        clip_each_copy_(ensemble.parameters(), 1.0)
        optimizer.step()
        moved_to = [each.detach().to("cpu", copy=True) for each in ensemble.parameters()]
        found.append([of_first.detach().cpu(), *moved_to])
    for got, wanted in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-9, rtol=1e-9)
    # And with noise that is drawn on the device.
    noise = GradientNoise(optimizer, generator=seeded(gpu), schedule=NoiseSchedule(1e-4))
    for _ in range(2):
        optimizer.zero_grad()
        losses(ensemble, to).sum().backward()
        clip_each_copy_(ensemble.parameters(), 1.0)
        optimizer.step()
    assert noise.step == 2
    for each, before in zip(ensemble.parameters(), found[1][1:], strict=True):
        assert each.device.type == gpu.type
        assert each.isfinite().all()
        assert not torch.equal(each.detach().cpu(), before)


def test_dropout_of_restarts_is_drawn_on_the_device(gpu: torch.device) -> None:
    ensemble = restarts([1, 2], partial(MLPDeep, 6, 3, width=20, depth=2, dropout=0.5)).to(gpu)
    x = torch.rand(4, 6, generator=seeded()).to(gpu)
    assert not torch.equal(ensemble(x, shared=True), ensemble(x, shared=True))
    ensemble.eval()
    assert torch.equal(ensemble(x, shared=True), ensemble(x, shared=True))
