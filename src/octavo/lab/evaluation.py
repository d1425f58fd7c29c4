"""Numbers over a set of items, each measured exactly once however many processes share the work."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn

from octavo.errors import OctavoError
from octavo.lab.batches import move


class Evaluation:
    """Measure every item of a data set and take means: for `fit(evaluate=...)`, or called with a model.

    Process r of w measures the items r, r + w, ... and results travel with their indices, so no item counts
    twice when the number of items is not divisible by that of processes.

    Args:
        data: what `fit` takes as data.
        measure: `measure(model, batch)` gives by name one number an item, `(batch,)`.
        batch_size: items at once, in each process.

    Raises:
        OctavoError: `measure` gave another number of values than there are items.

    Example:
        >>> from octavo.lab.batches import TensorData
        >>> data = TensorData(x=torch.arange(5))
        >>> even = Evaluation(data, lambda model, batch: {"even": batch["x"] % 2 == 0})
        >>> even(nn.Identity())
        {'even': 0.6}
    """

    def __init__(
        self, data: Any, measure: Callable[[Any, Any], Mapping[str, Tensor]], batch_size: int = 256
    ) -> None:
        self.data = data
        self.measure = measure
        self.batch_size = batch_size

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """The mean of each number over all items."""
        return {name: values.mean().item() for name, values in self.items(model).items()}

    @torch.no_grad()
    def items(self, model: nn.Module) -> dict[str, Float[Tensor, " items"]]:
        """Each number of every item, in the order of the data, as float64 on the CPU, in every process."""
        several = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        rank, world = (dist.get_rank(), dist.get_world_size()) if several else (0, 1)
        device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
        mine = torch.arange(rank, len(self.data), world)
        measured: dict[str, list[Tensor]] = {}
        for indices in mine.split(self.batch_size):
            for name, values in self.measure(model, move(self.data[indices], device)).items():
                if values.shape != indices.shape:
                    raise OctavoError(
                        f"measure gave {name!r} of shape {tuple(values.shape)} for {len(indices)} items; "
                        "give one number an item"
                    )
                measured.setdefault(name, []).append(values.to("cpu", torch.float64))
        part = (mine, {name: torch.cat(values) for name, values in measured.items()})
        parts = [part]
        if several:
            parts = [part] * world
            dist.all_gather_object(parts, part)
        return self._assemble(parts)

    def _assemble(self, parts: list[tuple[Tensor, dict[str, Tensor]]]) -> dict[str, Tensor]:
        order = torch.cat([indices for indices, _ in parts])
        if not torch.equal(order.sort().values, torch.arange(len(self.data))):
            raise OctavoError(
                f"{len(order)} results came back for {len(self.data)} items; each must come once"
            )
        names = dict.fromkeys(name for _, values in parts for name in values)
        gathered = {
            name: torch.cat([values[name] for _, values in parts if name in values]) for name in names
        }
        return {
            name: torch.empty_like(values).scatter_(0, order, values) for name, values in gathered.items()
        }
