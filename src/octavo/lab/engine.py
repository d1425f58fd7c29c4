"""Where a training happens: device, precision, gradients and what processes tell each other.

`PlainEngine` is torch in one process. `AccelerateEngine` (in `octavo.lab.distributed`) is one of many
processes.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from octavo.errors import OctavoError

Precision = Literal["float32", "bfloat16", "float16"]
_NOTHING = nullcontext()
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Engine(Protocol):
    """What the loop asks of whatever runs it.

    `rank` of `world` processes is this one; `device` is where its batches go.
    """

    rank: int
    world: int
    device: torch.device

    def prepare(self, objective: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """The objective and its optimizer, made ready for `backward` to average gradients over processes."""
        ...

    def accumulating(self, objective: nn.Module) -> AbstractContextManager[Any]:
        """Inside, `backward` adds to the gradients and does not average them."""
        ...

    def autocast(self) -> AbstractContextManager[Any]:
        """Inside, the forward pass runs in the engine's precision."""
        ...

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss."""
        ...

    def clip(self, optimizer: Optimizer, norm: float) -> Tensor:
        """Shorten the gradient of an optimizer's parameters to a norm, and return the norm that it had."""
        ...

    def update(self, optimizer: Optimizer) -> None:
        """Move the parameters and forget the gradients."""
        ...

    def average_gradients(self, optimizer: Optimizer) -> None:
        """Average over processes the gradients of parameters that `prepare` has not seen."""
        ...

    def mean(self, values: Tensor) -> Tensor:
        """The mean over processes."""
        ...

    def share(self, value: Any) -> Any:
        """The value that the first process has."""
        ...

    def synchronise(self, module: nn.Module) -> None:
        """Give every process the first one's weights and buffers."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The state of the loss scaler, if there is one."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        ...

    def close(self) -> None:
        """Leave nothing behind in the process."""
        ...


class PlainEngine:
    """One process and one device, with torch alone.

    Args:
        device: where the batches go.
        precision: of the forward pass. `float16` scales the loss so that small gradients survive.
    """

    rank = 0
    world = 1

    def __init__(self, device: str | torch.device = "cpu", precision: Precision = "float32") -> None:
        self.device = torch.device(device)
        self._dtype = dtype_of(precision)
        self._scaler = torch.amp.GradScaler(self.device.type) if precision == "float16" else None

    def prepare(self, objective: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """Both as they are."""
        return objective, optimizer

    def accumulating(self, objective: nn.Module) -> AbstractContextManager[Any]:
        """Nothing to hold back in one process."""
        return _NOTHING

    def autocast(self) -> AbstractContextManager[Any]:
        """Torch's autocast, or nothing in float32."""
        if self._dtype == torch.float32:
            return _NOTHING
        return torch.autocast(self.device.type, dtype=self._dtype)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss."""
        (loss if self._scaler is None else self._scaler.scale(loss)).backward()

    def clip(self, optimizer: Optimizer, norm: float) -> Tensor:
        """Shorten the gradient to a norm, and return the norm that it had."""
        if self._scaler is not None:
            self._scaler.unscale_(optimizer)
        return nn.utils.clip_grad_norm_(parameters_of(optimizer), norm)

    def update(self, optimizer: Optimizer) -> None:
        """Move the parameters and forget the gradients."""
        if self._scaler is None:
            optimizer.step()
        else:
            self._scaler.step(optimizer)
            self._scaler.update()
        optimizer.zero_grad(set_to_none=True)

    def average_gradients(self, optimizer: Optimizer) -> None:
        """Nothing to average in one process."""

    def mean(self, values: Tensor) -> Tensor:
        """The values as they are."""
        return values

    def share(self, value: Any) -> Any:
        """The value as it is."""
        return value

    def synchronise(self, module: nn.Module) -> None:
        """Nobody else has weights."""

    def state_dict(self) -> dict[str, Any]:
        """The state of the loss scaler, if there is one."""
        return {} if self._scaler is None else {"scaler": self._scaler.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        if self._scaler is not None and "scaler" in state:
            self._scaler.load_state_dict(state["scaler"])

    def close(self) -> None:
        """Nothing is left behind."""


def choose(
    engine: "str | Engine", device: str | torch.device = "cpu", precision: Precision = "float32"
) -> Engine:
    """The engine of a name: `plain`, `accelerate`, or `auto`: `accelerate` when there are several processes.

    Raises:
        OctavoError: the name is unknown, or `plain` is asked for in one of several processes.
        Missing: `accelerate` is not installed.
    """
    if not isinstance(engine, str):
        return engine
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if engine == "auto":
        engine = "accelerate" if several else "plain"
    if engine == "plain":
        if several:
            raise OctavoError(
                "engine='plain' is for one process, and WORLD_SIZE says there are more; use 'accelerate'"
            )
        return PlainEngine(device, precision)
    if engine == "accelerate":
        from octavo.lab.distributed import AccelerateEngine

        return AccelerateEngine(device, precision)
    raise OctavoError(
        f"engine={engine!r} is unknown; use 'auto', 'plain', 'accelerate' or an engine of your own"
    )


def dtype_of(precision: str) -> torch.dtype:
    """The dtype of a precision's name.

    Raises:
        OctavoError: the name is unknown.
    """
    if precision not in DTYPES:
        raise OctavoError(f"precision={precision!r} is unknown; use one of {', '.join(DTYPES)}")
    return DTYPES[precision]


def parameters_of(optimizer: Optimizer) -> Iterable[nn.Parameter]:
    """All parameters of an optimizer, in its order."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
