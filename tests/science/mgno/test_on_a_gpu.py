"""V-cycles and networks of them on a GPU give what they give on the CPU."""

import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from pathlib import Path

import pytest
import torch
from tests.devices import apart, bit_equal, exact_float32, left_behind, skip_without_a_compiler
from torch import Tensor, nn

from octavo import catalogue
from octavo.lab.lab import Lab, Nowhere
from octavo.nn import Ensemble
from octavo.runner import plan, run
from octavo.science import MgNO, MultigridConv, boundary_padding, pde
from octavo.science.mgno import systems
from octavo.science.mgno.baselines import DenseMatrix, DilatedResNet, SpectralConv, UNet
from octavo.science.mgno.boundary import BOUNDARIES
from octavo.science.mgno.identities import Jacobi, departure_from_blocks, departure_from_linearity
from octavo.science.mgno.multigrid import RESTRICTIONS
from octavo.science.mgno.parts.kept import darcy_task
from octavo.science.mgno.parts.training import test_errors as errors_of
from octavo.science.mgno.parts.training import train
from octavo.science.mgno.scales import SCALES
from octavo.science.mgno.tasks import Task, band_error

BEST = {torch.float64: 1e-9, torch.float32: 1e-4}
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    torch.manual_seed(0)
    with exact_float32():
        yield


def step(
    make: Callable[[], nn.Module], shape: tuple[int, ...], kind: torch.dtype, device: torch.device
) -> list[Tensor]:
    """What comes out, and the gradients of input and parameters."""
    torch.manual_seed(2)
    model = make().to(device)
    if not any(p.is_complex() for p in model.parameters()):
        model.to(kind)
    f = torch.randn(shape, dtype=kind).to(device).requires_grad_()
    u = model(f)
    assert u.device.type == device.type
    assert u.dtype == kind
    weight = torch.randn(u.shape, dtype=kind)
    (u * weight.to(device)).sum().backward()
    assert f.grad is not None
    return [u, f.grad, *(p.grad for p in model.parameters() if p.grad is not None)]


def same_on_both(make: Callable[[], nn.Module], shape: tuple[int, ...], gpu: torch.device) -> None:
    """Results and gradients in both precisions."""
    for kind, best in BEST.items():
        found, expected = step(make, shape, kind, gpu), step(make, shape, kind, CPU)
        # Results apart from gradients, which may be much larger.
        assert apart(found[:1], expected[:1]) < best
        assert apart(found[1:], expected[1:]) < best


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("grid", [(19,), (12, 17)], ids=["line", "plane"])
def test_a_cycle_is_that_of_the_cpu(gpu: torch.device, boundary: str, grid: tuple[int, ...]) -> None:
    for restrict, post in product(RESTRICTIONS, (0, 1)):
        options = {"restrict": restrict, "post_smoothing": post, "boundary": boundary, "dim": len(grid)}
        same_on_both(lambda: MultigridConv(2, 3, levels=3, **options), (2, 2, *grid), gpu)  # noqa: B023


def test_so_are_volumes_inner_points_and_layer_norms(gpu: torch.device) -> None:
    same_on_both(lambda: MultigridConv(1, 2, levels=2, dim=3), (2, 1, 6, 7, 8), gpu)
    same_on_both(
        lambda: MultigridConv(2, 2, levels=3, coarsening="interior", growth=True), (2, 2, 15, 15), gpu
    )
    same_on_both(lambda: MultigridConv(2, 3, levels=2, norm=(12, 9)), (2, 2, 12, 9), gpu)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"boundary": "periodic", "skip": True, "bias": None, "activation": "tanh"},
        {"boundary": "neumann", "bias": "function", "readout": "multigrid"},
        {"dim": 1, "boundary": "neumann_cells", "bias": "function"},
    ],
    ids=["darcy", "periodic", "neumann", "line"],
)
def test_the_whole_network_is_that_of_the_cpu(gpu: torch.device, options: dict[str, object]) -> None:
    grid = (17,) if options.get("dim") == 1 else (16, 13)
    same_on_both(lambda: MgNO(2, 2, width=4, depth=2, levels=3, **options), (3, 2, *grid), gpu)  # type: ignore[arg-type]


