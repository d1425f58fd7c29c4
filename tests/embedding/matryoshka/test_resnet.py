"""The paper's own network, at its full size and small."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from octavo.embedding import MatryoshkaLinear, MatryoshkaResNet
from octavo.embedding.matryoshka.resnet import BlurPool


def number(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_default_is_resnet50_with_the_sizes_of_the_paper() -> None:
    with torch.device("meta"):
        model = MatryoshkaResNet()
    # Of the published ResNet50, 23,508,032 parameters lie before its head.
    assert number(model.stem) + number(model.blocks) == 23_508_032
    assert model.head.dims == (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
    assert number(model.head) == sum(1000 * (m + 1) for m in model.head.dims)


def test_resnet18_and_the_efficient_head() -> None:
    with torch.device("meta"):
        model = MatryoshkaResNet(depths=(2, 2, 2, 2), block="basic", efficient=True)
    assert number(model.stem) + number(model.blocks) == 11_176_512
    assert number(model.head) == number(nn.Linear(512, 1000))


def test_one_size_is_the_fixed_feature_baseline() -> None:
    torch.manual_seed(0)
    model = MatryoshkaResNet(5, depths=[1, 1], width=8, block="basic", dims=[4], stem="small").eval()
    images = torch.randn(2, 3, 8, 8)
    (scores,) = model(images)
    expected = F.linear(model.embed(images)[:, :4], model.head.weight, model.head.bias)
    torch.testing.assert_close(scores, expected)


@pytest.mark.parametrize("blur", [False, True])
@pytest.mark.parametrize(("stem", "factor"), [("small", 2), ("large", 8)])
def test_sizes_of_images(blur: bool, stem: str, factor: int) -> None:
    model = MatryoshkaResNet(5, depths=[1, 1], width=4, block="basic", dims=[8], stem=stem, blur=blur)
    features = model.blocks(model.stem(torch.randn(1, 3, 32, 32)))
    assert features.shape == (1, 8, 32 // factor, 32 // factor)


def test_the_blur_is_the_one_of_its_paper() -> None:
    x = torch.randn(1, 2, 6, 6, dtype=torch.float64)
    line = torch.tensor([0.25, 0.5, 0.25], dtype=torch.float64)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    expected = torch.zeros(1, 2, 3, 3, dtype=torch.float64)
    for i in range(3):
        for j in range(3):
            window = padded[..., 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            expected[..., i, j] = (window * line[:, None] * line).sum((-1, -2))
    torch.testing.assert_close(BlurPool(2).double()(x), expected)
    # A constant picture stays what it is.
    torch.testing.assert_close(BlurPool(2)(torch.ones(1, 2, 5, 5)), torch.ones(1, 2, 3, 3))


def test_heads_of_the_official_code_load_into_ours() -> None:
    """Their parameters are one linear layer a size, in this order."""
    official = [nn.Linear(m, 3) for m in (2, 4)]
    head = MatryoshkaLinear([2, 4], 3)
    for mine, theirs in zip(head.heads, official, strict=True):
        mine.load_state_dict(theirs.state_dict())
    z = torch.randn(5, 4)
    for got, layer, m in zip(head(z), official, (2, 4), strict=True):
        torch.testing.assert_close(got, layer(z[:, :m]))
