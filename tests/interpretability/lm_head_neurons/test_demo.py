import pytest

from octavo.interpretability.lm_head_neurons.demo import demo


def test_a_word_is_found_and_said() -> None:
    result = demo(model="stand_in", word="dog", new_tokens=3, neurons=4)
    assert "layer 1, neuron 5" in result["text"]
    assert len(result["figure"].axes) == 3
    assert sum(name.startswith("answer") for name in result) == 2


def test_a_word_that_is_no_token_is_refused() -> None:
    with pytest.raises(ValueError, match="not a single token"):
        demo(model="stand_in", word="aardvark")
