import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.lab import randomness
from octavo.lab.batches import Batches, Endless, Examples, TensorData, move, take


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(1, 4), st.integers(0, 3))
def test_any_number_of_processes_sees_the_same_batches_once(
    size: int, per: int, world: int, epoch: int
) -> None:
    data, batch_size = list(range(size)), per * world
    whole = Batches(data, batch_size, seed=1)
    ranks = [Batches(data, batch_size, seed=1, rank=rank, world=world) for rank in range(world)]
    steps = range(epoch * whole.steps_per_epoch, (epoch + 1) * whole.steps_per_epoch)
    seen = []
    for step in steps:
        parts = [rank.local(step) for rank in ranks]
        counted = [indices for indices, weight in parts if weight > 0]
        assert sorted(torch.cat(counted).tolist()) == sorted(whole.indices(step).tolist())
        assert sum(weight for _, weight in parts) == pytest.approx(world)
        seen += torch.cat(counted).tolist()
    assert sorted(seen) == data


def test_the_order_is_new_each_epoch_and_a_function_of_the_step() -> None:
    batches = Batches(range(20), 5, seed=0)
    forwards = [batches.indices(step).tolist() for step in range(12)]
    backwards = [Batches(range(20), 5, seed=0).indices(step).tolist() for step in reversed(range(12))]
    assert forwards == backwards[::-1]
    assert forwards[:4] != forwards[4:8]
    assert [batches.epoch(step) for step in (0, 3, 4, 11)] == [0, 0, 1, 2]


def test_a_large_set_gives_batches_without_an_order_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(randomness, "_LAID_OUT", 8)
    batches = Batches(range(23), 5, seed=0)
    seen = torch.cat([batches.indices(step) for step in range(5)])
    assert sorted(seen.tolist()) == list(range(23))


def test_the_last_batch_is_kept_or_dropped() -> None:
    assert [len(Batches(range(10), 4, 0).indices(step)) for step in range(3)] == [4, 4, 2]
    assert Batches(range(10), 4, 0, last="drop").steps_per_epoch == 2


def test_a_batch_is_never_larger_than_the_data() -> None:
    batches = Batches(range(3), 64, seed=0)
    assert batches.indices(5).tolist() == [0, 1, 2]
    assert batches.steps_per_epoch == 1


def test_no_data_and_wrong_sizes() -> None:
    assert Batches(None, 4, 0).batch(3, torch.arange(4)) is None
    with pytest.raises(OctavoError, match="have no items"):
        Batches([], 4, 0)
    with pytest.raises(OctavoError, match="batch_size=5 counts the items of all processes"):
        Batches(range(10), 5, 0, world=2)
    with pytest.raises(OctavoError, match="one number of items"):
        TensorData(x=torch.zeros(3), y=torch.zeros(4))
    with pytest.raises(OctavoError, match="no tensor"):
        TensorData()


def test_augmentation_depends_on_epoch_and_index_alone() -> None:
    def augment(item: int, random: torch.Generator) -> torch.Tensor:
        return item + torch.rand((), generator=random)

    data = Examples(list(range(6)), augment=augment)
    first = data.augmented([4, 2], seed=0, epoch=1)
    assert torch.equal(data.augmented([2], seed=0, epoch=1), first[1:])
    assert not torch.equal(data.augmented([2], seed=0, epoch=2), first[1:])
    assert data[[4, 2]].tolist() == [4, 2]


def test_endless_batches_are_a_function_of_the_step_and_split_over_processes() -> None:
    data = Endless(
        lambda random, size: {"x": torch.rand(size, 2, generator=random), "rest": (torch.arange(size),)}
    )
    whole = Batches(data, 6, seed=3)
    indices = whole.indices(4)
    assert indices.tolist() == list(range(24, 30))
    x = whole.batch(4, indices)["x"]
    assert torch.equal(x, Batches(data, 6, seed=3).batch(4, indices)["x"])
    parts = [Batches(data, 6, seed=3, rank=rank, world=2).batch(4, indices[rank::2]) for rank in range(2)]
    assert torch.equal(parts[1]["x"], x[1::2])
    assert parts[1]["rest"][0].tolist() == [1, 3, 5]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20), st.integers(1, 8))
def test_pieces_are_the_batch(size: int, number: int) -> None:
    for data in (TensorData(x=torch.arange(size)), Endless(lambda random, size: {"x": torch.arange(size)})):
        batches = Batches(data, size, seed=0)
        pieces = list(batches.pieces(0, batches.indices(0), 1.0, number))
        assert torch.cat([piece["x"] for piece, _ in pieces]).tolist() == list(range(size))
        assert len(pieces) == min(size, number)
        assert sum(weight for _, weight in pieces) == pytest.approx(1)
        assert all(weight == pytest.approx(len(piece["x"]) / size) for piece, weight in pieces)


def test_nests_keep_their_form() -> None:
    batch = {"a": torch.arange(4), "b": ([1, 2, 3, 4], torch.eye(4))}
    halved = take(batch, slice(0, None, 2))
    assert halved["b"][0] == [1, 3]
    moved = move({"a": [torch.zeros(1), "text"], "b": None}, torch.device("meta"))
    assert moved["a"][0].device.type == "meta"
    assert moved["a"][1] == "text"
    assert moved["b"] is None
