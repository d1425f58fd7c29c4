"""Rendered lines are a function of their generator, and show what they say."""

import numpy as np
import pytest
import torch

from octavo.vision import TextRenderer
from octavo.vision.crnn.alphabet import Alphabet
from octavo.vision.crnn.lines import RenderedLines
from octavo.vision.crnn.rendering import TextSource, fonts_everywhere

LETTERS = "0-9A-Za-z !.-"


def test_the_fonts_that_are_everywhere_write_latin_letters() -> None:
    assert len(fonts_everywhere()) >= 8
    assert not any("Symbol" in path.name or "Size" in path.name for path in fonts_everywhere())


def test_a_line_is_a_function_of_text_and_generator() -> None:
    draw = TextRenderer()
    first, second = (draw("octavo", np.random.default_rng(5)).picture for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape[0] == 32
    other = draw("octavo", np.random.default_rng(6)).picture
    assert other.shape != first.shape or not np.array_equal(other, first)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_letters_stand_out_and_lines_grow_with_their_text(strength: float) -> None:
    draw = TextRenderer(strength=strength)
    for seed in range(20):
        short = draw("on", np.random.default_rng(seed)).picture
        long = draw("on and on and on", np.random.default_rng(seed)).picture
        assert long.shape[1] > 2 * short.shape[1]
        assert np.ptp(short.astype(int)) > 40
        assert short.dtype == np.uint8


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="0 fonts"):
        TextRenderer(fonts=())
    with pytest.raises(ValueError, match=r"strength=2\.0"):
        TextRenderer(strength=2.0)


@pytest.mark.parametrize("alphabet", [LETTERS, "0-9a-z", "0-9"])
@pytest.mark.parametrize("words", [(), ("paper", "library", "Octavo's")])
def test_texts_keep_to_the_alphabet_and_the_length(alphabet: str, words: tuple[str, ...]) -> None:
    source = TextSource(words, alphabet, longest=9)
    random = np.random.default_rng(0)
    texts = [source(random) for _ in range(200)]
    assert all(0 < len(text) <= 9 and text == text.strip() for text in texts)
    assert {letter for text in texts for letter in text} <= set(source.characters)
    assert len(set(texts)) > 30


def test_batches_have_one_width_each_and_repeat() -> None:
    source = TextSource(("paper", "library"), LETTERS)
    lines = RenderedLines(TextRenderer(), source, Alphabet(LETTERS), widths=(100, 164))
    first, second = (lines(torch.Generator().manual_seed(3), 6) for _ in range(2))
    assert torch.equal(first["images"], second["images"])
    assert torch.equal(first["labels"], second["labels"])
    widths = {lines(torch.Generator().manual_seed(seed), 1)["images"].shape[-1] for seed in range(12)}
    assert widths == {100, 164}
    assert first["images"].abs().max() <= 1
    frames = first["images"].shape[-1] // 4 + 1
    assert all(int((row > 0).sum()) <= frames for row in first["labels"])
