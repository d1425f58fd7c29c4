"""What an estimator is trained with: it learns, repeats itself, and clips where it is told to."""

import pytest
import torch
from torch import Tensor, nn

from octavo.nn import minimise


def fitted(clip_norm: float | None = None, items: int = 9, epochs: int = 30) -> tuple[Tensor, list[float]]:
    x = torch.linspace(-1, 1, items)
    slope = nn.Parameter(torch.zeros(1))
    losses = minimise(
        [slope],
        lambda rows: (slope * x[rows] - 3 * x[rows]).square().mean(),
        items,
        epochs=epochs,
        batch_size=4,
        learning_rate=0.3,
        weight_decay=0.0,
        clip_norm=clip_norm,
        generator=torch.Generator().manual_seed(0),
    )
    return slope.detach(), losses


def test_learns_and_repeats_itself() -> None:
    slope, losses = fitted()
    assert slope.item() == pytest.approx(3, abs=0.1)
    assert len(losses) == 30
    assert losses[-1] < 0.01 * losses[0]
    assert torch.equal(fitted()[0], slope)


def test_gradients_are_clipped() -> None:
    weight = nn.Parameter(torch.ones(2))
    norms = []

    class Kept(torch.optim.AdamW):
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            assert weight.grad is not None
            norms.append(weight.grad.norm().item())
            super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Kept)
        minimise(
            [weight],
            lambda rows: 100 * weight.square().sum(),
            4,
            epochs=2,
            batch_size=2,
            learning_rate=0.01,
            clip_norm=1.0,
            generator=torch.Generator().manual_seed(0),
        )
    assert len(norms) == 4
    assert max(norms) <= 1 + 1e-5


def test_one_item_left_over_is_passed_by() -> None:
    seen: list[int] = []
    weight = nn.Parameter(torch.ones(1))

    def loss(rows: Tensor) -> Tensor:
        seen.append(len(rows))
        return weight.square().sum()

    minimise(
        [weight],
        loss,
        9,
        epochs=1,
        batch_size=4,
        learning_rate=0.1,
        generator=torch.Generator().manual_seed(0),
    )
    assert seen == [4, 4]


@pytest.mark.parametrize(("items", "epochs", "batch"), [(1, 1, 2), (4, 0, 2), (4, 1, 1)])
def test_refuses_what_trains_nothing(items: int, epochs: int, batch: int) -> None:
    with pytest.raises(ValueError, match="two items, an epoch and a batch of two"):
        minimise(
            [nn.Parameter(torch.ones(1))],
            lambda rows: rows.sum(),
            items,
            epochs=epochs,
            batch_size=batch,
            learning_rate=0.1,
            generator=torch.Generator(),
        )
