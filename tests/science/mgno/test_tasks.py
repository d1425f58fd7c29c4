"""Tasks, errors at the edge and at equal training error, and the identities' own sanity."""

from pathlib import Path

import pytest
import torch
from torch import nn

from octavo.science import MgNO
from octavo.science.mgno.identities import Jacobi, contraction, error_by_frequency
from octavo.science.mgno.parts.kept import darcy_task, kept_pairs
from octavo.science.mgno.tasks import (
    Scaled,
    at_equal_error,
    band_error,
    make_task,
    one_cycle,
    poisson_task,
    widened,
)


def test_a_scaled_model_sees_units() -> None:
    a = 3 + 2 * torch.randn(50, 2, 8, 8)
    a[:, 1] *= 100
    seen = []

    class Watch(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return x[:, :1]

    u = 7 + 5 * torch.randn(50, 1, 8, 8)
    found = Scaled(Watch(), a, u)(a)
    torch.testing.assert_close(seen[0].mean((0, 2, 3)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[0].std((0, 2, 3)), torch.ones(2), atol=1e-3, rtol=0)
    torch.testing.assert_close(found.mean(), u.mean(), atol=1e-3, rtol=0)


def test_a_nan_is_not_hidden_by_the_units() -> None:
    a = torch.randn(4, 1, 6)
    strange = a[:1].clone()
    strange[0, 0, 2] = torch.nan
    found = Scaled(nn.Identity(), a, a)(strange)
    assert found.isnan().flatten().tolist() == strange.isnan().flatten().tolist()


def test_what_is_not_a_number_is_refused_before_training() -> None:
    a = torch.ones(3, 1, 4)
    a[1, 0, 2] = torch.nan
    with pytest.raises(ValueError, match=r"inputs \[1\] of the training set are not finite"):
        Scaled(nn.Identity(), a, torch.ones(3, 1, 4))


@pytest.mark.parametrize("equation", ["darcy", "darcy_rough", "helmholtz", "navier_stokes"])
def test_every_equation_makes_a_task(equation: str) -> None:
    task = make_task(equation, 17 if equation == "helmholtz" else 16, 3, 2, seed=0, omega=100.0)
    assert [len(field) for field in (*task.train, *task.test)] == [3, 3, 2, 2]
    assert task.channels == (3 if equation == "helmholtz" else 1, 1)


def test_pairs_are_kept_with_a_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path))
    solved = []

    def solve() -> tuple[torch.Tensor, torch.Tensor]:
        solved.append(1)
        return torch.ones(2, 1, 3), torch.full((2, 1, 3), 2.0)

    for _ in range(2):
        a, u = kept_pairs("darcy-0", solve)
        assert torch.equal(a, torch.ones(2, 1, 3))
        assert torch.equal(u, torch.full((2, 1, 3), 2.0))
    assert len(solved) == 1
    kept = tmp_path / "mgno" / "darcy-0.safetensors"
    spoilt = bytearray(kept.read_bytes())
    spoilt[-80] ^= 1
    for broken in (bytes(spoilt), kept.read_bytes()[:40]):
        kept.write_bytes(broken)
        assert torch.equal(kept_pairs("darcy-0", solve)[1], torch.full((2, 1, 3), 2.0))
    assert len(solved) == 3
    kept_pairs("darcy-1", solve)
    assert len(solved) == 4


def test_a_task_from_the_cache_is_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path))
    monkeypatch.setattr("octavo.science.mgno.parts.kept.WORTH_KEEPING", 3)
    made = make_task("darcy_rough", 8, 3, 2, 4)
    for _ in range(2):
        kept = darcy_task("darcy_rough", 8, 3, 2, 4)
        assert kept.name == made.name
        for one, other in zip((*made.train, *made.test), (*kept.train, *kept.test), strict=True):
            assert torch.equal(one, other)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "file"))
    assert kept_pairs("darcy-0", lambda: (torch.ones(1), torch.ones(1)))[0].tolist() == [1.0]


def test_a_widened_network_is_trained_as_the_narrow_one_is() -> None:
    torch.manual_seed(0)
    narrow, wide = (MgNO(1, 1, width=width, depth=1, levels=2, dim=1) for width in (2, 5))
    wide = widened(narrow, wide)
    a, found = torch.randn(4, 1, 9), []
    for model in (narrow, wide):
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        for _ in range(20):
            optimizer.zero_grad()
            (model(a) - a.square()).square().mean().backward()
            optimizer.step()
        found.append(model(a))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-5)
    assert sum(int(p.count_nonzero()) for p in wide.parameters()) == sum(
        p.numel() for p in narrow.parameters()
    )
    with pytest.raises(ValueError, match="does not fit into"):
        widened(wide, narrow)


def test_the_sources_tell_nothing_of_the_boundary() -> None:
    tasks = [poisson_task(b, 16, 2, 1, seed=3) for b in ("dirichlet", "neumann", "periodic")]
    centred = [task.train[0] - task.train[0].mean((2, 3), keepdim=True) for task in tasks]
    torch.testing.assert_close(centred[0], centred[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(centred[0], centred[2], atol=1e-5, rtol=0)


def test_the_band_is_two_cells_wide() -> None:
    target, predicted = torch.ones(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    predicted[0, 0, 1, 4] = 2.0
    assert band_error(predicted, target).item() == pytest.approx((1 / 48) ** 0.5)
    predicted[0, 0, 2, 4] = 9.0
    assert band_error(predicted, target).item() == pytest.approx((1 / 48) ** 0.5)


def test_curves_are_compared_where_the_training_errors_meet() -> None:
    assert at_equal_error([0.4, 0.2, 0.1], [0.5, 0.3, 0.25], 0.2) == pytest.approx(1.5)
    assert at_equal_error([0.4, 0.2], [0.5, 0.3], 0.3) == pytest.approx(0.4 / 0.3)
    assert at_equal_error([0.4], [0.6], 0.5) == pytest.approx(1.5)
    with pytest.raises(ValueError, match="train for longer"):
        at_equal_error([0.4, 0.2], [0.5, 0.3], 0.1)


def test_the_rate_rises_and_falls() -> None:
    factors = [one_cycle(p / 100) for p in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == factors[20] == pytest.approx(1)
    assert factors[-1] < 0.001


def test_sweeps_alone_hardly_contract() -> None:
    worst, left = contraction(Jacobi().double(), 31, torch.Generator().manual_seed(0), cycles=5)
    assert 0.5 < worst < 1
    assert left > 0.01


def test_spectra_keep_the_energy_of_a_wave() -> None:
    x = torch.arange(1, 16) / 16 * torch.pi
    wave = (3 * x).sin()[:, None] * (3 * x).sin()
    k, target, error = error_by_frequency(torch.zeros(1, 1, 15, 15), wave[None, None])
    assert target == error
    assert k[max(range(len(k)), key=lambda i: target[i])] == 3
