"""Searches in a lexicon are held to looking at every word."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from octavo.vision import BKTree, Lexicon, ctc_beam
from octavo.vision.crnn.alphabet import Alphabet
from octavo.vision.crnn.lexicon import most_probable, score_words
from octavo.vision.crnn.trie import LetterTrie

from .reference import edit_distance, log_probabilities

LETTERS = Alphabet("a-e")


def random_words(number: int, seed: int, longest: int = 7) -> list[str]:
    random = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < number:
        found["".join("abcde"[i] for i in random.integers(5, size=random.integers(1, longest + 1)))] = None
    return list(found)


def frames_of(seed: int, word: str = "", time: int = 18, noise: float = 1.5) -> torch.Tensor:
    """Noise, with a word in it."""
    scores = torch.randn(time, 6, generator=torch.Generator().manual_seed(seed)) * noise
    for place, index in enumerate(LETTERS.encode(word)):
        scores[2 * place, index] += 4
        scores[2 * place + 1, 0] += 3
    if word:
        scores[2 * len(word) :, 0] += 4
    return scores.log_softmax(-1)


def test_the_exact_search_equals_scoring_all_words() -> None:
    words = random_words(2000, seed=0)
    classes = [LETTERS.encode(word) for word in words]
    lexicon = Lexicon(words)
    for seed in range(200):
        frames = frames_of(seed, words[seed] if seed % 2 else "")
        found = lexicon.decode(frames, LETTERS, mode="exact", top_k=3)
        scores = log_probabilities(frames.double().numpy(), classes)
        assert found[0].log_prob == pytest.approx(scores.max(), abs=1e-9)
        assert [each.text for each in found] == [words[i] for i in np.argsort(-scores)[:3]]


def test_the_tree_scores_every_word() -> None:
    words = [*random_words(200, seed=8), ""]
    classes = [LETTERS.encode(word) for word in words]
    for time in (18, 4):
        frames = frames_of(8, time=time).double().numpy()
        found = LetterTrie(classes).score_all(frames)
        np.testing.assert_allclose(found[:-1], log_probabilities(frames, classes[:-1]), atol=1e-9)
        assert found[-1] == pytest.approx(frames[:, 0].sum())  # nothing is read of blanks alone


def test_scoring_words_equals_the_recurrence() -> None:
    words = random_words(50, seed=5)
    frames = frames_of(5, words[3]).double()
    expected = log_probabilities(frames.numpy(), [LETTERS.encode(word) for word in words])
    np.testing.assert_allclose(score_words(frames, words, LETTERS).numpy(), expected, atol=1e-10)


def test_a_word_that_has_nearly_all_probability_is_not_left_out_by_rounding() -> None:
    words = random_words(1000, seed=4)
    frames = (4 * frames_of(4, words[9], noise=0.1)).log_softmax(
        -1
    )  # float32 sums to one within 1e-7 a frame
    assert Lexicon(words).decode(frames, LETTERS, mode="exact")[0].text == words[9]
    assert most_probable(frames, words, LETTERS)[0].text == words[9]


def test_the_exact_search_leaves_most_prefixes_alone() -> None:
    words = random_words(2000, seed=1)
    lexicon = Lexicon(words)
    lexicon.decode(frames_of(1, words[7], noise=0.3), LETTERS, mode="exact")
    trie = lexicon._trie(LETTERS)
    prefixes = sum(len(level.symbol) for level in trie.levels)
    assert trie.visited < prefixes / 4, (trie.visited, prefixes)


@pytest.mark.parametrize("delta", range(5))
def test_words_within_a_distance_are_those_of_the_recurrence(delta: int) -> None:
    words = random_words(150, seed=2, longest=5)
    lexicon = Lexicon(words)
    for query in ("", "a", "abc", "edcba"):
        expected = sorted(word for word in words if edit_distance(query, word) <= delta)
        assert sorted(lexicon.nearest(query, delta, method="tree")) == expected
        assert sorted(lexicon.nearest(query, delta, method="scan")) == expected


def test_the_tree_looks_at_few_words_near_by() -> None:
    tree = BKTree(random_words(2000, seed=3))
    tree.within("abc", 0)
    assert tree.visited < 400
    assert len(tree) == 2000


def test_nearest_decoding_is_the_best_word_within_reach() -> None:
    words = ["abc", "abd", "eeeee"]
    frames = frames_of(0, "abe", noise=0.3)
    found = Lexicon(words).decode(frames, LETTERS, delta=1, top_k=2)
    scores = dict(zip(words, score_words(frames, words, LETTERS).tolist(), strict=True))
    assert [each.text for each in found] == sorted(("abc", "abd"), key=lambda word: -scores[word])


def test_without_a_word_within_reach_the_text_itself_stays() -> None:
    assert Lexicon(["eeeee"]).decode(frames_of(0, "abc", noise=0.3), LETTERS, delta=0)[0].text == "abc"


def test_a_word_too_long_for_the_picture_is_impossible_and_no_error() -> None:
    frames = frames_of(0, "ab", time=4)
    words = ["aaaa", "ab"]
    assert score_words(frames, words, LETTERS)[0] == -torch.inf
    assert most_probable(frames, words, LETTERS)[0].text == "ab"
    assert Lexicon(words).decode(frames, LETTERS, mode="exact")[0].text == "ab"
    assert Lexicon(["aaaa"]).decode(frames, LETTERS, delta=3)[0].text == "ab"


def test_frames_of_another_alphabet_or_without_numbers_are_refused() -> None:
    for frames, message in (
        (torch.zeros(4, 9), "the frames have 9 classes, the alphabet and the blank 6"),
        (torch.full((4, 6), torch.nan), r"the frames have nan at \(0, 0\)"),
    ):
        with pytest.raises(ValueError, match=message):
            Lexicon(["a"]).decode(frames, LETTERS, mode="exact")
        with pytest.raises(ValueError, match=message):
            ctc_beam(frames, LETTERS)


def test_a_lexicon_goes_through_a_file(tmp_path: Path) -> None:
    Lexicon(["one", "two", "one"]).save(tmp_path / "words.txt")
    assert Lexicon.load(tmp_path / "words.txt").words == ("one", "two")


def test_bad_lexica_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one word"):
        Lexicon([])
    with pytest.raises(ValueError, match="word 1 of the lexicon is empty"):
        Lexicon(["a", ""])
    with pytest.raises(ValueError, match="must not be negative"):
        Lexicon(["a"]).nearest("a", -1)
    with pytest.raises(ValueError, match="no words; give a list"):
        Lexicon("words")
    with pytest.raises(ValueError, match="top_k=0 at least 1"):
        Lexicon(["a"]).decode(frames_of(0), LETTERS, top_k=0)
    with pytest.raises(ValueError, match=r"word 1 of the lexicon, .*, has a line break"):
        Lexicon(["a", "b\nc"]).save("nowhere.txt")


@pytest.mark.parametrize("mode", ["nearest", "exact"])
def test_foreign_words_are_named_or_passed_over(mode: Literal["nearest", "exact"]) -> None:
    frames = frames_of(0, "abd", noise=0.3)
    with pytest.raises(ValueError, match="word 1 of the lexicon, 'abf', has symbols that are not in"):
        Lexicon(["abc", "abf"]).decode(frames, LETTERS, mode=mode)
    lexicon = Lexicon(["abc", "abf"], skip=True)
    assert lexicon.decode(frames, LETTERS, mode=mode)[0].text == "abc"
    assert lexicon.written_in(LETTERS).words == ("abc",)
    with pytest.raises(ValueError, match="at least one word"):
        Lexicon(["xyz"], skip=True).decode(frames, LETTERS, mode=mode)


def test_half_a_million_words_go_through_a_file_and_are_searched(tmp_path: Path) -> None:
    words = [f"{number:06x}" for number in range(500_000)]
    Lexicon(words).save(tmp_path / "words.txt")
    lexicon = Lexicon.load(tmp_path / "words.txt")
    assert len(lexicon) == 500_000
    assert words[-1] in lexicon
    assert words[123_456] in lexicon.nearest(words[123_456][1:], 1)
