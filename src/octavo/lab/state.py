"""What a training changes, under names: modules, optimizers, tensors and plain values."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from octavo.errors import OctavoError


class State:
    """Everything that a training changes and a checkpoint must keep.

    Args:
        parts: modules, optimizers and whatever else has `state_dict` and `load_state_dict`; tensors;
            numbers, strings, and lists, tuples and dictionaries of them. A step reads and sets them as
            attributes.

    Example:
        >>> state = State(guide=nn.Linear(2, 1), rounds=0)
        >>> state.rounds += 1
        >>> state.state_dict()["rounds"]
        1
    """

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the state has no {name!r}, it has {', '.join(self.__dict__) or 'nothing'}")

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self.__dict__.items())

    def modules(self) -> dict[str, nn.Module]:
        """The parts that are modules."""
        return {name: part for name, part in self if isinstance(part, nn.Module)}

    def state_dict(self, weights_only: bool = False) -> dict[str, Any]:
        """What every part is now; with `weights_only`, what is left of it once the training is over."""
        return {
            name: part.state_dict() if hasattr(part, "state_dict") else part
            for name, part in self
            if not (weights_only and isinstance(part, torch.optim.Optimizer))
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Put every saved part back in its place.

        Raises:
            OctavoError: a module's saved weights do not fit it.
        """
        for name, value in saved.items():
            part = self.__dict__.get(name)
            if isinstance(part, torch.optim.Optimizer):
                load_optimizer(part, value)
            elif part is not None and hasattr(part, "load_state_dict"):
                try:
                    part.load_state_dict(value)
                except RuntimeError as error:
                    reason = " ".join(str(error).split())
                    raise OctavoError(f"the saved {name!r} does not fit: {reason}") from error
            elif isinstance(part, Tensor) and isinstance(value, Tensor):
                with torch.no_grad():
                    part.copy_(value) if part.shape == value.shape else setattr(
                        self, name, value.to(part.device)
                    )
            else:
                setattr(self, name, value)


def load_optimizer(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Load an optimizer's state exactly.

    `Optimizer.load_state_dict` casts what it holds to the dtype of the parameter, so the float32 moments of
    a bfloat16 parameter would lose bits; they are put back as they were saved.
    """
    optimizer.load_state_dict(dict(saved))
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    places = [place for group in saved["param_groups"] for place in group["params"]]
    for place, parameter in zip(places, parameters, strict=True):
        for name, value in saved["state"].get(place, {}).items():
            loaded = optimizer.state[parameter].get(name)
            if isinstance(value, Tensor) and isinstance(loaded, Tensor) and loaded.dtype != value.dtype:
                optimizer.state[parameter][name] = value.to(loaded.device)


def copied(value: Any) -> Any:
    """A nest of dictionaries and lists with its tensors copied to the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {name: copied(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copied(part) for part in value)
    return value
