"""The neural operator: known sizes, layers as defined, saving, and what it refuses."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from octavo.science import MgNO


def count(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_sizes_of_the_papers_models() -> None:
    assert count(MgNO(1, 1, width=24, depth=4, levels=6)) == 572_661
    steps = {"smoothing": (1, 1, 1, 2, 2)}
    flow = {"norm": (64, 64), **steps}
    options = {"boundary": "periodic", "bias": None, "skip": True}
    model = MgNO(1, 1, width=32, depth=5, levels=5, multigrid=flow, **options)
    # The authors' is built with bias=True in its smoothers, which adds 1,894 to 2,883,300.
    assert count(model) == 2_883_300


def test_a_layer_is_the_activation_of_an_operator_and_a_bias() -> None:
    torch.manual_seed(0)
    model, a = MgNO(2, 1, width=3, depth=1, levels=2), torch.randn(2, 2, 8, 9)
    W, B = model.operators[0], model.biases[0]
    hidden = F.gelu(W(a) + B(a))
    torch.testing.assert_close(model(a), model.readout(hidden))
    # The operator's block (i, j) is what channel j alone gives in channel i.
    alone = [W(a * (torch.arange(2) == j).float()[:, None, None]) for j in range(2)]
    torch.testing.assert_close(alone[0] + alone[1], W(a))


@pytest.mark.parametrize("bias", ["local", "function", None])
@pytest.mark.parametrize("readout", ["linear", "multigrid"])
def test_comes_back_bit_by_bit(bias: str | None, readout: str, tmp_path: Path) -> None:
    model = MgNO(
        1, 2, width=4, depth=2, levels=2, bias=bias, readout=readout, multigrid={"restrict": "residual"}
    )
    model.save_pretrained(tmp_path)
    assert {"config.json", "model.safetensors"} <= {path.name for path in tmp_path.iterdir()}
    again = MgNO.from_pretrained(tmp_path)
    a = torch.randn(1, 1, 9, 16)
    assert torch.equal(model(a), again(a))


def test_weights_of_another_dim_are_refused(tmp_path: Path) -> None:
    MgNO(1, 1, width=4, depth=1, levels=2).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"do not fit .*'dim': 1.*leave these options out"):
        MgNO.from_pretrained(tmp_path, dim=1)


def test_serves_every_grid_and_batch() -> None:
    model = MgNO(1, 1, width=4, depth=1, levels=3).eval()
    for grid in ((12, 12), (33, 20), (64, 13)):
        a = torch.randn(3, 1, *grid)
        torch.testing.assert_close(model(a)[1:2], model(a[1:2]), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (1, -1), (1, 1.0)])
def test_refuses_sizes(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be a whole number of at least 1"):
        MgNO.__init__.__wrapped__(MgNO.__new__(MgNO), *sizes)


def test_what_is_periodic_moves_with_its_input() -> None:
    model = MgNO(1, 1, width=4, depth=2, levels=3, boundary="periodic").double()
    a = torch.randn(1, 1, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(model(a.roll(4, 2)), model(a).roll(4, 2), atol=1e-12, rtol=0)


def test_a_skip_adds_the_input() -> None:
    torch.manual_seed(0)
    model = MgNO(1, 1, width=4, depth=1, levels=2, skip=True)
    with torch.no_grad():
        model.readout.weight.zero_()
    a = torch.randn(1, 1, 8, 8)
    assert torch.equal(model(a), a)
    with pytest.raises(ValueError, match="as many channels"):
        MgNO(2, 1, skip=True)


def test_compiled_code_gives_the_same() -> None:
    model, a = MgNO(1, 1, width=4, depth=2, levels=2, boundary="neumann"), torch.randn(2, 1, 9, 8)
    torch.compiler.reset()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(a), model(a), atol=1e-5, rtol=1e-5)


def test_autocast_stays_near() -> None:
    model, a = MgNO(1, 1, width=4, depth=2, levels=2), torch.randn(2, 1, 12, 12)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = model(a)
    assert (low.float() - model(a)).norm() < 0.05 * model(a).norm()


def test_a_seed_gives_one_training() -> None:
    def losses() -> list[float]:
        torch.manual_seed(3)
        model = MgNO(1, 1, width=4, depth=1, levels=2)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        a, found = torch.randn(4, 1, 8, 8), []
        for _ in range(3):
            loss = (model(a) - a.square()).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    assert losses() == losses()
