"""The network of the paper's first experiment: twenty hidden layers of fifty units."""

import math
from itertools import pairwise
from typing import Literal, get_args

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Init = Literal["zero", "simple", "he", "sussillo"]


class MLPDeep(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    r"""A narrow and very deep fully connected classifier, with the initialisations of the paper.

    ``zero`` sets all weights and biases to 0, so that no gradient reaches any layer but the last bias;
    ``simple`` draws them from N(0, 0.1^2); ``he`` draws weights from N(0, 2 / fan_in), and ``sussillo``
    scales them by the gain of a random walk, sqrt(2) exp(1.2 / (max(fan_in, 6) - 2.4)), both with biases of
    0.

    Args:
        features: inputs.
        classes: outputs.
        width: units of a hidden layer.
        depth: hidden layers.
        init: how parameters begin.
        dropout: share of the hidden units that are dropped in training; what the paper sets noise beside.

    Shape:
        images ``(batch, features)`` -> logits ``(batch, classes)``.

    Raises:
        ValueError: a size is below 1, the initialisation is unknown, or the dropout is not in [0, 1).

    Example:
        >>> MLPDeep(features=4, classes=3, width=5, depth=20)(torch.randn(2, 4)).shape
        torch.Size([2, 3])

    Paper: arXiv 1511.06807, section 4.1; the gain of ``sussillo`` is that of arXiv 1412.6558, section 3.
    """

    def __init__(
        self,
        features: int = 784,
        classes: int = 10,
        *,
        width: int = 50,
        depth: int = 20,
        init: Init = "he",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        for name, value in (("features", features), ("classes", classes), ("width", width), ("depth", depth)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1; the paper has 784, 10, 50 and 20")
        if init not in get_args(Init):
            raise ValueError(f"init={init!r} is not one of {', '.join(get_args(Init))}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout={dropout} is not in [0, 1); 0.5 is the usual share")
        sizes = [features] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.output = nn.Linear(width, classes)
        self.init, self.dropout = init, dropout
        self.reset_parameters()

    @property
    def layers(self) -> list[nn.Linear]:
        """The hidden layers, from the images on."""
        return [layer for layer in self.hidden if isinstance(layer, nn.Linear)]

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Begin again, as `init` says."""
        for layer in (*self.layers, self.output):
            nn.init.zeros_(layer.bias)
            match self.init:
                case "zero":
                    nn.init.zeros_(layer.weight)
                case "simple":
                    nn.init.normal_(layer.weight, std=0.1)
                    nn.init.normal_(layer.bias, std=0.1)
                case "he":
                    nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features))
                case "sussillo":
                    gain = math.sqrt(2) * math.exp(1.2 / (max(layer.in_features, 6) - 2.4))
                    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.in_features))

    def forward(self, images: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """Logits of each image."""
        hidden = images
        for layer in self.hidden:
            hidden = functional.dropout(layer(hidden).relu(), self.dropout, self.training)
        logits: Tensor = self.output(hidden)
        return logits
