"""The Neural GPU of the paper's last experiment: an algorithm learned by convolutions."""

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


class NeuralGPU(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    r"""Learns to compute on sequences, such as multiplying binary numbers, with gated convolutions.

    The input of length n lies in the first row of an image of w x n places with m numbers each. It is changed
    n times by layers of convolutional gated recurrent units,

        u = sigma(U' * s + B'),   r = sigma(U'' * s + B''),   s <- u s + (1 - u) tanh(U * (r s) + B),

    with 3 x 3 kernels and sigma(x) = clip(1.2 sigmoid(x) - 0.1, 0, 1). Outputs are read from the first row.

    Args:
        symbols: inputs and outputs, of which 0 is padding.
        maps: m, numbers at a place of the image.
        width: w, rows of the image.
        layers: gated units that are applied in each of the n steps.
        relaxations: sets of parameters that steps use in turn. More than one trains more easily; pull them
        together
            with `relaxation_pull` as a penalty until they are one.
        dropout: share of the candidate values dropped in training.

    Shape:
        symbols ``(batch, length)`` -> logits ``(batch, length, symbols)``.

    Raises:
        ValueError: a size is below 1, or the dropout is not in [0, 1).

    Example:
        >>> model = NeuralGPU(symbols=4, maps=8)
        >>> model(torch.randint(4, (2, 7))).shape
        torch.Size([2, 7, 4])

    Source: arXiv 1511.08228, sections 2 and 3; the experiment is arXiv 1511.06807, section 4.5.
    """

    def __init__(
        self,
        symbols: int = 4,
        *,
        maps: int = 24,
        width: int = 4,
        layers: int = 2,
        relaxations: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        sizes = {
            "symbols": symbols,
            "maps": maps,
            "width": width,
            "layers": layers,
            "relaxations": relaxations,
        }
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1; the original has maps=24 and width=4")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout={dropout} is not in [0, 1); the original tries 0.06 to 0.1")
        self.width, self.layers, self.relaxations, self.dropout = width, layers, relaxations, dropout
        self.embedding = nn.Parameter(0.5 * torch.randn(symbols, maps))
        self.output = nn.Parameter(torch.randn(symbols, maps) / maps**0.5)
        shape = (relaxations, layers)
        spread = (3 * 3 * maps) ** -0.5
        # Both gates in one convolution: they look at the same image.
        self.gates = nn.Parameter(spread * torch.randn(*shape, 2 * maps, maps, 3, 3))
        self.gate_biases = nn.Parameter(torch.ones(*shape, 2 * maps))
        self.candidates = nn.Parameter(spread * torch.randn(*shape, maps, maps, 3, 3))
        self.candidate_biases = nn.Parameter(torch.zeros(*shape, maps))

    def forward(
        self, symbols: Int[Tensor, "batch length"], steps: int | None = None
    ) -> Float[Tensor, "batch length symbols"]:
        """Logits of each output symbol, after as many steps as the input is long, or `steps`."""
        first = self.embedding[symbols].mT[:, :, None]
        image = functional.pad(first, (0, 0, 0, self.width - 1))  # (batch maps width length)
        for step in range(symbols.shape[1] if steps is None else steps):
            for layer in range(self.layers):
                image = self._gated(image, step % self.relaxations, layer)
        return image[:, :, 0].mT @ self.output.mT

    def relaxation_pull(self) -> Float[Tensor, ""]:
        """The mean squared distance of the sets of parameters from their mean; 0 with a single one."""
        distances = [
            (each - each.mean(0, keepdim=True)).square().mean()
            for each in (self.gates, self.gate_biases, self.candidates, self.candidate_biases)
        ]
        return torch.stack(distances).mean()

    def _gated(
        self, image: Float[Tensor, "batch maps width length"], which: int, layer: int
    ) -> Float[Tensor, "batch maps width length"]:
        gates = functional.conv2d(image, self.gates[which, layer], self.gate_biases[which, layer], padding=1)
        update, reset = hard_sigmoid(gates).chunk(2, dim=1)
        candidate = functional.conv2d(
            reset * image, self.candidates[which, layer], self.candidate_biases[which, layer], padding=1
        ).tanh()
        candidate = functional.dropout(candidate, self.dropout, self.training)
        return update * image + (1 - update) * candidate


def hard_sigmoid(x: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """clip(1.2 sigmoid(x) - 0.1, 0, 1): a gate that can be fully open and fully shut.

    Args:
        x: any numbers.

    Example:
        >>> hard_sigmoid(torch.tensor([-5.0, 0.0, 5.0]))
        tensor([0.0000, 0.5000, 1.0000])
    """
    return (1.2 * x.sigmoid() - 0.1).clamp(0, 1)
