"""MgNO in the Trainer of the library neuraloperator, called as that library's FNO is."""

import warnings
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from octavo.science import MgNO, pde


class Pairs(Dataset[dict[str, torch.Tensor]]):
    """Inputs x and targets y, as that library's data sets name them."""

    def __init__(self, n: int) -> None:
        a, u = pde.darcy(n, 12, seed=0)
        self.a, self.u = a / 12, 100 * u

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"x": self.a[index], "y": self.u[index]}


@pytest.fixture(scope="module")
def neuralop() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("neuralop")


def test_it_learns_in_their_trainer(neuralop: Any) -> None:
    from neuralop.losses import LpLoss

    torch.manual_seed(0)
    model = MgNO(1, 1, width=6, depth=1, levels=3)
    loader = DataLoader(Pairs(16), batch_size=4)
    loss = LpLoss(d=2, p=2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    trainer = neuralop.Trainer(model=model, n_epochs=8, verbose=False)
    before = trainer.evaluate({"l2": loss}, loader, log_prefix="before", epoch=0)
    trainer.train(
        train_loader=loader,
        test_loaders={"same": loader},
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0),
        training_loss=loss,
        eval_losses={"l2": loss},
    )
    after = trainer.evaluate({"l2": loss}, loader, log_prefix="after", epoch=8)
    assert float(after["after_l2"]) < 0.6 * float(before["before_l2"])


def test_it_is_called_as_their_model_is(neuralop: Any) -> None:
    from neuralop.models import FNO

    x = torch.randn(2, 1, 16, 16)
    theirs = FNO(n_modes=(4, 4), in_channels=1, out_channels=1, hidden_channels=4, n_layers=1)
    ours = MgNO(1, 1, width=4, depth=1, levels=2)
    for model in (theirs, ours):
        assert model(x).shape == model(x=x).shape == x.shape
