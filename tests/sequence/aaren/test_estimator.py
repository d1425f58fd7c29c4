from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("aeon", reason="the estimator is one of aeon's: pip install 'octavo[laptop]'")

from aeon.testing.estimator_checking import parametrize_with_checks

from octavo.sequence import AarenTSC


@parametrize_with_checks([AarenTSC])
def test_aeon_accepts_it(check: Callable[[], None]) -> None:
    check()


def test_series_of_unequal_lengths_and_words_as_classes() -> None:
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(2, length)) + (index % 2) * 2 for index, length in enumerate(range(5, 25))]
    classes = np.array(["low", "high"] * 10)
    classifier = AarenTSC(d_model=8, n_heads=2, epochs=20, learning_rate=0.01, random_state=0)
    classifier.fit(series, classes)
    assert set(classifier.predict(series)) == {"low", "high"}
    assert classifier.score(series, classes) > 0.9
    assert np.allclose(classifier.predict_proba(series).sum(1), 1)


def test_one_seed_gives_one_classifier() -> None:
    rng = np.random.default_rng(0)
    series, classes = rng.normal(size=(12, 1, 10)), np.arange(12) % 2
    first, second = (
        AarenTSC(d_model=8, n_heads=2, epochs=2, random_state=3).fit(series, classes).predict_proba(series)
        for _ in range(2)
    )
    assert np.array_equal(first, second)
