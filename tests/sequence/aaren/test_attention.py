import copy
import math
from typing import get_args

import pytest
import torch
from tests.sequence.aaren.reference import prefix_softmax

from octavo.sequence import Aaren, AarenState
from octavo.sequence.aaren.scan import Method


def layer(**options: object) -> Aaren:
    torch.manual_seed(0)
    return Aaren(12, 3, **options).double().eval()  # type: ignore[arg-type]


def tokens(batch: int = 2, time: int = 20) -> torch.Tensor:
    return torch.randn(batch, time, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def from_the_formula(module: Aaren, x: torch.Tensor) -> torch.Tensor:
    """Projections written out, one head after the other, and the prefix softmax of the reference."""
    heads, size = module.n_heads, module.head_dim
    query = module.q_proj(module.query)
    keys, values = module.kv_proj(x).chunk(2, dim=-1)
    contexts = []
    for head in range(heads):
        columns = slice(head * size, (head + 1) * size)
        scores = module.scale * (keys[..., columns] * query[columns]).sum(-1)
        contexts.append(prefix_softmax(scores, values[..., columns]))
    return module.out_proj(torch.cat(contexts, dim=-1))


@pytest.mark.parametrize("method", get_args(Method))
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("time", [1, 3, 63])
def test_outputs_and_gradients_are_those_of_the_formula(method: Method, bias: bool, time: int) -> None:
    module, x = layer(method=method, bias=bias), tokens(time=time)
    weights = torch.randn_like(x)
    found = torch.autograd.grad((module(x) * weights).sum(), list(module.parameters()))
    wanted = torch.autograd.grad((from_the_formula(module, x) * weights).sum(), list(module.parameters()))
    assert (module(x) - from_the_formula(module, x)).abs().max() <= 1e-12
    for ours, theirs in zip(found, wanted, strict=True):
        assert (ours - theirs).abs().max() <= 1e-10


def test_steps_are_the_forward_pass_also_from_its_state_in_the_middle() -> None:
    module, x = layer(), tokens()
    expected = module(x)
    outputs, state = module(x[:, :9], need_state=True)
    outputs = [outputs]
    for position in range(9, 20):
        output, state = module.step(x[:, position], state)
        outputs.append(output[:, None])
    assert (torch.cat(outputs, dim=1) - expected).abs().max() <= 1e-12
    _, whole = module(x, need_state=True)
    for stepped, scanned in zip(state, whole, strict=True):
        assert torch.allclose(stepped, scanned, atol=1e-12)


def test_steps_have_the_gradients_of_the_forward_pass() -> None:
    module, x = layer(), tokens(time=6)
    state, outputs = None, []
    for position in range(6):
        output, state = module.step(x[:, position], state)
        outputs.append(output)
    stepped = torch.autograd.grad(torch.stack(outputs, 1).square().sum(), list(module.parameters()))
    scanned = torch.autograd.grad(module(x).square().sum(), list(module.parameters()))
    for ours, theirs in zip(stepped, scanned, strict=True):
        assert (ours - theirs).abs().max() <= 1e-10


def test_the_state_does_not_grow() -> None:
    module = layer()
    _, short = module(tokens(time=10), need_state=True)
    _, long = module(tokens(time=2000), need_state=True)
    assert short.nbytes == long.nbytes


def test_weights_changed_between_steps_are_used() -> None:
    module, x = layer(), tokens()
    with torch.no_grad():
        before, _ = module.step(x[:, 0])
        module.kv_proj.weight.data.mul_(2.0)
        after, _ = module.step(x[:, 0])
    assert (after - from_the_formula(module, x[:, :1])[:, 0]).abs().max() <= 1e-12
    assert (after - before).abs().max() > 1e-3


def test_padding_is_never_read() -> None:
    module, x = layer(), tokens(3)
    padding = torch.arange(20) >= torch.tensor([20, 7, 1])[:, None]
    poisoned = x.masked_fill(padding[..., None], math.nan)
    outputs, state = module(poisoned, padding, need_state=True)
    for row, length in enumerate((20, 7, 1)):
        alone, its_state = module(x[row : row + 1, :length], need_state=True)
        assert (outputs[row, :length] - alone[0]).abs().max() <= 1e-12
        assert torch.allclose(state.w[row], its_state.w[0], atol=1e-12)
        assert state.length[row, 0] == length


def test_it_does_not_see_the_order_of_the_past() -> None:
    module, x = layer(), tokens()
    order = torch.cat([torch.randperm(19, generator=torch.Generator().manual_seed(2)), torch.tensor([19])])
    assert (module(x[:, order])[:, -1] - module(x)[:, -1]).abs().max() <= 1e-12


def test_it_has_d_model_parameters_more_than_attention() -> None:
    ours = sum(parameter.numel() for parameter in Aaren(12, 3).parameters())
    theirs = sum(parameter.numel() for parameter in torch.nn.MultiheadAttention(12, 3).parameters())
    assert ours - theirs == 12


def test_autocast_stays_near_and_sums_in_float32() -> None:
    module, x = layer().float(), tokens().float()
    expected = module(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, state = module(x, need_state=True)
        stepped, after = module.step(x[:, 0])
    assert (outputs.float() - expected).abs().max() <= 2e-2
    assert (stepped.float() - expected[:, 0]).abs().max() <= 2e-2
    assert state.w.dtype == after.w.dtype == torch.float32


def test_dropout_leaves_out_tokens_and_only_in_training() -> None:
    module, x = layer(dropout=0.5), tokens()
    still = module(x)
    assert torch.equal(still, module(x))
    module.train()
    assert not torch.allclose(module(x), still)


def test_a_state_in_float64_keeps_a_float32_stream_exact() -> None:
    module, x = layer().float(), tokens().float()
    state = module.init_state(2, dtype=torch.float64)
    for position in range(20):
        output, state = module.step(x[:, position], state)
    assert state.w.dtype == torch.float64
    assert output.dtype == torch.float32
    assert (output - module(x)[:, -1]).abs().max() <= 1e-5


def test_copies_are_independent() -> None:
    module = layer()
    twin = copy.deepcopy(module)
    with torch.no_grad():
        twin.query.add_(1.0)
    assert not torch.equal(module(tokens()), twin(tokens()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: Aaren(10, 3), "d_model=10 cannot be split"),
        (lambda m: m(torch.zeros(2, 12)), r"expected \(batch, time, 12\)"),
        (lambda m: m(torch.zeros(2, 5, 12), torch.zeros(2, 5)), "must be bool"),
        (lambda m: m(torch.zeros(2, 5, 12), torch.zeros(2, 4, dtype=torch.bool)), "must be bool"),
        (lambda m: m(torch.zeros(2, 5, 12), torch.ones(2, 5, dtype=torch.bool)), "without a token"),
        (lambda m: m.step(torch.zeros(2, 1, 12)), "one token a row"),
        (lambda m: m.step(torch.zeros(2, 12), m.init_state(3)), "must be an AarenState"),
        (lambda m: m.step(torch.zeros(2, 12), "state"), "must be an AarenState"),
        (
            lambda m: m.step(
                torch.zeros(2, 12), AarenState.empty((2, 3), 4)._replace(w=torch.zeros(2, 3, 4).half())
            ),
            "state is torch.float16",
        ),
    ],
)
def test_what_does_not_fit_is_said(unchecked: None, call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(layer().float())  # type: ignore[operator]


def test_rows_of_padding_may_be_let_through() -> None:
    padding = torch.tensor([[True] * 4, [False] * 4])
    outputs = layer()(tokens(time=4), padding, allow_empty=True)
    assert outputs.isfinite().all()
    assert torch.allclose(outputs[0], layer().out_proj.bias.expand(4, -1))


def test_no_token_leaves_the_state_as_it_was() -> None:
    module = layer()
    _, state = module(tokens(), need_state=True)
    outputs, after = module(tokens(time=0), state=state, need_state=True)
    assert outputs.shape == (2, 0, 12)
    assert all(torch.equal(a, b) for a, b in zip(state, after, strict=True))
