"""What cannot be served is refused, with what came, what was expected and what to do."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from octavo.interpretability import HeadReader, NeuronMap, clamp, decode_neuron
from octavo.interpretability.lm_head_neurons.clamping import check_options, within
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards, head_weight
from octavo.interpretability.lm_head_neurons.reader import check_score
from octavo.interpretability.lm_head_neurons.selection import check_norm

from .toys import toy, words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "input", "source": "down"}, "down is what it writes"),
        ({"layers": [1, 7]}, "layers 7 were asked for, the model has 0 to 1"),
        ({"layers": []}, "none at all"),
        ({"k": 0}, "k=0 tokens"),
        ({"k": 98}, "the vocabulary has 97"),
        ({"block": 0}, "block=0"),
    ],
)
def test_options_of_a_map(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        NeuronMap.build(toy(), **({"k": 3, "null": 0} | options))


def test_models_that_are_none() -> None:
    with pytest.raises(ValueError, match="no list of layers"):
        feed_forwards(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="no language-model head"):
        head_weight(nn.Linear(2, 2))
    strange = toy()
    strange.model.layers[1].mlp = nn.Sequential(nn.Linear(16, 16))
    with pytest.raises(ValueError, match=r"layer 1 of LlamaForCausalLM has no feed-forward block.*mlp \(Seq"):
        feed_forwards(strange)
    with pytest.raises(ValueError, match="no gate"):
        NeuronMap.build(toy("gpt2"), source="gate", k=1, null=0)


def test_packed_and_damaged_weights() -> None:
    packed = toy()
    packed.model.layers[0].mlp.up_proj.weight = nn.Parameter(
        torch.zeros(192, 1, dtype=torch.uint8), requires_grad=False
    )
    with pytest.raises(ValueError, match=r"packed.*dequantize"):
        feed_forwards(packed)
    damaged = toy()
    with torch.no_grad():
        damaged.model.layers[1].mlp.down_proj.weight[3, 5] = torch.nan
    with pytest.raises(ValueError, match="layer 1, down, neuron 5"):
        NeuronMap.build(damaged, k=1, null=0)
    with pytest.raises(ValueError, match="token 2 of the head"):
        HeadReader(torch.tensor([[1.0], [2.0], [torch.inf]]))


def test_vectors_of_another_size_and_tokenizers_of_another_model() -> None:
    with pytest.raises(ValueError, match="wrong way round"):
        HeadReader(torch.eye(4))(torch.zeros(3))
    with pytest.raises(ValueError, match="different models"):
        NeuronMap.build(toy(), words(200), k=1, null=0)
    with pytest.raises(ValueError, match="the gain has shape"):
        HeadReader(torch.eye(4), gain=torch.ones(3))


def test_what_a_map_does_not_have(tmp_path: Path) -> None:
    built = NeuronMap.build(toy(), words(), source="up", k=2, null=100)
    with pytest.raises(ValueError, match="no layer 9; it has 0 to 1"):
        built.neuron(9, 0)
    with pytest.raises(ValueError, match="no neuron 24; it has 0 to 23"):
        built.neuron(0, 24)
    with pytest.raises(ValueError, match=r"not a single token.*is 'w5'"):
        built.find(" w5")
    with pytest.raises(ValueError, match=r"several="):
        built.find("aardvark")
    with pytest.raises(ValueError, match="no source 'down'"):
        built.strongest("down")
    with pytest.raises(ValueError, match=r"k=2 tokens"):
        built.specialised()
    with pytest.raises(ValueError, match="at least 1000 shuffled rows, the map has 100"):
        built.specialised(one_concept=False)
    with pytest.raises(ValueError, match="share of shuffled"):
        built.specialised(alpha=2.0, one_concept=False)
    with pytest.raises(KeyError, match="no reading 'down'"):
        built.neuron(0, 1).reading("down", 1)
    with pytest.raises(ValueError, match="same neurons"):
        built.compare(NeuronMap.build(toy(), words(), source="up", k=2, null=0, layers=[0]))
    with pytest.raises(ValueError, match="different vocabularies"):
        built.compare(NeuronMap.build(toy(), source="up", k=2, null=0))
    save_file({"x": torch.zeros(1)}, str(tmp_path / "other"))
    with pytest.raises(ValueError, match="no map of neurons"):
        NeuronMap.load(tmp_path / "other")
    (tmp_path / "cut").write_bytes(b"12345678901234567890")
    with pytest.raises(ValueError, match="cut short"):
        NeuronMap.load(tmp_path / "cut")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({(7, 0): 1.0}, "no layer 7; the model has 0 to 1"),
        ({(0, 24): 1.0}, "no neuron 24; it has 0 to 23"),
        ({(0, 1, 2): 1.0}, "one block and no experts"),
        ({(0, 1): float("nan")}, "finite"),
    ],
)
def test_clamps(values, message) -> None:
    with pytest.raises(ValueError, match=message):
        clamp(toy(), values)


def test_words_that_are_none_of_those_known() -> None:
    blocks = feed_forwards(toy())
    for check, message in (
        (lambda: check_options("middle", "set", "all"), "one of up, gate, hidden"),
        (lambda: check_options("up", "max", "all"), "one of set, add, min"),
        (lambda: check_options("up", "set", 3), "neither 'all' nor a slice"),
        (lambda: check_score("loud"), "score='loud' is not one of"),
        (lambda: check_norm("both", ["up"], blocks), "norm='both'"),
        (lambda: check_norm("none", ["left"], blocks), "one of up, gate, down"),
        (lambda: check_norm("none", [], blocks), "no source"),
        (lambda: within(slice(3, 0, -1), 0, 4), "runs backwards"),
    ):
        with pytest.raises(ValueError, match=message):
            check()


def test_clamps_that_no_hook_reaches_or_no_dtype_holds() -> None:
    with pytest.raises(ValueError, match="experts in one tensor"):
        clamp(toy("mixtral"), {(0, 1, 2): 1.0})
    with pytest.raises(ValueError, match="experts 0 to 2, got expert None"):
        clamp(toy("mixtral"), {(0, 1): 1.0})
    with pytest.raises(ValueError, match=r"beyond what torch\.float16"):
        clamp(toy().half(), {(0, 1): 7e4})
    with pytest.raises(ValueError, match="no gate"):
        clamp(toy("gpt2"), {(0, 1): 1.0}, at="gate")


def test_neurons_that_are_not_there() -> None:
    with pytest.raises(ValueError, match="no neuron 99"):
        decode_neuron(toy(), words(), 0, 99)
