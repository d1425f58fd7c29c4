"""Files of Torch7, read without Torch7: numbers, texts, tables and tensors, and nothing that could run."""

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from octavo.errors import OctavoError

NIL, NUMBER, TEXT, TABLE, OBJECT, TRUTH = range(6)
# Of each kind of storage, how its numbers lie in the file; those of a GPU are written as floats.
KINDS = {
    "Float": "<f4",
    "Cuda": "<f4",
    "Double": "<f8",
    "CudaDouble": "<f8",
    "Long": "<i8",
    "CudaLong": "<i8",
    "Int": "<i4",
    "Short": "<i2",
    "Byte": "u1",
    "Char": "i1",
}


def read_torch7(path: Path | str) -> Any:
    """What ``torch.save`` of Torch7 wrote in its binary form.

    Args:
        path: of the file.

    Returns:
        A table whose keys are 1, 2, 3, ... as a list, any other as a dictionary; tensors as of torch.

    Raises:
        OctavoError: the file is cut off, or holds functions or objects other than tensors.

    Example:
        >>> read_torch7("snapshot_10000.t7")["parameters"][0].shape  # doctest: +SKIP
        torch.Size([64, 1, 3, 3])
    """
    place = Path(path)
    with place.open("rb") as file:
        try:
            return _Reader(file).value()
        except (struct.error, UnicodeDecodeError, KeyError, ValueError) as error:
            raise OctavoError(f"{place} is no whole binary file of Torch7: {error}") from error


class _Reader:
    """Reads one value after the other; what is written twice is read once."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.known: dict[int, Any] = {}

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{form}", self.file.read(struct.calcsize(f"<{form}")))

    def text(self) -> str:
        (length,) = self.numbers("i")
        return self.file.read(length).decode("latin-1")

    def value(self) -> Any:
        (kind,) = self.numbers("i")
        if kind == NIL:
            return None
        if kind == NUMBER:
            (number,) = self.numbers("d")
            return int(number) if number == int(number) else number
        if kind == TEXT:
            return self.text()
        if kind == TRUTH:
            return bool(self.numbers("i")[0])
        if kind not in (TABLE, OBJECT):
            raise ValueError(f"a value of kind {kind}, such as a function, is not read")
        (index,) = self.numbers("i")
        if index not in self.known:
            self.known[index] = self.table() if kind == TABLE else self.object()
        return self.known[index]

    def table(self) -> list[Any] | dict[Any, Any]:
        (size,) = self.numbers("i")
        entries = {self.value(): self.value() for _ in range(size)}
        if set(entries) == set(range(1, size + 1)):
            return [entries[place] for place in range(1, size + 1)]
        return entries

    def object(self) -> Any:
        name = self.text()
        if name.startswith("V "):
            name = self.text()
        kind = name.removeprefix("torch.").removesuffix("Tensor").removesuffix("Storage")
        if not name.startswith("torch.") or kind not in KINDS:
            raise ValueError(f"an object {name} is not read; save the tensors alone")
        return self.storage(KINDS[kind]) if name.endswith("Storage") else self.tensor()

    def storage(self, form: str) -> Tensor:
        (size,) = self.numbers("q")
        read = np.frombuffer(self.file.read(size * np.dtype(form).itemsize), dtype=form)
        if len(read) != size:
            raise ValueError(f"{size} numbers were announced, {len(read)} are there")
        return torch.from_numpy(read.copy())

    def tensor(self) -> Tensor:
        (axes,) = self.numbers("i")
        shape, strides = self.numbers(f"{axes}q"), self.numbers(f"{axes}q")
        (offset,) = self.numbers("q")
        storage = self.value()
        if storage is None:
            return torch.empty(0)
        return torch.as_strided(storage, shape, strides, offset - 1).clone()
