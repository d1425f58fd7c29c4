"""The heads equal the formula, see no column beyond their size, and cost what they should."""

import pytest
import torch
import torch.nn.functional as F
from tests.embedding.matryoshka import reference
from torch import nn

from octavo.embedding import MatryoshkaLinear, MatryoshkaLoss

DIMS = [1, 3, 4, 9]


def made(efficient: bool, bias: bool = True) -> tuple[MatryoshkaLinear, torch.Tensor, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = MatryoshkaLinear(DIMS, 5, efficient, bias=bias).double()
        return head, torch.randn(6, 9, dtype=torch.float64, requires_grad=True), torch.randint(5, (6,))


def parameters(head: MatryoshkaLinear) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    zero = torch.zeros(head.num_classes, dtype=torch.float64)
    if head.efficient:
        bias = zero if head.bias is None else head.bias
        return [head.weight[:, :m] for m in DIMS], [bias] * len(DIMS)
    return [each.weight for each in head.heads], [zero if h.bias is None else h.bias for h in head.heads]


@pytest.mark.parametrize("efficient", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_equals_the_reference_in_value_and_gradients(efficient: bool, bias: bool) -> None:
    head, z, y = made(efficient, bias)
    weights = [1.0, 0.5, 0.0, 2.0]
    loss = MatryoshkaLoss(weights=weights)(head(z), y)
    expected = reference.nested_cross_entropy(reference.logits(z, *parameters(head), DIMS), y, weights)
    torch.testing.assert_close(loss, expected, atol=1e-10, rtol=0)
    inputs = [z, *head.parameters()]
    for got, wanted in zip(
        torch.autograd.grad(loss, inputs, allow_unused=True),
        torch.autograd.grad(expected, inputs, allow_unused=True),
        strict=True,
    ):
        torch.testing.assert_close(got, wanted, atol=1e-10, rtol=0)


@pytest.mark.parametrize("efficient", [False, True])
def test_gradcheck(efficient: bool) -> None:
    head, z, y = made(efficient)

    def loss(z: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        names = [name for name, _ in head.named_parameters()]
        scores = torch.func.functional_call(head, dict(zip(names, weights, strict=True)), (z,))
        return MatryoshkaLoss()(scores, y)

    assert torch.autograd.gradcheck(loss, (z, *head.parameters()))


@pytest.mark.parametrize("efficient", [False, True])
def test_a_loss_of_size_m_does_not_see_what_lies_beyond(efficient: bool) -> None:
    head, z, y = made(efficient)
    for m, scores in zip(DIMS, head(z), strict=True):
        (gradient,) = torch.autograd.grad(F.cross_entropy(scores, y), z, retain_graph=True)
        assert torch.equal(gradient[:, m:], torch.zeros_like(gradient[:, m:]))
        assert gradient[:, :m].abs().sum() > 0


def test_the_efficient_head_has_the_parameters_of_one_linear_head() -> None:
    one = nn.Linear(2048, 1000)
    head = MatryoshkaLinear([8, 64, 2048], 1000, efficient=True)
    assert sum(p.numel() for p in head.parameters()) == sum(p.numel() for p in one.parameters())


@pytest.mark.parametrize("efficient", [False, True])
def test_one_size_by_itself(efficient: bool) -> None:
    head, z, _ = made(efficient)
    for m, scores in zip(DIMS, head(z), strict=True):
        torch.testing.assert_close(head.logits(z, m), scores, atol=1e-12, rtol=0)
        torch.testing.assert_close(head.logits(z[:, :m], m), scores, atol=1e-12, rtol=0)
    if efficient:
        assert head.logits(z, 5).shape == (6, 5)
    else:
        with pytest.raises(ValueError, match="no head of size 5"):
            head.logits(z, 5)


def test_ties_the_weight_of_an_embedding() -> None:
    tokens = nn.Embedding(7, 9)
    head = MatryoshkaLinear.tied(tokens.weight, [3, 9])
    head(torch.randn(2, 9))[0].sum().backward()
    assert tokens.weight.grad is not None
    assert tokens.weight.grad[:, :3].abs().sum() > 0
    with pytest.raises(ValueError, match="the tied weight has 9 columns"):
        MatryoshkaLinear.tied(tokens.weight, [3, 8])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sums_of_half_precision_are_as_good_as_the_naive_ones(dtype: torch.dtype) -> None:
    """Error against float64 at most twice that of one product in the same precision."""
    torch.manual_seed(0)
    head = MatryoshkaLinear([8, 16, 512], 10, efficient=True).double()
    z = torch.randn(8, 512, dtype=torch.float64)
    exact = head(z)
    low = head.to(dtype)
    naive = [F.linear(z.to(dtype)[:, :m], low.weight[:, :m], low.bias) for m in low.dims]
    for got, one, true in zip(low(z.to(dtype)), naive, exact, strict=True):
        assert got.dtype == dtype
        assert (got.double() - true).abs().max() <= 2 * (one.double() - true).abs().max() + 1e-6


def test_autocast_and_compile() -> None:
    head, z, y = made(True)
    head, z = head.float(), z.detach().float()
    with torch.autocast("cpu", torch.bfloat16):
        scores = head(z)
        assert all(each.dtype == torch.bfloat16 for each in scores)
        assert MatryoshkaLoss()(scores, y).isfinite()
    compiled = torch.compile(lambda z: MatryoshkaLoss()(head(z), y), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(z), MatryoshkaLoss()(head(z), y))


def test_an_empty_batch_gives_empty_scores() -> None:
    for efficient in (False, True):
        assert [tuple(s.shape) for s in MatryoshkaLinear([2, 4], 3, efficient)(torch.zeros(0, 4))] == [
            (0, 3)
        ] * 2


def test_refuses(unchecked: None) -> None:
    with pytest.raises(ValueError, match="reads the whole embedding"):
        MatryoshkaLinear([2, 4], 3, efficient=True)(torch.zeros(1, 5))
    with pytest.raises(ValueError, match="the largest head reads 4"):
        MatryoshkaLinear([2, 4], 3)(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="num_classes=0"):
        MatryoshkaLinear([2, 4], 0)
    with pytest.raises(ValueError, match="1 weights came for 2 sizes"):
        MatryoshkaLoss(weights=[1.0])([torch.zeros(1, 3)] * 2, torch.zeros(1).long())
    with pytest.raises(ValueError, match="embeddings \\(batch, d\\)"):
        MatryoshkaLinear([2, 4], 3)(torch.zeros(4))
    with pytest.raises(ValueError, match="one tensor came"):
        MatryoshkaLoss()(torch.zeros(1, 3), torch.zeros(1).long())
    with pytest.raises(ValueError, match="no scores"):
        MatryoshkaLoss()([], torch.zeros(1).long())


def test_any_base_loss() -> None:
    head, z, _ = made(False)
    wanted = torch.rand(6, 5, dtype=torch.float64)
    loss = MatryoshkaLoss(base=F.binary_cross_entropy_with_logits)(head(z), wanted)
    expected = sum(F.binary_cross_entropy_with_logits(each, wanted) for each in head(z))
    torch.testing.assert_close(loss, expected)
