"""Nested losses of embeddings equal the formula."""

import pytest
import torch
import torch.nn.functional as F
from tests.embedding.matryoshka import reference

from octavo.embedding import MatryoshkaObjective, MatryoshkaRankingLoss, prefix_similarities

DIMS = [2, 5, 7]


def towers(n: int = 4, d: int = 7) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, d, dtype=torch.float64, generator=generator).requires_grad_() for _ in range(3)]


@pytest.mark.parametrize("columns", [2, 3])
def test_ranking_equals_the_reference_in_value_and_gradients(columns: int) -> None:
    embeddings = towers()[:columns]
    weights = [1.0, 0.3, 2.0]
    loss = MatryoshkaRankingLoss(DIMS, weights, scale=5.0)(*embeddings)
    expected = reference.nested_ranking(embeddings[0], torch.cat(embeddings[1:]), DIMS, weights, 5.0)
    torch.testing.assert_close(loss, expected, atol=1e-10, rtol=0)
    for got, wanted in zip(
        torch.autograd.grad(loss, embeddings), torch.autograd.grad(expected, embeddings), strict=True
    ):
        torch.testing.assert_close(got, wanted, atol=1e-10, rtol=0)


def test_gradcheck() -> None:
    a, b, _ = towers()
    assert torch.autograd.gradcheck(MatryoshkaRankingLoss(DIMS, scale=2.0, symmetric=True), (a, b))


def ranking(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(20 * a @ b.mT, torch.arange(len(a)))


def test_the_fast_loss_equals_the_objective_around_the_plain_one() -> None:
    a, b, _ = towers()
    objective = MatryoshkaObjective(ranking, [7, 2, 5], [1.0, 2.0, 3.0])
    fast = MatryoshkaRankingLoss([7, 2, 5], [1.0, 2.0, 3.0])
    torch.testing.assert_close(objective(a, b), fast(a, b), atol=1e-10, rtol=0)
    both = (objective(a, b) + objective(b, a)) / 2
    symmetric = MatryoshkaRankingLoss([7, 2, 5], [1.0, 2.0, 3.0], symmetric=True)
    torch.testing.assert_close(symmetric(a, b), both, atol=1e-10, rtol=0)


def test_a_loss_of_size_m_does_not_see_what_lies_beyond() -> None:
    a, b, _ = towers()
    for m in DIMS:
        for loss in (MatryoshkaObjective(ranking, [m])(a, b), MatryoshkaRankingLoss([m])(a, b)):
            (gradient,) = torch.autograd.grad(loss, a, retain_graph=True)
            assert torch.equal(gradient[:, m:], torch.zeros_like(gradient[:, m:]))


def test_similarities_of_raw_vectors_and_of_zeros() -> None:
    a, b, _ = towers()
    for m, got in zip(DIMS, prefix_similarities(a, b, DIMS, normalize=False), strict=True):
        torch.testing.assert_close(got, a[:, :m] @ b[:, :m].mT, atol=1e-12, rtol=0)
    with_zeros = torch.cat([a.detach(), torch.zeros(1, 7, dtype=torch.float64)]).requires_grad_()
    found = prefix_similarities(with_zeros, b, DIMS)
    assert torch.equal(found[:, -1], torch.zeros(3, 4, dtype=torch.float64))
    found.sum().backward()
    assert with_zeros.grad is not None
    assert with_zeros.grad.isfinite().all()


def test_half_precision_is_summed_in_float32() -> None:
    a, b, _ = towers()
    low = prefix_similarities(a.bfloat16(), b.bfloat16(), DIMS)
    assert low.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert prefix_similarities(a.float(), b.float(), DIMS).dtype == torch.float32


def test_targets_that_are_embeddings_are_cut_and_what_is_named_is_not() -> None:
    a, b, _ = towers()
    seen = []

    def distance(z: torch.Tensor, target: torch.Tensor, margin: torch.Tensor) -> torch.Tensor:
        seen.append((z.shape[1], target.shape[1], margin.shape))
        return (z - target).square().sum()

    MatryoshkaObjective(distance, DIMS)(a, b, margin=torch.ones(7))
    assert seen == [(m, m, (7,)) for m in DIMS]


def test_draws_sizes_while_it_trains_and_takes_all_afterwards() -> None:
    a, b, _ = towers()
    seen: list[int] = []

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        seen.append(x.shape[1])
        return (x * y).sum()

    objective = MatryoshkaObjective(loss, DIMS, dims_per_step=2)
    for _ in range(40):
        seen.clear()
        objective(a, b)
        assert len(seen) == 2
        assert seen == sorted(seen)
    seen.clear()
    objective.eval()(a, b)
    assert seen == DIMS


def test_refuses() -> None:
    a, b, _ = towers()
    with pytest.raises(ValueError, match="goes beyond the embeddings"):
        MatryoshkaObjective(ranking, [4, 8])(a, b)
    with pytest.raises(ValueError, match="pass others by name"):
        MatryoshkaObjective(ranking, [4])(a, b[:, :5])
    with pytest.raises(ValueError, match="no embeddings"):
        MatryoshkaObjective(ranking, [4])()
    with pytest.raises(ValueError, match="dims_per_step=4"):
        MatryoshkaObjective(ranking, DIMS, dims_per_step=4)
    with pytest.raises(ValueError, match="one shape"):
        MatryoshkaRankingLoss(DIMS)(a)
    with pytest.raises(ValueError, match="scale=0"):
        MatryoshkaRankingLoss(DIMS, scale=0.0)
    with pytest.raises(ValueError, match="goes beyond"):
        prefix_similarities(a, b, [8])
