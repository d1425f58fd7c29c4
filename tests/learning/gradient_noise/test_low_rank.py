"""Adaptors change nothing before they are trained, and then only what they may."""

import pytest
import torch
from torch import nn

from octavo.learning.gradient_noise.low_rank import LowRank, adapt
from octavo.learning.gradient_noise.parts.sentiment import Upper
from octavo.learning.gradient_noise.timing import tiny_language_model


def test_only_the_adaptors_of_the_named_layers_learn() -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict({"q_proj": nn.Linear(4, 3), "k_proj": nn.Linear(4, 3)})
    x, before = torch.randn(2, 4), model["q_proj"].weight.clone()  # type: ignore[operator]
    expected = model["q_proj"](x)
    adapt(model, ("q_proj",), rank=2)
    assert torch.equal(model["q_proj"](x), expected)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    model["q_proj"](x).square().sum().backward()
    optimizer.step()
    assert not torch.equal(model["q_proj"](x), expected)
    assert torch.equal(model["q_proj"].layer.weight, before)  # type: ignore[union-attr]
    assert not any(p.requires_grad for p in model["k_proj"].parameters())
    with pytest.raises(ValueError, match="rank=0"):
        LowRank(nn.Linear(2, 2), rank=0)


def test_the_last_layers_on_the_states_below_them_are_the_whole_model() -> None:
    model = tiny_language_model().eval()
    tokens = torch.randint(1, 32, (2, 5), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(tokens)
    mask[1, 3:] = 0
    with torch.no_grad():
        states = model.model(tokens, attention_mask=mask, output_hidden_states=True).hidden_states[0]
        whole = model(tokens, attention_mask=mask).logits[torch.arange(2), mask.sum(1) - 1][:, [4, 7]]
        found = Upper(model, 1, [4, 7])(states, mask)
    torch.testing.assert_close(found, whole)
