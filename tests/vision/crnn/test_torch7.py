"""Files of Torch7: written here byte by byte as Torch7 writes them, and read again."""

import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from octavo.errors import OctavoError
from octavo.vision import CRNN
from octavo.vision.crnn.torch7 import read_torch7

NAMES = {torch.float32: "Cuda", torch.float64: "Double", torch.int64: "Long", torch.uint8: "Byte"}


class Writer:
    """Torch7's binary form: a kind, then the value; a table or an object that comes again is its number."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.seen: dict[Any, int] = {}

    def put(self, form: str, *values: Any) -> None:
        self.bytes += struct.pack(f"<{form}", *values)

    def text(self, text: str) -> None:
        self.put("i", len(text))
        self.bytes += text.encode()

    def is_new(self, key: Any) -> bool:
        fresh = key not in self.seen
        self.put("i", self.seen.setdefault(key, len(self.seen) + 1))
        return fresh

    def value(self, value: Any) -> "Writer":
        if value is None:
            self.put("i", 0)
        elif isinstance(value, bool):
            self.put("ii", 5, value)
        elif isinstance(value, int | float):
            self.put("id", 1, value)
        elif isinstance(value, str):
            self.put("i", 2)
            self.text(value)
        elif isinstance(value, Tensor):
            self.tensor(value)
        else:
            self.table(value)
        return self

    def table(self, value: Any) -> None:
        entries = dict(enumerate(value, start=1)) if isinstance(value, list) else value
        self.put("i", 3)
        if self.is_new(id(value)):
            self.put("i", len(entries))
            for key, inner in entries.items():
                self.value(key).value(inner)

    def tensor(self, tensor: Tensor) -> None:
        name, axes = NAMES[tensor.dtype], tensor.ndim
        self.put("i", 4)
        if not self.is_new(id(tensor)):
            return
        for text in ("V 1", f"torch.{name}Tensor"):
            self.text(text)
        self.put(f"i{axes}q{axes}qq", axes, *tensor.shape, *tensor.stride(), tensor.storage_offset() + 1)
        storage = tensor.untyped_storage()
        self.put("i", 4)
        if self.is_new(("storage", storage.data_ptr())):
            for text in ("V 1", f"torch.{name}Storage"):
                self.text(text)
            self.put("q", storage.nbytes() // tensor.element_size())
            self.bytes += torch.empty(0, dtype=torch.uint8).set_(storage).numpy().tobytes()


def written(folder: Path, value: Any) -> Path:
    path = folder / "file.t7"
    path.write_bytes(Writer().value(value).bytes)
    return path


def test_values_come_back(tmp_path: Path) -> None:
    whole = torch.arange(24.0)
    matrix = whole[4:16].view(3, 4)
    given = {
        "name": "snapshot",
        "iterations": 10_000,
        "rate": 0.9,
        "done": True,
        "nothing": [1, "two", False],
        "matrix": matrix,
        "turned": matrix.mT,
        "labels": torch.tensor([3, 1], dtype=torch.int64),
        "same": matrix,
    }
    read = read_torch7(written(tmp_path, given))
    assert {name: value for name, value in read.items() if not isinstance(value, Tensor)} == {
        name: value for name, value in given.items() if not isinstance(value, Tensor)
    }
    for name in ("matrix", "turned", "labels", "same"):
        assert torch.equal(read[name], given[name])  # type: ignore[arg-type]
    assert read["same"] is read["matrix"]


@pytest.mark.parametrize(
    ("tail", "message"),
    [(b"", "no whole binary file"), (struct.pack("<i", 6), "a function"), (struct.pack("<i", 77), "kind 77")],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, tail: bytes, message: str) -> None:
    (tmp_path / "file.t7").write_bytes(tail)
    with pytest.raises(OctavoError, match=message):
        read_torch7(tmp_path / "file.t7")


def test_only_tensors_are_made_of_objects(tmp_path: Path) -> None:
    writer = Writer()
    writer.put("ii", 4, 1)
    writer.text("V 1")
    writer.text("nn.Sequential")
    (tmp_path / "file.t7").write_bytes(writer.bytes)
    with pytest.raises(OctavoError, match=r"an object nn\.Sequential is not read"):
        read_torch7(tmp_path / "file.t7")


def snapshot(model: CRNN) -> dict[str, list[Tensor]]:
    """The tensors of a network as the authors' code saves them, all parameters cut from one long vector."""
    parameters: list[Tensor] = []
    running: list[Tensor] = []
    features = model.features
    for convolve, norm in zip(features.convolutions, features.norms, strict=True):
        parameters += [convolve.weight, convolve.bias]  # type: ignore[list-item]
        if isinstance(norm, torch.nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            parameters += [norm.weight, norm.bias]
            running += [norm.running_mean, norm.running_var]
    for layer in model.recurrent.layers:
        rnn: Any = layer.rnn
        for end in ("", "_reverse"):
            for kind in ("weight_ih", "bias_ih", "weight_hh", "bias_hh"):
                into, forget, cell, out = getattr(rnn, f"{kind}_l0{end}").chunk(4)
                parameters.append(torch.cat([into, forget, out, cell]))
        linear: Any = layer.linear
        forwards, backwards = linear.weight.chunk(2, dim=1)
        parameters += [forwards, linear.bias - 1, backwards, torch.ones_like(linear.bias)]
    long = torch.cat([each.detach().flatten() for each in parameters])
    pieces = long.split([each.numel() for each in parameters])
    cut = [piece.view(each.shape) for piece, each in zip(pieces, parameters, strict=True)]
    return {"parameters": cut, "bnVars": running}


def test_a_snapshot_of_the_authors_code_reads_as_it_did(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = CRNN("0-9a-z").eval()
    for norm in model.features.norms:
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(norm.running_var, 0.5, 1.5)
    given = snapshot(model)
    again = CRNN.from_torch7(written(tmp_path, given))
    images = torch.randn(1, 1, 32, 64)
    with torch.no_grad():
        torch.testing.assert_close(again(images).log_probs, model(images).log_probs, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="has 49 tensors, the network has 50"):
        CRNN.from_torch7({"parameters": given["parameters"], "bnVars": given["bnVars"][:-1]})
    with pytest.raises(ValueError, match="parameters` and `bnVars"):
        CRNN.from_torch7({"weights": []})
