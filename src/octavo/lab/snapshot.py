"""Any nest of tensors and plain values as named tensors and JSON, and back without a change."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from octavo.errors import OctavoError

_TENSOR, _ITEMS, _TUPLE, _VIEW = "$tensor", "$items", "$tuple", "$view"


def flatten(value: Any) -> tuple[str, dict[str, Tensor]]:
    """Split a nest of dictionaries, lists, tuples, numbers, strings, None and tensors into JSON and tensors.

    Tensors that are one in memory (tied weights) are kept once. Floats survive exactly, infinities and nan
    included.

    Raises:
        OctavoError: something in the nest is none of these; it names where.

    Example:
        >>> text, tensors = flatten({"weights": torch.ones(2), "steps": (1, None)})
        >>> text
        '{"weights": {"$tensor": "weights"}, "steps": {"$tuple": [1, null]}}'
        >>> sorted(tensors)
        ['weights']
    """
    tensors: dict[str, Tensor] = {}
    return json.dumps(_encode(value, "", tensors, {})), tensors


def restore(text: str, tensors: Mapping[str, Tensor]) -> Any:
    """What `flatten` took apart."""
    return _decode(json.loads(text), tensors)


def _encode(value: Any, path: str, tensors: dict[str, Tensor], seen: dict[tuple, str]) -> Any:
    if isinstance(value, Tensor):
        return _encode_tensor(value, path, tensors, seen)
    if value is None or isinstance(value, bool | int | float | str):
        # A subclass such as numpy's float64 is written as the number it is.
        return value
    if isinstance(value, Mapping):
        entries = [(name, _encode(entry, _join(path, name), tensors, seen)) for name, entry in value.items()]
        plain = all(isinstance(name, str) and not name.startswith("$") for name in value)
        return (
            dict(entries)
            if plain
            else {_ITEMS: [[_encode_key(name, path), entry] for name, entry in entries]}
        )
    if isinstance(value, list | tuple):
        parts = [_encode(part, _join(path, place), tensors, seen) for place, part in enumerate(value)]
        return parts if isinstance(value, list) else {_TUPLE: parts}
    kind = type(value).__name__
    hint = (
        "give it state_dict and load_state_dict"
        if not dataclasses.is_dataclass(value)
        else "keep a dictionary of it"
    )
    raise OctavoError(f"a checkpoint cannot keep {path or 'its state'}, a {kind}; {hint}")


def _encode_key(name: Any, path: str) -> Any:
    if name is None or isinstance(name, bool | int | float | str):
        return name
    raise OctavoError(
        f"a checkpoint cannot keep a {type(name).__name__} as a key in {path or 'its state'}; "
        "use a string or a number"
    )


def _encode_tensor(
    value: Tensor, path: str, tensors: dict[str, Tensor], seen: dict[tuple, str]
) -> dict[str, str]:
    value = value.detach()
    view = {_VIEW: "complex"} if value.is_complex() else {}
    identity = (value.device, value.data_ptr(), value.dtype, value.shape, value.stride())
    if value.numel() and identity in seen:
        return {_TENSOR: seen[identity], **view}
    name = path if path and path not in tensors else f"{path}#{len(tensors)}"
    stored = torch.view_as_real(value.resolve_conj()) if view else value
    stored = stored.to("cpu").contiguous()
    if (
        stored.untyped_storage().nbytes() != stored.nbytes
    ):  # a part of a larger tensor; the file takes whole ones
        stored = stored.clone()
    tensors[name] = stored
    seen[identity] = name
    return {_TENSOR: name, **view}


def _join(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _decode(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(part, tensors) for part in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        tensor = tensors[value[_TENSOR]]
        return torch.view_as_complex(tensor) if value.get(_VIEW) == "complex" else tensor
    if _TUPLE in value:
        return tuple(_decode(part, tensors) for part in value[_TUPLE])
    if _ITEMS in value:
        return {name: _decode(part, tensors) for name, part in value[_ITEMS]}
    return {name: _decode(part, tensors) for name, part in value.items()}
