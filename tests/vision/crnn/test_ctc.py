"""CTC is held to the enumeration of all paths."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.vision.crnn.alphabet import Alphabet, expand
from octavo.vision.crnn.ctc import ctc_align, ctc_beam, ctc_greedy, ctc_loss, frames_needed, runs

from .reference import best_path, collapse, probability, readings


def random_frames(time: int, classes: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(time, classes, generator=generator, dtype=torch.float64).softmax(-1)


@pytest.mark.parametrize("label", [(), (1,), (1, 1), (1, 2), (2, 1, 2), (3, 3, 1)])
@pytest.mark.parametrize("time", [3, 5, 6])
def test_the_loss_is_the_sum_over_all_paths(label: tuple[int, ...], time: int) -> None:
    if frames_needed(torch.tensor(label, dtype=torch.long), torch.tensor([len(label)]))[0] > time:
        pytest.skip("the label needs more frames, and the paths for it are none")
    frames = random_frames(time, 4, seed=time)
    loss = ctc_loss(
        frames.log()[None],
        torch.tensor([time]),
        torch.tensor(label, dtype=torch.long),
        torch.tensor([len(label)]),
    )
    assert float(loss.neg().exp()) == pytest.approx(probability(frames, label), abs=1e-12)


def test_gradients_are_those_of_finite_differences() -> None:
    scores = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)

    def loss(x: torch.Tensor) -> torch.Tensor:
        targets = torch.tensor([1, 1, 2])
        return ctc_loss(x.log_softmax(-1), torch.tensor([5, 4]), targets, torch.tensor([2, 1]))

    assert torch.autograd.gradcheck(loss, (scores,))


def test_a_label_that_does_not_fit_raises_and_says_which_width_would_do() -> None:
    frames = random_frames(3, 3, 0).log()[None].expand(2, -1, -1)
    with pytest.raises(ValueError, match=r"label 1 has 2 symbols and needs 3 frames, its image has 2"):
        ctc_loss(frames, torch.tensor([3, 2]), torch.tensor([1, 1, 1]), torch.tensor([1, 2]))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("--hh-e-l-ll-oo--", "hello"),
        ("a-----v--a-i-l-a-bb-l-e---", "available"),
        ("ss-h-a--k-e-ssh--aa-c--k--", "shakeshack"),
        ("------", ""),
        ("aa", "a"),
    ],
)
def test_paths_of_the_official_readme_are_collapsed(raw: str, text: str) -> None:
    letters = Alphabet("a-z")
    path = [0 if symbol == "-" else letters.encode(symbol)[0] for symbol in raw]
    assert letters.collapse(path) == text
    assert letters.raw(path) == raw


def test_greedy_takes_the_frames_that_count() -> None:
    frames = torch.full((1, 4, 4), 0.1)
    for frame, index in enumerate((3, 0, 3, 1)):
        frames[0, frame, index] = 1.0
    letters = Alphabet("abc")
    assert ctc_greedy(frames.log(), torch.tensor([4]), letters) == ["cca"]
    assert ctc_greedy(frames.log(), torch.tensor([1]), letters) == ["c"]


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_the_most_probable_text_and_its_probability(seed: int) -> None:
    frames = random_frames(5, 3, seed)
    letters = Alphabet("ab")
    expected = sorted(((mass, text) for text, mass in readings(frames).items()), reverse=True)[:3]
    found = ctc_beam(frames.log(), letters, width=200, top_k=3)
    assert [each.text for each in found] == [letters.decode(text) for _, text in expected]
    assert [math.exp(each.log_prob) for each in found] == pytest.approx([mass for mass, _ in expected])


@pytest.mark.parametrize("label", [(), (1,), (2, 2), (1, 2, 1)])
def test_the_alignment_is_the_best_of_all_paths(label: tuple[int, ...]) -> None:
    frames = random_frames(6, 3, seed=len(label))
    path = ctc_align(frames.log(), label)
    assert collapse(tuple(path)) == label
    score = sum(float(frames[t, i].log()) for t, i in enumerate(path))
    assert score == pytest.approx(best_path(frames, label)[0])


def test_an_alignment_without_room_raises() -> None:
    with pytest.raises(ValueError, match="needs 3 frames, got 2"):
        ctc_align(random_frames(2, 3, 0).log(), [1, 1])


@given(st.lists(st.integers(0, 3), max_size=12))
@settings(max_examples=60, deadline=None)
def test_collapsing_is_that_of_the_reference_and_runs_say_where(path: list[int]) -> None:
    letters = Alphabet("abc")
    assert letters.encode(letters.collapse(path)) == list(collapse(tuple(path)))
    assert tuple(index for index, _, _ in runs(path)) == collapse(tuple(path))
    assert all(set(path[first:last]) == {index} for index, first, last in runs(path))


def test_patterns_expand_only_where_a_range_is_meant() -> None:
    assert "".join(expand("a-c,-.0-2")) == "abc,-.012"
    assert expand("z-") == ("z", "-")


@pytest.mark.parametrize(
    ("symbols", "separator", "message"),
    [("aa", "", "more than once"), ("", "", "not empty"), (["C4", "D4"], "", "need a separator")],
)
def test_alphabets_that_are_none_are_refused(symbols: str | list[str], separator: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Alphabet(symbols, separator)


def test_a_symbol_outside_the_alphabet_is_named_with_its_label() -> None:
    with pytest.raises(ValueError, match=r"label 1: 'b1' has '1', which is not in the alphabet"):
        Alphabet("a-z").targets(["ok", "b1"])
