import pytest
import torch
from torch import nn

from octavo.errors import OctavoError
from octavo.lab.batches import TensorData
from octavo.lab.evaluation import Evaluation

DATA = TensorData(x=torch.arange(7.0), place=torch.arange(7))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_every_item_in_its_place(batch_size: int) -> None:
    evaluation = Evaluation(DATA, lambda model, batch: {"square": batch["x"] ** 2}, batch_size)
    assert evaluation.items(nn.Identity())["square"].tolist() == [float(place**2) for place in range(7)]
    assert evaluation(nn.Identity()) == {"square": 13.0}


def test_results_of_two_processes_are_put_in_order() -> None:
    evaluation = Evaluation(DATA, lambda model, batch: {})
    even, odd = torch.arange(0, 7, 2), torch.arange(1, 7, 2)
    whole = evaluation._assemble([(odd, {"x": odd.double()}), (even, {"x": even.double()})])
    assert whole["x"].tolist() == list(range(7))


@pytest.mark.parametrize("wrong", [[0, 1, 2], [0, 1, 2, 3, 4, 5, 6, 6], [0, 1, 2, 3, 4, 5, 5]])
def test_an_item_that_is_missing_or_twice_is_an_error(wrong: list[int]) -> None:
    places = torch.tensor(wrong)
    with pytest.raises(OctavoError, match="each must come once"):
        Evaluation(DATA, lambda model, batch: {})._assemble([(places, {"x": places.double()})])


def test_a_mean_instead_of_one_number_an_item_is_an_error() -> None:
    with pytest.raises(OctavoError, match=r"shape \(\) for 7 items; give one number an item"):
        Evaluation(DATA, lambda model, batch: {"x": batch["x"].mean()}).items(nn.Identity())
