import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.lab import randomness
from octavo.lab.randomness import Shuffle, generator, permutation, preserved_randomness, seed_global


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3000), st.integers(0, 2**64 - 1))
def test_shuffle_is_a_permutation(size: int, word: int) -> None:
    assert sorted(Shuffle(size, word)[torch.arange(size)].tolist()) == list(range(size))


def test_shuffle_computes_entries_of_a_huge_range_alone() -> None:
    size = 10**15
    shuffle = Shuffle(size, 3)
    places = torch.tensor([0, 1, size // 2, size - 1])
    together = shuffle[places]
    assert together.tolist() == [int(shuffle[place[None]]) for place in places]
    assert len(set(together.tolist())) == 4
    assert bool(((together >= 0) & (together < size)).all())


def test_shuffle_looks_random() -> None:
    size = 10_000
    order = Shuffle(size, 11)[torch.arange(size)].double()
    place = torch.arange(size).double()
    correlation = torch.corrcoef(torch.stack([order, place]))[0, 1]
    neighbours = torch.corrcoef(torch.stack([order[1:], order[:-1]]))[0, 1]
    # Four standard deviations of the correlation of independent samples.
    assert abs(correlation) < 0.04
    assert abs(neighbours) < 0.04
    assert (order == place).sum() < 10


def test_shuffle_refuses_what_is_outside() -> None:
    with pytest.raises(IndexError, match="must be in"):
        Shuffle(5, 0)[torch.tensor([5])]
    with pytest.raises(ValueError, match="size=-1"):
        Shuffle(-1, 0)


def test_permutation_of_a_large_set_is_not_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(randomness, "_LAID_OUT", 8)
    assert isinstance(permutation(9, 0, "order", 0), Shuffle)
    assert isinstance(permutation(8, 0, "order", 0), torch.Tensor)


def test_permutations_differ_by_epoch_and_repeat() -> None:
    assert torch.equal(permutation(50, 1, "order", 2), permutation(50, 1, "order", 2))
    assert not torch.equal(permutation(50, 1, "order", 2), permutation(50, 1, "order", 3))


def test_a_generator_does_not_touch_the_global_one() -> None:
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    torch.randn(4, generator=generator(0, "noise"))
    assert torch.equal(before, torch.random.get_rng_state())


def test_seeding_the_global_generator_repeats_draws() -> None:
    with preserved_randomness():
        seed_global(2**63 + 5)
        first = torch.rand(3)
        torch.rand(7)
        seed_global(2**63 + 5)
        assert torch.equal(first, torch.rand(3))


def test_preserved_randomness_survives_an_error() -> None:
    torch.manual_seed(4)
    expected = torch.rand(2)
    torch.manual_seed(4)

    def fail() -> None:
        with preserved_randomness():
            torch.rand(100)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert torch.equal(expected, torch.rand(2))
