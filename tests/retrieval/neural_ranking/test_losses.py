"""Learning objectives at the values that their formulas give by hand."""

import math

import pytest
import torch

from octavo.retrieval.neural_ranking.losses import LOSSES, hinge, listmle, listnet, pointwise, ranknet

from . import reference

THERE = torch.ones(1, 3, dtype=torch.bool)


def test_hinge_of_an_ordered_list_with_margin_is_0() -> None:
    assert hinge(torch.tensor([[4.0, 2.0, 0.0]]), torch.tensor([[2.0, 1.0, 0.0]]), THERE) == 0
    assert hinge(torch.tensor([[0.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]]), THERE) == 1


def test_listnet_is_least_at_the_shares_of_the_gains() -> None:
    gains = torch.tensor([[3.0, 1.0, 4.0]])
    scores = gains.log().requires_grad_()
    loss = listnet(scores, gains, THERE)
    assert float(loss) == pytest.approx(0, abs=1e-6)
    loss.backward()
    assert scores.grad is not None
    assert scores.grad.abs().max() < 1e-6


def test_listnet_equals_the_formula() -> None:
    scores, gains = [0.3, -1.0, 0.7], [1.0, 0.0, 2.0]
    found = listnet(torch.tensor([scores]), torch.tensor([gains]), THERE)
    assert float(found) == pytest.approx(reference.listnet(scores, gains), abs=1e-6)


def test_pairs_of_equal_gains_are_no_pairs() -> None:
    assert ranknet(torch.tensor([[0.0, 5.0, 1.0]]), torch.ones(1, 3), THERE) == 0
    one = ranknet(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0]]), THERE)
    assert float(one) == pytest.approx(math.log(2))


def test_pointwise_is_cross_entropy_or_a_squared_distance() -> None:
    gains = torch.tensor([[4.0, 0.0, 2.0]])
    assert float(pointwise(torch.zeros(1, 3), gains, THERE)) == pytest.approx(math.log(2))
    assert float(pointwise(gains / 4, gains, THERE, graded=True)) == 0


def test_listmle_is_the_likelihood_of_the_order() -> None:
    scores = torch.tensor([[0.5, 0.1, -0.2]])
    total = sum(math.exp(value) for value in (0.5, 0.1, -0.2))
    found = listmle(scores, torch.tensor([[1.0, 0.0, 0.0]]), THERE)
    assert float(found) == pytest.approx(-math.log(math.exp(0.5) / total), abs=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_documents_that_are_not_there_do_not_count(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(2, 4, generator=generator)
    gains = torch.tensor([[2.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    short = LOSSES[name](scores, gains, torch.ones(2, 4, dtype=torch.bool))
    longer = LOSSES[name](
        torch.cat([scores, torch.full((2, 2), 9.0)], dim=1),
        torch.cat([gains, torch.zeros(2, 2)], dim=1),
        torch.tensor([[True] * 4 + [False] * 2] * 2),
    )
    torch.testing.assert_close(short, longer)


@pytest.mark.parametrize("name", LOSSES)
def test_a_list_without_a_relevant_document_has_no_gradient_that_is_no_number(name: str) -> None:
    scores = torch.randn(1, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    LOSSES[name](scores, torch.zeros(1, 3), THERE).backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_following_the_gradient_puts_the_better_document_first(name: str) -> None:
    scores = torch.tensor([[0.0, 0.1, 0.2]], requires_grad=True)
    gains = torch.tensor([[2.0, 1.0, 0.0]])
    optimizer = torch.optim.SGD([scores], lr=0.5)
    for _ in range(200):
        optimizer.zero_grad()
        LOSSES[name](scores, gains, THERE).backward()
        optimizer.step()
    assert scores[0, 0] > scores[0, 2]
