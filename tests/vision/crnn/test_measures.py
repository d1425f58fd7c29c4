"""What the experiment counts is what it says."""

from itertools import combinations

import numpy as np
import pytest

from octavo.vision.crnn.measures import chance_of_no_rival


@pytest.mark.parametrize("rivals", [0, 1, 3, 6])
def test_the_share_of_lexica_without_a_rival_is_that_of_all_of_them(rivals: int) -> None:
    drawn = list(combinations(range(6), 2))
    without = np.mean([min(lexicon) >= rivals for lexicon in drawn])
    assert chance_of_no_rival(np.array([rivals]), others=6, drawn=2)[0] == pytest.approx(without)
