"""Nesting lists, and cutting."""

import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.embedding import MatryoshkaLinear, nested_dims, truncate
from octavo.embedding.matryoshka.dims import checked_dims, sorted_pairs


def test_the_lists_of_the_paper() -> None:
    assert nested_dims(2048) == (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
    assert nested_dims(768, smallest=12) == (12, 24, 48, 96, 192, 384, 768)


@given(st.integers(1, 5000), st.integers(1, 64))
@settings(max_examples=50, deadline=None)
def test_a_nesting_list_is_a_halving_chain_that_ends_with_the_whole(d: int, smallest: int) -> None:
    if smallest > d:
        with pytest.raises(ValueError, match="smallest"):
            nested_dims(d, smallest)
        return
    dims = nested_dims(d, smallest)
    assert dims[-1] == d
    assert dims[0] >= smallest
    assert all(high // 2 == low for low, high in pairwise(dims))


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        ([], "empty"),
        ([0, 4], "positive"),
        ([4, 4], "twice"),
        ([4, 99], "beyond"),
        ([4.0, 8.0], "whole"),
        ([float("nan")], "whole"),
        ("48", "whole"),
        (8, "list of sizes"),
    ],
)
def test_refuses_what_is_no_nesting_list(unchecked: None, dims: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_dims(dims, 16)


def test_warns_that_a_whole_left_out_decays() -> None:
    with pytest.warns(UserWarning, match="decays"):
        checked_dims([4, 8], 16)


@pytest.mark.parametrize("dims", [[4, 16], [2, 5, 7]])
def test_warns_of_what_is_no_chain_of_halves(dims: list[int]) -> None:
    with pytest.warns(UserWarning, match="no chain of halves"):
        sorted_pairs(dims, None)
    with pytest.warns(UserWarning, match="no chain of halves"):
        MatryoshkaLinear(dims, 3)


def test_halves_in_any_order_are_no_matter_for_a_warning(unchecked: None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sorted_pairs([16, 4, 8], None)[0] == (4, 8, 16)
        assert sorted_pairs(np.array([3, 7, 14]), None)[0] == (3, 7, 14)


def test_weights_stay_with_their_sizes() -> None:
    assert sorted_pairs([16, 4, 8], [3.0, 1.0, 2.0]) == ((4, 8, 16), (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="2 weights came for 3 sizes"):
        sorted_pairs([4, 8, 16], [1.0, 1.0])
    with pytest.raises(ValueError, match="negative"):
        sorted_pairs([4, 8], [1.0, -1.0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_cut_vector_has_length_one_and_zeros_stay_zero(dtype: torch.dtype) -> None:
    x = torch.cat([torch.randn(3, 8), torch.zeros(1, 8)]).to(dtype)
    cut = truncate(x, 5)
    assert cut.dtype == dtype
    assert torch.allclose(cut[:3].float().norm(dim=1), torch.ones(3), atol=1e-2)
    assert torch.equal(cut[3], torch.zeros(5, dtype=dtype))
    assert torch.equal(truncate(x, 5, normalize=False), x[:, :5])


def test_arrays_and_tensors_are_cut_alike() -> None:
    x = torch.randn(4, 9, dtype=torch.float64)
    np.testing.assert_allclose(truncate(x.numpy(), 3), truncate(x, 3).numpy(), atol=1e-15)
    half = truncate(x.numpy().astype(np.float16), 3)
    assert half.dtype == np.float16
    assert np.isfinite(truncate(np.zeros((1, 4), np.float16), 2)).all()
    assert truncate(torch.zeros(0, 9), 3).shape == (0, 3)


def test_whole_numbers_have_no_length_of_one() -> None:
    for x in (np.array([3, 4, 12]), torch.tensor([3, 4, 12])):
        with pytest.raises(ValueError, match="floating point"):
            truncate(x, 2)
        assert truncate(x, 2, normalize=False).tolist() == [3, 4]


@pytest.mark.parametrize("dim", [0, -1, 10, 2.0, True])
def test_refuses_to_cut_beyond_the_width(unchecked: None, dim: Any) -> None:
    with pytest.raises(ValueError, match="cannot be cut"):
        truncate(torch.zeros(2, 9), dim)
