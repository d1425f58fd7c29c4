"""What cannot be served is refused, and the message says what to do."""

import pytest
import torch
from torch import nn

from octavo.language import CoreInfer, core_neurons, fit_clusters

from .toys import prompts, toy

GREEDY = {"do_sample": False, "max_new_tokens": 3}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": 0.0}, "in \\(0, 1\\]"),
        ({"token_share": 2.0}, "in \\(0, 1\\]"),
        ({"rule": "best"}, "not one of abs, paper, energy"),
        ({"rule": "clusters"}, "fit_clusters"),
        ({"rule": "static"}, "fit_clusters"),
        ({"layers": [3]}, "layers 0 to 2"),
        ({"core": "each"}, "row or shared"),
    ],
)
def test_settings(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        CoreInfer(toy(), **settings)


def test_kinds_of_models() -> None:
    with pytest.raises(ValueError, match="MixtralSparseMoeBlock"):
        CoreInfer(toy("mixtral"))
    with pytest.raises(ValueError, match="Linear is not a causal language model"):
        CoreInfer(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="compiled"):
        CoreInfer(torch.compile(toy(), backend="eager"))
    packed = toy()
    packed.model.layers[1].mlp.up_proj = nn.LazyLinear(40)
    with pytest.raises(ValueError, match=r"layer 1: .*LazyLinear is no plain linear layer"):
        CoreInfer(packed)


def test_a_model_in_training_mode() -> None:
    model = toy()
    infer = CoreInfer(model)
    model.train()
    with pytest.raises(ValueError, match=r"model\.eval"):
        infer.generate(prompts(), **GREEDY)


def test_prompts() -> None:
    model = toy()
    infer = CoreInfer(model)
    with pytest.raises(ValueError, match="5 tokens"):
        infer.generate(prompts(1, 5), **GREEDY)
    mask = torch.ones(1, 14, dtype=torch.long)
    mask[:, :9] = 0
    with pytest.raises(ValueError, match="5 tokens"):
        infer.generate(prompts(1), mask, **GREEDY)
    with pytest.raises(ValueError, match='core="shared"'):
        infer.generate(prompts(1), num_beams=3, **GREEDY)
    with pytest.raises(ValueError, match="pad on the left"):
        infer.generate(prompts(1), mask.flip(1), **GREEDY)


@pytest.mark.parametrize("ids", [prompts()[:, :0], prompts()[:0]])
def test_ids_that_are_no_table(ids) -> None:
    with pytest.raises(ValueError, match="input_ids is a tensor"):
        CoreInfer(toy()).generate(ids, **GREEDY)


def test_another_prompt_another_cache_and_no_cache() -> None:
    model, ids = toy(), prompts()
    infer = CoreInfer(model)
    with torch.no_grad(), infer.prompt(ids), pytest.raises(ValueError, match="another prompt"):
        model(prompts(seed=9))
    with torch.no_grad():
        cache = model(ids, use_cache=True).past_key_values
        with infer.prompt(ids), pytest.raises(ValueError, match="start without past_key_values"):
            model(ids[:, :1], past_key_values=cache)
        with infer.prompt(ids), pytest.raises(ValueError, match="use_cache"):
            model(ids, use_cache=False)
        with infer.prompt(ids), pytest.raises(ValueError, match="input_ids"):
            model(inputs_embeds=torch.zeros(2, 3, 16))
    assert not model._forward_pre_hooks


def test_activations_that_are_no_numbers() -> None:
    model = toy()
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[3, 4] = torch.nan
    with pytest.raises(ValueError, match="layer 1: an activation is not a finite number"):
        CoreInfer(model).generate(prompts(), **GREEDY)
    assert not any(module._forward_pre_hooks for module in model.modules())
    with pytest.raises(ValueError, match="layer 1"):
        core_neurons(model, prompts())


def test_clusters() -> None:
    model = toy()
    with pytest.raises(ValueError, match="2 texts do not make 4 clusters"):
        fit_clusters(model, list(prompts()))
    with pytest.raises(ValueError, match="no number of clusters"):
        fit_clusters(model, list(prompts()), k=0)
    with pytest.raises(ValueError, match="text 1 has no tokens"):
        fit_clusters(model, [prompts()[0], prompts()[0, :0]], k=1)
    with pytest.raises(ValueError, match="tokenizer"):
        fit_clusters(model, ["a", "b"], k=1)