def test_so_are_those_beside_it(gpu: torch.device) -> None:
    same_on_both(lambda: UNet(2, 1, width=4, levels=3), (2, 2, 17, 16), gpu)
    same_on_both(lambda: DilatedResNet(2, 1, width=4, blocks=1), (2, 2, 16, 16), gpu)
    same_on_both(lambda: DenseMatrix(81, rank=3), (2, 1, 9, 9), gpu)
    same_on_both(Jacobi, (2, 1, 9, 9), gpu)
    # Its weights are complex, and stay in single precision.
    layer = lambda: SpectralConv(2, 2, modes=4, padding=0.5)  # noqa: E731
    found, expected = (step(layer, (2, 2, 16, 16), torch.float32, device) for device in (gpu, CPU))
    assert apart(map(real, found), map(real, expected)) < 1e-4


def test_so_is_fno(gpu: torch.device) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("neuralop")
    task = task_of(4, 16)

    def one(device: torch.device) -> list[Tensor]:
        return step(lambda: systems.fno(task, 8, 6), (2, 1, 16, 16), torch.float32, device)

    assert apart(map(real, one(gpu)), map(real, one(CPU))) < 1e-4


def real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def test_a_cycle_is_linear_there_and_the_sum_of_its_blocks(gpu: torch.device) -> None:
    for boundary in BOUNDARIES:
        W = MultigridConv(3, 2, levels=3, boundary=boundary).to(gpu, torch.float64)
        one, other = torch.randn(2, 2, 3, 13, 16, dtype=torch.float64, device=gpu)
        assert departure_from_linearity(W, one, other) < 1e-12
        assert departure_from_blocks(W, one) < 1e-12


def test_textbook_weights_solve_there(gpu: torch.device) -> None:
    W = MultigridConv.classical(levels=4).to(gpu, torch.float64)
    A = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]], dtype=torch.float64, device=gpu)[None, None]
    f = torch.randn(1, 1, 31, 31, dtype=torch.float64, device=gpu)
    u, left = torch.zeros_like(f), [f.norm()]
    for _ in range(25):
        u = u + W(f - nn.functional.conv2d(u, A, padding=1))
        left.append((f - nn.functional.conv2d(u, A, padding=1)).norm().detach())
    assert max(float(after / before) for before, after in pairwise(left[1:])) <= 0.40
    assert left[-1] < 1e-10 * left[0]


def test_a_batch_gives_each_field_what_it_gets_alone(gpu: torch.device) -> None:
    model, a = MgNO(1, 1, width=4, depth=2, levels=3).to(gpu), torch.randn(5, 1, 17, 12, device=gpu)
    with torch.no_grad():
        for row in (0, 3):
            assert apart([model(a)[row : row + 1]], [model(a[row : row + 1])]) < 1e-5


def test_padding_continues_fields_there(gpu: torch.device) -> None:
    for dim, boundary in product((1, 2, 3), BOUNDARIES):
        field = torch.randn(2, 1, *[4] * dim)
        assert torch.equal(boundary_padding(field.to(gpu), boundary).cpu(), boundary_padding(field, boundary))


def test_autocast_stays_near_and_finite(gpu: torch.device) -> None:
    for options in ({}, {"boundary": "neumann", "bias": "function"}, {"boundary": "periodic"}):
        model, a = (
            MgNO(1, 1, width=4, depth=2, levels=3, **options).to(gpu),
            torch.randn(2, 1, 16, 16, device=gpu),
        )  # type: ignore[arg-type]
        with torch.autocast(gpu.type, dtype=torch.bfloat16):
            low = model(a)
            loss = pde.relative_l2(low.float(), a).mean()
        loss.backward()
        assert (low.float() - model(a)).norm() < 0.05 * model(a).norm()
        assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)


def test_compiled_code_gives_the_same(gpu: torch.device) -> None:
    skip_without_a_compiler(gpu)
    model = MgNO(1, 1, width=4, depth=1, levels=2, boundary="neumann").to(gpu)
    a = torch.randn(2, 1, 9, 8, device=gpu)
    with torch.no_grad():
        found = torch.compile(model, fullgraph=True)(a)
        torch.testing.assert_close(found, model(a), atol=1e-5, rtol=1e-5)


