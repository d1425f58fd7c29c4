"""Clamps do what the formula says, in prefill and decoding, and leave no trace."""

import pytest
import torch

from octavo.interpretability import clamp, clamp_effect
from octavo.interpretability.lm_head_neurons.clamping import within
from octavo.interpretability.lm_head_neurons.effects import LastLayer, last_log_probabilities, left_padded

from .reference import clamped_ffn
from .toys import toy, words

IDS = torch.tensor([[5, 9, 2, 7], [3, 3, 8, 1]])


def logits(model, **options):
    with torch.no_grad():
        return model(IDS, **options).logits


def test_no_clamp_changes_no_bit_and_no_hook_stays() -> None:
    model = toy()
    plain = logits(model)
    with clamp(model, {}):
        assert torch.equal(logits(model), plain)
    with pytest.raises(RuntimeError, match="stop"), clamp(model, {(1, 2): 3.0}, positions=slice(0, 2)):
        raise RuntimeError("stop")
    assert torch.equal(logits(model), plain)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("at", ["up", "gate", "hidden"])
@pytest.mark.parametrize("family", ["llama", "phi"])
def test_a_clamp_is_that_of_the_formula(at: str, family: str) -> None:
    mlp = toy(family).model.layers[0].mlp
    model = toy(family)
    mlp = model.model.layers[0].mlp
    if family == "phi":
        gate, up = mlp.gate_up_proj.weight.detach().chunk(2)
    else:
        gate, up = mlp.gate_proj.weight.detach(), mlp.up_proj.weight.detach()
    x = torch.randn(16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    expected = clamped_ffn(x, up, gate, mlp.down_proj.weight.detach(), 7, -4.0, at)
    with clamp(model, {(0, 7): -4.0}, at=at), torch.no_grad():
        torch.testing.assert_close(mlp(x), expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("family", ["gpt2", "neox"])
def test_models_without_a_gate_are_clamped(family: str) -> None:
    model = toy(family)
    plain = logits(model)
    held = []
    for at in ("up", "hidden"):
        with clamp(model, {(1, 3): 5.0}, at=at):
            held.append(logits(model))
    assert not torch.allclose(plain, held[0])
    # The activation of 5 is 5, but for gelu's tail.
    torch.testing.assert_close(held[0], held[1], atol=1e-4, rtol=1e-4)


def test_modes_and_nesting() -> None:
    model = toy()
    linear = model.model.layers[0].mlp.up_proj
    x = torch.randn(3, 5, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    plain = linear(x)[..., 2]
    for mode, expected in (
        ("set", torch.full_like(plain, 0.5)),
        ("add", plain + 0.5),
        ("min", plain.clamp(min=0.5)),
    ):
        with clamp(model, {(0, 2): 0.5}, mode=mode):
            torch.testing.assert_close(linear(x)[..., 2], expected)
    with clamp(model, {(0, 2): 0.5, (0, 3): 1.5}), clamp(model, {(0, 2): 9.0}):
        assert linear(x)[..., 2:4].unique().tolist() == [1.5, 9.0]
    with clamp(model, {(0, 2): 0.5}):
        other = linear(x)
        other[..., 2] = plain
        assert torch.equal(other, linear.forward(x))  # no other neuron is touched


def test_the_closed_form_of_the_last_layer_is_what_hooks_give() -> None:
    model, tokenizer = toy(), words()
    batch = left_padded(tokenizer, ["w5 w6 w7", "w9", "w2 w3"], torch.device("cpu"))
    last = LastLayer(model, batch)
    neurons, tokens = torch.tensor([3, 17]), torch.tensor([50, 60])
    hidden = last.change(neurons, tokens, torch.full((2, 1), 4.0))
    through_up = last.change(neurons, tokens, last.written(neurons, torch.tensor([-6.0, 2.0])))
    for row, (neuron, token, value) in enumerate(((3, 50, -6.0), (17, 60, 2.0))):
        for at, number, found in (("hidden", 4.0, hidden), ("up", value, through_up)):
            with clamp(model, {(1, neuron): number}, at=at):
                now = last_log_probabilities(model, batch)
            torch.testing.assert_close(found[row], (now - last.plain)[:, token], atol=1e-5, rtol=1e-5)


def test_a_batch_padded_on_the_left_is_each_prompt_alone() -> None:
    model, tokenizer = toy(), words()
    texts = ["w5 w6 w7", "w9"]
    together = last_log_probabilities(model, left_padded(tokenizer, texts, torch.device("cpu")))
    for row, text in zip(together, texts, strict=True):
        alone = last_log_probabilities(model, left_padded(tokenizer, [text], torch.device("cpu")))[0]
        torch.testing.assert_close(row, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("positions", ["all", slice(-1, None), slice(2, 5)])
def test_with_and_without_a_cache(positions) -> None:
    model = toy()
    options = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}
    with clamp(model, {(0, 7): 8.0, (1, 3): -8.0}, at="hidden", positions=positions):
        cached = model.generate(IDS, use_cache=True, **options)
        if positions == slice(-1, None):
            return  # the newest position is another one at every step of the cache
        assert torch.equal(cached, model.generate(IDS, use_cache=False, **options))
    assert not torch.equal(cached, model.generate(IDS, **options))


def test_a_slice_of_positions_reaches_no_other() -> None:
    model = toy(num_hidden_layers=1)
    plain = logits(model)
    with clamp(model, {(0, 7): 8.0}, at="hidden", positions=slice(1, 3)):
        changed = (logits(model) - plain).abs().amax((0, 2)) > 1e-9
    assert changed.tolist() == [False, True, True, False]
    assert within(slice(None, None, 2), before=3, length=4) == slice(1, 4, 2)
    assert within(slice(0, 2), before=3, length=4) in (slice(0, 0, 1), slice(0, -1, 1))


def test_the_effect_is_a_change_of_log_probability_beside_controls() -> None:
    model, tokenizer = toy(), words()
    with torch.no_grad():
        model.model.norm.weight.fill_(1)
        model.model.layers[1].mlp.down_proj.weight[:, 5] = model.lm_head.weight[33]
    effect = clamp_effect(
        model, tokenizer, (1, 5), "w33", ["w5 w6", "w9"], [-9.0, 9.0], at="hidden", controls=3
    )
    assert effect.change.shape == (2, 2)
    assert effect.control.shape == (2, 3, 2)
    assert (effect.change[0] < 0).all()
    assert (effect.change[1] > effect.control[1].amax(0)).all()


def test_half_precision_holds_the_value_in_its_own_dtype() -> None:
    model = toy().bfloat16()
    with clamp(model, {(0, 7): 8.0}):
        assert logits(model).dtype == torch.bfloat16
