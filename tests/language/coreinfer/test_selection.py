"""The largest of each row are those that sorting finds, however they are found."""

import pytest
import torch

from octavo.language.coreinfer import selection
from octavo.language.coreinfer.selection import largest


def by_sorting(numbers: torch.Tensor, count: int) -> torch.Tensor:
    order = numbers.float().abs().sort(dim=-1, descending=True, stable=True).indices[..., :count]
    return torch.zeros_like(numbers, dtype=torch.bool).scatter(-1, order, True)


def numbers(kind: str) -> torch.Tensor:
    drawn = torch.randn(2, 48, 1536, generator=torch.Generator().manual_seed(0))
    if kind == "equal":
        return (4 * drawn).round()
    if kind == "close":
        # All of them have one upper half, so that the lower one decides.
        return 1 + drawn.abs() / 2**20
    if kind == "sorted":
        # The sample says little, and rows are found outside of its window.
        return (8 * drawn).exp2().sort(dim=-1).values
    if kind == "sparse":
        return drawn.relu() * (drawn > 1)
    if kind == "wide":
        return drawn.repeat(1, 1, 3)
    if kind == "odd":
        return drawn[..., :1531]
    return drawn * torch.logspace(-30, 30, 48)[:, None]


@pytest.mark.parametrize("kind", ["equal", "close", "sorted", "sparse", "wide", "odd", "scaled"])
@pytest.mark.parametrize("share", [0.001, 0.4, 0.99])
def test_the_largest_are_those_that_sorting_finds(kind, share) -> None:
    drawn = numbers(kind)
    count = max(1, round(share * drawn.shape[-1]))
    found = largest(drawn, count)
    assert torch.equal(found, by_sorting(drawn, count))
    assert torch.equal(largest(drawn, count, zeros=False), found & (drawn != 0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype) -> None:
    drawn = numbers("scaled")[:, :24].to(dtype)
    assert torch.equal(largest(drawn, 615), by_sorting(drawn, 615))


def test_elsewhere_than_on_a_cpu_the_same_is_found(monkeypatch) -> None:
    drawn = numbers("equal")[:, :8]
    expected = largest(drawn, 615, zeros=False)
    monkeypatch.setattr(selection.sys, "byteorder", "big")
    assert torch.equal(largest(drawn, 615, zeros=False), expected)
