"""Which samples a step sees, and how they become a batch.

A batch is a fixed slice of an order that is a function of seed and epoch. There is no sampler whose state
would have to be saved, and any number of processes sees the same global batches.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Int64
from torch import Tensor

from octavo.errors import OctavoError
from octavo.lab.randomness import Shuffle, generator, permutation

Last = Literal["keep", "drop"]


@runtime_checkable
class Data(Protocol):
    """What a training reads: a tensor of indices gives a batch."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Any) -> Any: ...


class TensorData:
    """Tensors in memory that share their first axis; a batch is a dictionary of their rows.

    Args:
        tensors: by name, each `(items, ...)`.

    Raises:
        OctavoError: there is no tensor, or their first axes differ in length.

    Example:
        >>> data = TensorData(x=torch.zeros(5, 2), y=torch.arange(5))
        >>> data[torch.tensor([3, 1])]["y"]
        tensor([3, 1])
    """

    def __init__(self, **tensors: Tensor) -> None:
        lengths = {name: len(tensor) for name, tensor in tensors.items()}
        if len(set(lengths.values())) != 1:
            raise OctavoError(
                f"TensorData needs tensors with one number of items, got {lengths or 'no tensor'}"
            )
        self.tensors = tensors
        self._length = next(iter(lengths.values()))
        self._on_cpu = all(tensor.device.type == "cpu" for tensor in tensors.values())

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, indices: Int64[Tensor, " batch"]) -> dict[str, Tensor]:
        if self._on_cpu:
            return {name: tensor.index_select(0, indices) for name, tensor in self.tensors.items()}
        return {
            name: tensor.index_select(0, indices.to(tensor.device)) for name, tensor in self.tensors.items()
        }

    def to(self, device: str | torch.device) -> "TensorData":
        """The same data on another device."""
        return TensorData(**{name: tensor.to(device) for name, tensor in self.tensors.items()})


class Examples:
    """Any data set with a length and items, made into batches by a function.

    Args:
        dataset: gives an item for each index.
        collate: makes a batch of a list of items; the default stacks tensors and numbers, through
            dictionaries and tuples.
        augment: `augment(item, generator)` changes an item; its generator is a function of seed, epoch and
            index, so an item is changed in the same way whatever was drawn before it.

    Example:
        >>> Examples([10, 20, 30])[torch.tensor([2, 0])]
        tensor([30, 10])
    """

    def __init__(
        self,
        dataset: Any,
        collate: Callable[[list[Any]], Any] | None = None,
        augment: Callable[[Any, torch.Generator], Any] | None = None,
    ) -> None:
        self.dataset = dataset
        self.collate = collate or torch.utils.data.default_collate
        self.augment = augment

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, indices: Sequence[int] | Tensor) -> Any:
        return self.collate([self.dataset[int(index)] for index in indices])

    def augmented(self, indices: Sequence[int] | Tensor, seed: int, epoch: int) -> Any:
        """The batch of these indices, each item changed as its own generator says."""
        if self.augment is None:
            return self[indices]
        items = (
            (self.dataset[int(index)], generator(seed, "fit.augment", epoch, int(index))) for index in indices
        )
        return self.collate([self.augment(item, random) for item, random in items])


class Endless:
    """Data that never repeats: batch `t` is made from a generator that is a function of seed and `t`.

    Args:
        make: `make(generator, size)` gives a batch of `size` items, in a tensor or in a nest of
            dictionaries, tuples and lists of tensors whose first axis is the items.

    Example:
        >>> Endless(lambda generator, size: torch.rand(size, 3, generator=generator))
        Endless()
    """

    def __init__(self, make: Callable[[torch.Generator, int], Any]) -> None:
        self.make = make

    def __repr__(self) -> str:
        return "Endless()"


