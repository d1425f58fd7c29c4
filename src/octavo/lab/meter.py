"""The numbers of every step, read from the device seldom enough not to slow it."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from octavo.lab.engine import Engine


class Meter:
    """Collects the numbers that steps return, as lists with one entry a step (nan where a step had none).

    On one CPU a number is read at once. Elsewhere reading waits for the device or for other processes, so
    numbers are kept as tensors until `flush`.

    Args:
        engine: gives device and processes.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.immediate = engine.world == 1 and engine.device.type == "cpu"
        self.history: dict[str, list[float]] = {}
        self._length = 0
        self._pending: list[dict[str, Tensor | float]] = []
        self._latest: Mapping[str, Tensor | float] = {}

    def add(self, numbers: Mapping[str, Tensor | float], weight: float = 1.0) -> bool:
        """Take a step's numbers, and say whether its loss is known to be finite or not known yet."""
        if self.immediate:
            row = {
                name: value.item() if isinstance(value, Tensor) else float(value)
                for name, value in numbers.items()
            }
            self._latest = row
            return self._append(row)
        # Detached, so that no step keeps the graph of an earlier one.
        kept = self._latest = {
            name: value.detach() * weight if isinstance(value, Tensor) else float(value) * weight
            for name, value in numbers.items()
        }
        self._pending.append(kept)
        return True

    def flush(self) -> int | None:
        """Read what is pending; the place of the first step whose loss is not finite, or None."""
        bad = None
        pending, self._pending = self._pending, []
        names = list(dict.fromkeys(name for row in pending for name in row))
        if not pending or not names:
            self._length += len(pending)
            return None
        device = self._engine.device
        table = torch.stack(
            [torch.stack([_number(row.get(name, math.nan), device) for name in names]) for row in pending]
        )
        for values in self._engine.mean(table).tolist():
            row = dict(zip(names, values, strict=True))
            place = self._length
            if not self._append(row) and bad is None:
                bad = place
        return bad

    def latest(self) -> dict[str, float]:
        """The last step's numbers in this process; reads them from the device."""
        return {
            name: value.item() if isinstance(value, Tensor) else float(value)
            for name, value in self._latest.items()
        }

    def state_dict(self) -> dict[str, Tensor]:
        """The history so far, exactly."""
        return {name: torch.tensor(values, dtype=torch.float64) for name, values in self.history.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a saved history."""
        self.history = {name: values.tolist() for name, values in state.items()}
        self._length = max((len(values) for values in self.history.values()), default=0)

    def _append(self, row: Mapping[str, float]) -> bool:
        """Write a step's numbers, and say whether its losses are finite."""
        history, healthy = self.history, True
        for name, value in row.items():
            column = history.get(name)
            if column is None:
                column = history[name] = [math.nan] * self._length
            column.append(value)
            if not math.isfinite(value) and name.endswith("loss"):
                healthy = False
        self._length += 1
        if len(row) != len(history):
            for name, column in history.items():
                if name not in row:
                    column.append(math.nan)
        return healthy


def _number(value: Tensor | float, device: torch.device) -> Tensor:
    # The GPUs of Apple have no float64.
    dtype = torch.float32 if device.type == "mps" else torch.float64
    return torch.as_tensor(value, dtype=dtype, device=device).reshape(())