def test_saved_on_one_device_and_read_on_the_other(gpu: torch.device, tmp_path: Path) -> None:
    model = MgNO(1, 1, width=4, depth=2, levels=2, boundary="periodic").to(gpu)
    model.save_pretrained(tmp_path / "there")
    here = MgNO.from_pretrained(tmp_path / "there")
    assert {each.device.type for each in here.state_dict().values()} == {"cpu"}
    assert bit_equal(here.state_dict(), model.state_dict())
    here.save_pretrained(tmp_path / "back")
    back = MgNO.from_pretrained(tmp_path / "back").to(gpu)
    assert bit_equal(back.state_dict(), model.state_dict())
    a = torch.randn(2, 1, 9, 8, device=gpu)
    with torch.no_grad():
        assert apart([back(a)], [model(a)]) < 1e-6


def task_of(pairs: int, size: int) -> Task:
    a, u = pde.darcy(pairs + 4, size)
    return Task("darcy", (a[:pairs], u[:pairs]), (a[pairs:], u[pairs:]), "dirichlet")


def test_nothing_is_left_behind(gpu: torch.device) -> None:
    task = task_of(4, 12)
    models = [task.scaled(MgNO(1, 1, width=4, depth=1, levels=2, bias="function")) for _ in range(2)]
    for model in (
        MultigridConv.classical(levels=3),
        MultigridConv(2, 3, levels=2, norm=(12, 12)),
        UNet(1, 1, width=4),
        SpectralConv(1, 1, modes=3),
        Jacobi(),
        *models,
        Ensemble(models),
    ):
        assert not left_behind(model.to(gpu), gpu)
        assert not left_behind(model.to("cpu"), CPU)
    # Constants that a step needs are made where the fields are.
    W = MgNO(1, 1, width=4, depth=1, levels=2, bias="function").to(gpu)
    assert W(torch.randn(1, 1, 12, 12, device=gpu)).device.type == gpu.type
    assert W.to("cpu")(torch.randn(1, 1, 12, 12)).device.type == "cpu"


def test_an_ensemble_of_scaled_networks_gives_what_each_gives_alone(gpu: torch.device) -> None:
    line = torch.randn(4, 1, 15)
    task = Task("line", (line, line.cumsum(-1)), (line, line.cumsum(-1)), "dirichlet")
    models = [task.scaled(MgNO(1, 1, width=4, depth=1, levels=2, dim=1)) for _ in range(3)]
    together = Ensemble(models).to(gpu)(task.test[0].to(gpu), shared=True)
    assert apart(together, [model(task.test[0]) for model in models]) < 1e-4


def test_errors_are_measured_there(gpu: torch.device) -> None:
    u = torch.randn(3, 2, 16, 12)
    predicted = u + 0.1 * torch.randn_like(u)
    for error in (pde.relative_l2, pde.relative_h1, band_error):
        found = error(predicted.to(gpu), u.to(gpu))
        assert found.device.type == gpu.type
        assert apart([found], [error(predicted, u)]) < 1e-5


def test_pairs_from_the_cache_are_learnt_there(
    gpu: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path))
    monkeypatch.setattr("octavo.science.mgno.parts.kept.WORTH_KEEPING", 8)
    solved, task = (darcy_task("darcy", 16, 32, 8, 3) for _ in range(2))
    assert list((tmp_path / "mgno").glob("*.safetensors"))
    assert all(torch.equal(*pair) for pair in zip(solved.train, task.train, strict=True))
    lab = Lab("mgno", "accuracy", writer=Nowhere(), device=str(gpu))
    model, evaluations, losses = train(
        SCALES["smoke"],
        lab,
        "a short training",
        task,
        lambda: MgNO(1, 1, width=8, depth=1, levels=3),
        epochs=8,
        rate=1e-2,
        errors=pde.relative_h1,
        batch_size=8,
        evaluate=lambda model: {"test": errors_of(model, task.test)["h1_error"].mean().item()},
    )
    assert not left_behind(model, gpu)
    assert len(losses) == 32
    assert len(evaluations) == 8
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    assert evaluations[-1]["test"] < evaluations[0]["test"]


def test_the_experiment_runs_there(
    gpu: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path))
    parts = [
        "universality",
        "green",
        "boundaries",
        "lifting",
        "overfitting",
        "accuracy",
        "other_equations",
        "pace",
    ]
    outcome = run(plan("mgno", scale="smoke", seeds=1, parts=parts, device=str(gpu)), jobs=1, progress=False)
    assert not outcome.failed, outcome.failed[0]
    assert not outcome.diverged
    assert {unit.needs for unit in outcome.needs} <= {*catalogue.paper("mgno").data, "neuraloperator"}
