"""Weights that are put away while they are not needed, and come back as the same parameters."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn


class Offload:
    """Puts the parameters of layers away: those of an accelerator into main memory, those of a CPU on disk.

    The parameters stay the same objects, and hold the same bits when they are back.

    Args:
        layers: whose parameters.
        folder: for the file; by default a temporary one.

    Example:
        >>> linear = nn.Linear(3, 2)
        >>> before = linear.weight.clone()
        >>> with Offload([linear]) as away:
        ...     print(linear.weight.numel(), away.nbytes)
        0 32
        >>> torch.equal(linear.weight, before)
        True
    """

    def __init__(self, layers: Iterable[nn.Module], folder: Path | None = None) -> None:
        found = dict.fromkeys(parameter for layer in layers for parameter in layer.parameters())
        self.parameters = list(found)
        self.devices = [parameter.device for parameter in self.parameters]
        self.folder = folder
        self.nbytes = sum(parameter.numel() * parameter.element_size() for parameter in self.parameters)
        self._kept: list[torch.Tensor] | None = None
        self._file: Path | None = None

    def __enter__(self) -> "Offload":
        on_disk = {
            str(number): parameter.data.contiguous()
            for number, parameter in enumerate(self.parameters)
            if parameter.device.type == "cpu"
        }
        self._kept = [parameter.data.cpu() for parameter in self.parameters if parameter.device.type != "cpu"]
        if on_disk:
            with tempfile.NamedTemporaryFile(
                suffix=".safetensors", dir=self.folder, prefix="octavo-", delete=False
            ) as file:
                self._file = Path(file.name)
            save_file(on_disk, self._file)
        for parameter in self.parameters:
            parameter.data = parameter.data.new_empty(0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._kept is None:
            return
        from_disk = {} if self._file is None else load_file(self._file)
        kept = iter(self._kept)
        for number, (parameter, device) in enumerate(zip(self.parameters, self.devices, strict=True)):
            back = from_disk[str(number)] if device.type == "cpu" else next(kept)
            parameter.data = back.to(device)
        if self._file is not None:
            self._file.unlink(missing_ok=True)
        self._kept = self._file = None
