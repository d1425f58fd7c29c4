"""The example modules that the furniture test puts through its rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from octavo.embedding import MatryoshkaAdaptor, MatryoshkaLinear, MatryoshkaResNet

Example = tuple[nn.Module, dict[str, Any]]


def heads() -> Example:
    return MatryoshkaLinear([4, 8, 16], 5), {"z": torch.randn(3, 16)}


def efficient_head() -> Example:
    return MatryoshkaLinear([4, 8, 16], 5, efficient=True), {"z": torch.randn(3, 16)}


def linear_adaptor() -> Example:
    adaptor = MatryoshkaAdaptor(16, [4, 8, 16])
    nn.init.normal_(adaptor.residual.weight)
    return adaptor, {"x": torch.randn(3, 16)}


def deep_adaptor() -> Example:
    adaptor = MatryoshkaAdaptor(16, [4, 8, 16], hidden=8)
    nn.init.normal_(adaptor.residual[-1].weight)
    return adaptor, {"x": torch.randn(3, 16)}


def small_images() -> Example:
    model = MatryoshkaResNet(5, depths=[1, 1], width=8, block="basic", dims=[4, 8, 16], stem="small")
    return model, {"images": torch.randn(2, 3, 8, 8)}


def photographs() -> Example:
    model = MatryoshkaResNet(5, depths=[1, 1], width=4, efficient=True, dims=[8, 16, 32])
    return model, {"images": torch.randn(2, 3, 32, 32)}


EXAMPLES: dict[str, Callable[[], Example]] = {
    "MatryoshkaLinear": heads,
    "MatryoshkaLinear efficient": efficient_head,
    "MatryoshkaAdaptor": linear_adaptor,
    "MatryoshkaAdaptor hidden": deep_adaptor,
    "MatryoshkaResNet": small_images,
    "MatryoshkaResNet bottleneck": photographs,
}
