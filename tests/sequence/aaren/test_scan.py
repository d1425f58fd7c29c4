import itertools
import math
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sequence.aaren.reference import prefix_softmax, prefix_softmax_of_floats

from octavo.sequence.aaren.scan import Method, hillis_steele, prefix_attention
from octavo.sequence.aaren.state import AarenState, combine

METHODS = get_args(Method)


def random(*shape: int, seed: int = 0, size: float = 1.0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * size


def test_the_reference_is_the_formula() -> None:
    scores, values = random(40), random(40, 1, seed=1)
    exact = prefix_softmax_of_floats(scores.tolist(), values[:, 0].tolist())
    assert torch.allclose(prefix_softmax(scores, values)[:, 0], torch.tensor(exact).double(), atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(1, 3),
    time=st.integers(1, 130),
    dim=st.integers(1, 5),
    chunk=st.sampled_from([1, 7, 64, 200]),
    size=st.sampled_from([1.0, 30.0, 1e3]),
    seed=st.integers(0, 2**20),
)
def test_every_method_is_the_softmax(
    method: Method, rows: int, time: int, dim: int, chunk: int, size: float, seed: int
) -> None:
    scores, values = random(rows, time, seed=seed, size=size), random(rows, time, dim, seed=seed + 1)
    outputs, _ = prefix_attention(scores, values, method=method, chunk=chunk)
    assert (outputs - prefix_softmax(scores, values)).abs().max() <= 1e-12


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 90), max_size=5), seed=st.integers(0, 2**20))
def test_any_chunking_of_the_stream_gives_the_same(method: Method, cuts: list[int], seed: int) -> None:
    scores, values = random(2, 90, seed=seed, size=5.0), random(2, 90, 3, seed=seed + 1)
    edges, state, pieces = [0, *sorted(cuts), 90], None, []
    for start, stop in itertools.pairwise(edges):
        outputs, state = prefix_attention(
            scores[:, start:stop], values[:, start:stop], state=state, method=method
        )
        pieces.append(outputs)
    assert (torch.cat(pieces, dim=1) - prefix_softmax(scores, values)).abs().max() <= 1e-10


@pytest.mark.parametrize("method", METHODS)
def test_gradients_are_those_of_the_formula(method: Method) -> None:
    scores, values = random(2, 70, seed=3, size=3.0), random(2, 70, 4, seed=4)
    weights = random(2, 70, 4, seed=5)
    found, wanted = [], []
    for gradients, run in (
        (found, lambda s, v: prefix_attention(s, v, method=method, chunk=16)[0]),
        (wanted, prefix_softmax),
    ):
        leaves = [scores.clone().requires_grad_(), values.clone().requires_grad_()]
        (run(*leaves) * weights).sum().backward()
        gradients.extend(leaf.grad for leaf in leaves)
    for ours, theirs in zip(found, wanted, strict=True):
        assert (ours - theirs).abs().max() <= 1e-10


@pytest.mark.parametrize("method", METHODS)
def test_gradcheck(method: Method) -> None:
    scores, values = random(1, 9).requires_grad_(), random(1, 9, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda s, v: prefix_attention(s, v, method=method, chunk=4)[0], (scores, values)
    )


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**20), empty=st.lists(st.booleans(), min_size=3, max_size=3))
def test_combine_is_associative_and_commutative(seed: int, empty: list[bool]) -> None:
    states = [
        AarenState.empty((2,), 3, dtype=torch.float64)
        if nothing
        else prefix_attention(random(2, 5, seed=seed + i, size=20.0), random(2, 5, 3, seed=seed + 9 + i))[1]
        for i, nothing in enumerate(empty)
    ]
    a, b, c = states
    for one, other in (
        (combine(combine(a, b), c), combine(a, combine(b, c))),
        (combine(a, b), combine(b, a)),
    ):
        assert (one.output - other.output).abs().max() <= 1e-12
        assert torch.equal(one.length, other.length)


