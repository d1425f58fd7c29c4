"""Pretrained recognisers of text, as the tensors that were saved."""

from typing import Any

from octavo.data.registry import Entry
from octavo.errors import OctavoError


def load_state(entry: Entry) -> dict[str, Any]:
    """The tensors of a checkpoint by their names; nothing but tensors is unpickled.

    Raises:
        OctavoError: the file is no checkpoint of tensors.
    """
    import pickle

    import torch

    (place,) = entry.files.values()
    try:
        state: dict[str, Any] = torch.load(place, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise OctavoError(f"{place} is not a checkpoint of tensors: {error}") from error
    return state
