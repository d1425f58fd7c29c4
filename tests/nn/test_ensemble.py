"""Copies of a model in one: each trains as it would alone."""

import pytest
import torch
from torch import nn

from octavo.nn import Ensemble, clip_each_copy_, restarts


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


def test_a_stacked_member_trains_as_it_would_alone() -> None:
    torch.manual_seed(0)
    models = [network() for _ in range(3)]
    x, y = torch.randn(8, 4), torch.randint(3, (8,))
    ensemble = Ensemble(models)
    optimizer = torch.optim.Adam(ensemble.parameters(), lr=0.05)
    for _ in range(5):
        logits = ensemble(x, shared=True)
        losses = nn.functional.cross_entropy(logits.flatten(0, 1), y.repeat(3), reduction="none")
        optimizer.zero_grad()
        losses.view(3, -1).mean(1).sum().backward()
        clip_each_copy_(ensemble.parameters(), 0.1)
        optimizer.step()
    for index, alone in enumerate(models):
        its = torch.optim.Adam(alone.parameters(), lr=0.05)
        for _ in range(5):
            its.zero_grad()
            nn.functional.cross_entropy(alone(x), y).backward()
            nn.utils.clip_grad_norm_(alone.parameters(), 0.1)
            its.step()
        torch.testing.assert_close(ensemble.model(index, network())(x), alone(x), atol=1e-4, rtol=1e-4)


def test_members_with_buffers_keep_their_own() -> None:
    models = [nn.BatchNorm1d(2, affine=True).eval() for _ in range(2)]
    models[1].running_mean.fill_(3.0)  # type: ignore[union-attr]
    found = Ensemble(models).eval()(torch.zeros(4, 2), shared=True)
    assert found[0].abs().max() == 0
    assert found[1].max() < -2.9


def test_a_key_decides_a_member_and_torch_is_left_as_it_was() -> None:
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    first, again = restarts([1, 2], network), restarts([2, 1], network)
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, each in first.stacked.items():
        assert torch.equal(each, again.stacked[name].flip(0))


def test_dropout_is_each_members_own_and_ends_with_training() -> None:
    models = restarts([3, 3], lambda: nn.Sequential(nn.Linear(4, 64), nn.Dropout(0.5)))
    x = torch.ones(4)
    dropped = models(x, shared=True) == 0
    assert 10 < dropped.sum() < 118
    assert not torch.equal(dropped[0], dropped[1])
    assert not (models.eval()(x, shared=True) == 0).any()


def test_refusals() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ensemble([])
    with pytest.raises(ValueError, match="max_norm"):
        clip_each_copy_([], 0.0)