@pytest.mark.parametrize("time", [1, 2, 3, 63, 64, 65, 1000])
def test_rounds_are_the_logarithm_of_the_length(time: int) -> None:
    calls = []

    def counted(a: AarenState, b: AarenState) -> AarenState:
        calls.append(None)
        return combine(a, b)

    scores, values = random(1, time), random(1, time, 2, seed=1)
    prefixes = hillis_steele(AarenState.leaf(scores, values), counted)
    assert len(calls) == math.ceil(math.log2(time))
    assert (prefixes.output - prefix_softmax(scores, values)).abs().max() <= 1e-12


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("level", ["swings", "low"])
def test_extreme_scores_stay_finite(method: Method, dtype: torch.dtype, level: str) -> None:
    signs = torch.where(random(2, 80) > 0, 1.0, -1.0)
    scores = (1e4 * signs if level == "swings" else torch.full((2, 80), -500.0)).to(dtype).requires_grad_()
    values = random(2, 80, 3, seed=1).to(dtype).requires_grad_()
    outputs, _ = prefix_attention(scores, values, method=method)
    outputs.float().sum().backward()
    assert outputs.isfinite().all()
    assert scores.grad is not None
    assert values.grad is not None
    assert scores.grad.isfinite().all()
    assert values.grad.isfinite().all()
    exact = prefix_softmax(scores.detach(), values.detach())
    tolerance = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2e-2}[dtype]
    assert (outputs.detach().double() - exact).abs().max() <= tolerance


@pytest.mark.parametrize("method", METHODS)
def test_what_is_masked_is_never_read(method: Method) -> None:
    scores, values = random(3, 50), random(3, 50, 2, seed=1)
    mask = torch.arange(50) < torch.tensor([50, 20, 1])[:, None]
    poisoned_scores, poisoned_values = scores.clone(), values.clone()
    poisoned_scores[~mask], poisoned_values[~mask] = math.nan, math.nan
    outputs, state = prefix_attention(poisoned_scores, poisoned_values, mask=mask, method=method)
    for row, length in enumerate((50, 20, 1)):
        alone, its_state = prefix_attention(scores[row, :length], values[row, :length], method=method)
        assert (outputs[row, :length] - alone).abs().max() <= 1e-12
        assert (state.output[row] - its_state.output).abs().max() <= 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_nan_stays_in_its_row(method: Method) -> None:
    scores, values = random(2, 30), random(2, 30, 2, seed=1)
    clean, _ = prefix_attention(scores, values, method=method)
    values[0, 3] = math.nan
    outputs, _ = prefix_attention(scores, values, method=method)
    assert torch.equal(outputs[1], clean[1])
    assert outputs[0, 3:].isnan().all()


@pytest.mark.parametrize("method", METHODS)
def test_left_padding_gives_zeros_and_then_the_same(method: Method) -> None:
    scores, values = random(1, 20), random(1, 20, 2, seed=1)
    padded_scores = torch.cat([torch.full((1, 7), math.nan).double(), scores], dim=1)
    padded_values = torch.cat([torch.full((1, 7, 2), math.nan).double(), values], dim=1)
    mask = torch.arange(27)[None] >= 7
    outputs, _ = prefix_attention(padded_scores, padded_values, mask=mask, method=method)
    assert (outputs[:, :7] == 0).all()
    assert (outputs[:, 7:] - prefix_softmax(scores, values)).abs().max() <= 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_no_token_gives_nothing_and_leaves_the_state(method: Method) -> None:
    _, state = prefix_attention(random(2, 5), random(2, 5, 3, seed=1))
    outputs, after = prefix_attention(random(2, 0), torch.zeros(2, 0, 3).double(), state=state, method=method)
    assert outputs.shape == (2, 0, 3)
    assert all(torch.equal(a, b) for a, b in zip(state, after, strict=True))


def test_sums_do_not_drift_over_a_million_tokens() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(1, 2**20, generator=generator)
    values = torch.rand(1, 2**20, 1, generator=generator) + 1
    _, state = prefix_attention(scores, values)
    weights = (scores.double() - state.m.double()).exp()
    assert abs(state.u.double() / weights.sum() - 1).max() <= 1e-4
    exact = (weights[..., None] * values.double()).sum(1) / weights.sum(1, keepdim=True)
    assert ((state.output.double() - exact) / exact).abs().max() <= 1e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "fast"}, "method='fast' is unknown"),
        ({"chunk": 0}, "chunk=0 must be at least 1"),
        ({"values": torch.zeros(2, 4, 3)}, "need values"),
        ({"mask": torch.ones(2, 5)}, "mask must be bool"),
        ({"mask": torch.zeros(2, 5, dtype=torch.bool)}, "row without a token"),
        ({"state": AarenState.empty((3,), 3)}, "state is for rows"),
    ],
)
def test_what_does_not_fit_is_said(change: dict[str, object], message: str) -> None:
    arguments = {"scores": torch.zeros(2, 5), "values": torch.zeros(2, 5, 3)} | change
    # Without the shape checks of the tests, as a user calls it.
    plain = getattr(prefix_attention, "__wrapped__", prefix_attention)
    with pytest.raises(ValueError, match=message):
        plain(**arguments)
