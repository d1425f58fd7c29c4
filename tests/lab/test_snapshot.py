import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import nn

from octavo.errors import OctavoError
from octavo.lab.snapshot import flatten, restore


def through_bytes(value: Any) -> Any:
    text, tensors = flatten(value)
    return restore(text, load(save(tensors)))


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.lists(parts, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), parts, max_size=3)
    ),
    max_leaves=12,
)


@given(plain)
def test_plain_values_come_back(value: Any) -> None:
    assert repr(through_bytes(value)) == repr(value)


def test_names_that_look_like_marks_come_back() -> None:
    value = {"$tensor": "x", "a.b": torch.ones(1), "a": {"b": torch.zeros(1)}}
    back = through_bytes(value)
    assert back["$tensor"] == "x"
    assert back["a.b"].item() == 1
    assert back["a"]["b"].item() == 0


def test_not_a_number_comes_back() -> None:
    back = through_bytes([math.nan, -math.inf])
    assert math.isnan(back[0])
    assert back[1] == -math.inf


@pytest.mark.parametrize(
    "dtype",
    [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.bool, torch.complex128],
)
def test_tensors_come_back_bit_for_bit(dtype: torch.dtype) -> None:
    tensor = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    back = through_bytes({"whole": tensor, "turned": tensor.mT, "part": tensor[1:3, ::2], "none": tensor[:0]})
    assert back["whole"].dtype == dtype
    assert torch.equal(back["whole"], tensor)
    assert torch.equal(back["turned"], tensor.mT)
    assert torch.equal(back["part"], tensor[1:3, ::2])
    assert back["none"].shape == (0, 3)


def test_tied_weights_are_kept_once() -> None:
    model = nn.ModuleDict({"embedding": nn.Embedding(4, 3), "head": nn.Linear(3, 4, bias=False)})
    model["head"].weight = model["embedding"].weight
    _, tensors = flatten(model.state_dict())
    assert len(tensors) == 1
    back = through_bytes(model.state_dict())
    assert torch.equal(back["head.weight"], back["embedding.weight"])


def test_complex_tensors_that_are_one_come_back_twice() -> None:
    tensor = torch.randn(2, dtype=torch.complex64)
    back = through_bytes([tensor, tensor])
    assert torch.equal(back[1], tensor)


def test_what_cannot_be_kept_is_named() -> None:
    with pytest.raises(OctavoError, match=r"cannot keep state\.random, a Generator; give it state_dict"):
        flatten({"state": {"random": torch.Generator()}})
