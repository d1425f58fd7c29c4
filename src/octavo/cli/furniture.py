"""The files of a new paper as `octavo new` writes them: they import, and the tests say what is missing.

`$slug`, `$shelf`, `$arxiv`, `$year` and `$name` (the slug in camel case) are filled in.
"""

TO_BE_WRITTEN = "to be written"

CARD = """\
title = "arXiv $arxiv: title to be written"
arxiv = "$arxiv"
year = $year
authors = ["to be written"]
venue = "preprint"
summary = "Summary to be written: two sentences in your own words, what it is and why one might care."
tasks = ["$task"]
"""

CARD_ENTRY = """public = ["$name"]
"""

CARD_CLAIMS = """
# One block a checkable sentence of the abstract, written before the first run:
#
# [[claims]]
# id = "better"
# says = "The sentence in your own words."
# figure = "92.4 against 91.8"
# source = "Table 4"
# kind = "direction"
# condition = "accuracy($slug, waves) >= accuracy(baseline, waves)"
# seeds = 5
"""

PACKAGE = '''\
"""Title to be written (authors, year).

In five lines: what goes in, what comes out, what is new about it, and what it is good for.

Paper: arXiv $arxiv. Measured claims: ``octavo run $slug``.
"""

from octavo.$shelf.$slug.system import $name

__all__ = ["$name"]
'''

SYSTEM = '''\
"""The system of the paper; it reads like its method section."""

from jaxtyping import Float
from torch import Tensor, nn


class $name(nn.Module):
    """One sentence that says what it does, to be written.

    Args:
        d_model: size of the hidden states.

    Shape:
        ``(batch, time, d_model)`` -> ``(batch, time, d_model)``.

    Raises:
        ValueError: if `d_model` is not positive.

    Example:
        >>> $name(d_model=4).d_model
        4

    Paper: arXiv $arxiv.
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        if d_model < 1:
            raise ValueError(f"d_model is at least 1, got {d_model}")
        self.d_model = d_model
        self.project = nn.Linear(d_model, d_model)

    def forward(self, x: Float[Tensor, "batch time d_model"]) -> Float[Tensor, "batch time d_model"]:
        """Maps a sequence to a sequence of the same size."""
        raise NotImplementedError("to be written: the formula that the reference of the tests has")
'''

EXPERIMENT = '''\
"""What the paper claims, measured: one function a part."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from octavo.$shelf.$slug.system import $name
from octavo.lab import Lab, part


@dataclass(frozen=True)
class Config:
    """Every field is a flag of `octavo run $slug`."""

    seeds: int = 5
    """How many seeds each part is run with."""
    width: int = 64
    """Size of the hidden states."""
    length: int = 100
    """Steps of a wave."""


SCALES = {
    "smoke": Config(seeds=2, width=8, length=10),
    "laptop": Config(),
    "gpu": Config(width=256),
    "paper": Config(width=512),
}


@part
def quality(config: Config, lab: Lab) -> None:
    """Error on waves, beside predicting the last value again; to be replaced by what the paper measures."""
    waves = torch.randn(16, config.length, config.width, generator=lab.generator("waves")).cumsum(1)
    system = $name(config.width)
    errors = {
        "$slug": functional.mse_loss(system(waves)[:, :-1], waves[:, 1:]),
        "copy_last": functional.mse_loss(waves[:, :-1], waves[:, 1:]),
    }
    for name, error in errors.items():
        lab.record(system=name, dataset="waves", metric="mse", value=error.item())
'''

DEMO = '''\
"""Something small to try: `octavo demo $slug`."""

from typing import Any

import torch

from octavo.$shelf.$slug.system import $name


def demo(length: int = 8, seed: int = 0) -> dict[str, Any]:
    """Runs the system on a short random sequence; to be replaced by something one wants to look at.

    Args:
        length: how many steps.
        seed: of the random sequence.

    Returns:
        Plain values to show; a matplotlib figure may stand under ``"figure"``.
    """
    x = torch.randn(1, length, 4, generator=torch.Generator().manual_seed(seed))
    return {"input": x[0, :, 0].tolist(), "output": $name(4)(x)[0, :, 0].tolist()}
'''

README = """\
# $name

What it is and when to use it: to be written. ([arXiv $arxiv](https://arxiv.org/abs/$arxiv))

```python
import torch
from octavo.$shelf import $name

model = $name(d_model=64)
```

## Where this departs from the paper

1. To be written: what, why, and where in the paper.

## What holds

<!-- verdicts:begin -->
<!-- verdicts:end -->

## References

- arXiv [$arxiv](https://arxiv.org/abs/$arxiv)
"""

REFERENCE = '''\
"""The formula of arXiv $arxiv, naive, in float64: the specification that the system must equal."""

from torch import Tensor


def reference(x: Tensor) -> Tensor:
    """The paper's formula, loops allowed."""
    raise NotImplementedError("to be written from the formulas of the paper, not from the system")
'''

TEST_SYSTEM = '''\
"""The system equals the formula, and refuses what it cannot serve."""

import pytest
import torch

from octavo.$shelf.$slug import $name

from .reference import reference


@pytest.mark.parametrize("length", [1, 3, 17, 63])
def test_equals_the_reference(length: int) -> None:
    x = torch.randn(2, length, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(length))
    torch.testing.assert_close($name(4).double()(x), reference(x), atol=1e-10, rtol=0)


def test_refuses_an_empty_width() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        $name(0)
'''

TEST_EXPERIMENT = '''\
"""The experiment measures what the card claims; the smoke run itself is a row of the furniture test."""

from octavo import catalogue


def test_every_claim_has_a_figure_and_its_place_in_the_paper() -> None:
    claims = catalogue.paper("$slug").claims
    assert claims, "paper.toml has no claims: write them before the first run"
    assert all(claim.figure and claim.source for claim in claims)
'''

EXAMPLES = '''\
"""The example modules that the furniture test puts through its rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from octavo.$shelf.$slug import $name


def sequence_to_sequence() -> tuple[nn.Module, dict[str, Any]]:
    """The system on two short sequences."""
    return $name(8), {"x": torch.randn(2, 5, 8)}


EXAMPLES: dict[str, Callable[[], tuple[nn.Module, dict[str, Any]]]] = {"$name": sequence_to_sequence}
'''

BENCHMARK = '''\
"""The system and its peer in one process, in turn: `python benchmarks/$shelf/$slug.py`."""

import torch
from torch import nn

from octavo.$shelf.$slug import $name
from octavo.lab import time_side_by_side


def main(length: int = 1024, width: int = 64) -> None:
    """Prints how long a forward pass takes beside its peer; the peer is to be written."""
    x = torch.randn(2, length, width)
    system, peer = $name(width), nn.Linear(width, width)
    timings = time_side_by_side({"$slug": lambda: system(x), "peer": lambda: peer(x)})
    ratio = timings.ratio("$slug", "peer")
    for name in timings.seconds:
        print(f"{name:<24} {1000 * timings.median(name):8.3f} ms")
    print(f"$slug takes {ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] times as long")


if __name__ == "__main__":
    main()
'''