class Batches:
    """The batches of a training by step, for one of `world` processes.

    Each epoch is a new order of all items. The batch size is that of all processes together; process `rank`
    gets every `world`-th item of a batch. A batch as large as the data is the data in its own order.

    Args:
        data: `TensorData`, `Examples`, `Endless`, anything with a length that takes a tensor of indices, or
            None.
        batch_size: items a step, over all processes.
        last: the smaller batch at the end of an epoch is kept, or dropped (those items have other places
            next epoch).

    Raises:
        OctavoError: the data are empty, or the batch size is no positive number or not divisible by `world`.
    """

    def __init__(
        self, data: Any, batch_size: int, seed: int, last: Last = "keep", rank: int = 0, world: int = 1
    ) -> None:
        if batch_size < 1 or batch_size % world:
            raise OctavoError(
                f"batch_size={batch_size} counts the items of all processes; "
                f"it must be a positive multiple of their number, {world}"
            )
        self.data, self.seed, self.rank, self.world = data, seed, rank, world
        self.size = None if data is None or isinstance(data, Endless) else len(data)
        if self.size == 0:
            raise OctavoError("there is nothing to train on: the data have no items")
        self.batch_size = batch_size if self.size is None else min(batch_size, self.size)
        self.steps_per_epoch: int | None = None
        if self.size is not None:
            whole, rest = divmod(self.size, self.batch_size)
            self.steps_per_epoch = whole + (1 if rest and last == "keep" else 0)
        self._epoch = -1
        self._order: Sequence[Tensor] | Shuffle = []

    def epoch(self, step: int) -> int:
        """Which pass over the data a step belongs to, from 0."""
        return step // self.steps_per_epoch if self.steps_per_epoch else 0

    def indices(self, step: int) -> Int64[Tensor, " batch"]:
        """The samples of a step, over all processes."""
        if self.size is None or self.steps_per_epoch is None:
            return torch.arange(step * self.batch_size, (step + 1) * self.batch_size)
        if self.batch_size == self.size:
            return torch.arange(self.size)
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._epoch != epoch:
            order = permutation(self.size, self.seed, "fit.order", epoch)
            # An order in memory is cut once an epoch; one that is computed is computed a batch at a time.
            self._order = order if isinstance(order, Shuffle) else order.split(self.batch_size)
            self._epoch = epoch
        if isinstance(self._order, Shuffle):
            start = place * self.batch_size
            return self._order[torch.arange(start, min(start + self.batch_size, self.size))]
        return self._order[place]

    def local(self, step: int) -> tuple[Int64[Tensor, " local"], float]:
        """This process's samples of a step, and what their mean counts in the mean over processes."""
        everywhere = self.indices(step)
        if self.world == 1:
            return everywhere, 1.0
        mine = everywhere[self.rank :: self.world]
        if len(mine) == 0:  # a rest smaller than the number of processes: take part, and count for nothing
            return everywhere[:1], 0.0
        return mine, len(mine) * self.world / len(everywhere)

    def batch(self, step: int, indices: Int64[Tensor, " local"]) -> Any:
        """The batch of these samples at this step."""
        if isinstance(self.data, Endless):
            whole = self.data.make(generator(self.seed, "fit.endless", step), self.batch_size)
            return whole if self.world == 1 else take(whole, slice(self.rank, None, self.world))
        if isinstance(self.data, Examples):
            return self.data.augmented(indices, self.seed, self.epoch(step))
        return None if self.data is None else self.data[indices]

    def pieces(
        self, step: int, indices: Int64[Tensor, " local"], weight: float, number: int
    ) -> Iterator[tuple[Any, float]]:
        """The batch in pieces, loaded one by one, each with the weight of its mean in that of the whole."""
        whole = self.batch(step, indices) if isinstance(self.data, Endless) else None
        size, start = len(indices), 0
        for place in range(min(number, size)):
            end = start + size // number + (place < size % number)
            batch = self.batch(step, indices[start:end]) if whole is None else take(whole, slice(start, end))
            yield batch, weight * (end - start) / size
            start = end


def take(batch: Any, rows: slice) -> Any:
    """The same rows of every tensor (and list) in a nest of dictionaries and tuples."""
    if isinstance(batch, Mapping):
        return {name: take(value, rows) for name, value in batch.items()}
    if isinstance(batch, tuple):
        parts = [take(value, rows) for value in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else tuple(parts)
    return batch[rows]


def move(batch: Any, device: torch.device) -> Any:
    """A nest of dictionaries, tuples and lists with its tensors, and all that knows `.to`, on a device."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if hasattr(batch, "to"):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {name: move(value, device) for name, value in batch.items()}
    if isinstance(batch, tuple):
        parts = [move(value, device) for value in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else tuple(parts)
    if isinstance(batch, list):
        return [move(value, device) for value in batch]
    return batch
