"""The neural operator: layers sigma(W u + B u) whose linear operators W are V-cycles."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn

from octavo.science.mgno.boundary import Boundary
from octavo.science.mgno.checks import check_choice, check_sizes
from octavo.science.mgno.multigrid import MultigridConv

Activation = Literal["gelu", "relu", "tanh", "silu"]
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "relu": F.relu,
    "tanh": torch.tanh,
    "silu": F.silu,
}
_POINTWISE = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


class MgNO(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    r"""Learns the map from one field to another, such as from the coefficients of an equation to its
    solution.

    A neuron is a function. A layer is ``h_l = sigma(W_l h_{l-1} + B_l)``, where each W_l is a
    `MultigridConv` that connects all channels; the first maps the input's channels to `width`, and the last
    map is linear. There is no lifting and no projecting network.

    Args:
        in_channels: of the input field.
        out_channels: of the output field.
        width: channels of the hidden fields.
        depth: hidden layers.
        levels: grids of each V-cycle; as many as the grid allows is a good choice, see `MultigridConv`.
        boundary: ``dirichlet``, ``neumann``, ``neumann_cells`` or ``periodic``: that of the equation.
        bias: B_l. ``local`` is a 1x1 convolution of the layer's input with a constant, as in the authors'
            Darcy model; ``function`` an affine function of the coordinates; None leaves it out.
        activation: sigma.
        readout: the last map: ``linear``, a 1x1 convolution without bias, or ``multigrid``, one more V-cycle.
        skip: add the input to the output, for steps in time.
        dim: axes of space.
        multigrid: further options of every `MultigridConv`, such as ``{"restrict": "residual"}``.

    Shape:
        ``(batch, in_channels, *grid)`` -> ``(batch, out_channels, *grid)``, on any grid that is fine enough.

    Raises:
        ValueError: an option is not known, or sizes do not fit.

    Example:
        >>> model = MgNO(1, 1, width=8, depth=2, levels=3)
        >>> model(torch.rand(4, 1, 32, 32)).shape, model(torch.rand(1, 1, 48, 65)).shape
        (torch.Size([4, 1, 32, 32]), torch.Size([1, 1, 48, 65]))

    Differs from the paper: see the README's list.
    Paper: arXiv 2310.19809, sections 2 and 3. Measured claims: ``octavo run mgno``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: int = 24,
        depth: int = 4,
        levels: int = 5,
        boundary: Boundary = "dirichlet",
        bias: Literal["local", "function"] | None = "local",
        activation: Activation = "gelu",
        readout: Literal["linear", "multigrid"] = "linear",
        skip: bool = False,
        dim: int = 2,
        multigrid: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_sizes(in_channels=in_channels, out_channels=out_channels, width=width, depth=depth)
        check_choice("bias", bias, ("local", "function", None))
        check_choice("activation", activation, tuple(_ACTIVATIONS))
        check_choice("readout", readout, ("linear", "multigrid"))
        if skip and in_channels != out_channels:
            raise ValueError(
                f"skip=True adds the input to the output, which needs as many channels: got "
                f"in_channels={in_channels} and out_channels={out_channels}"
            )
        options: dict[str, Any] = {"levels": levels, "boundary": boundary, "dim": dim, **(multigrid or {})}
        self.activation, self.skip, self.dim = activation, skip, dim
        widths = [in_channels, *[width] * depth]
        self.operators = nn.ModuleList(
            MultigridConv(before, after, **options) for before, after in pairwise(widths)
        )
        pointwise = _POINTWISE[dim - 1]
        self.bias = bias
        self.biases = nn.ModuleList()
        if bias is not None:
            self.biases.extend(
                pointwise(before if bias == "local" else dim, width, kernel_size=1) for before in widths[:-1]
            )
        if readout == "linear":
            self.readout: nn.Module = pointwise(width, out_channels, kernel_size=1, bias=False)
        else:
            self.readout = MultigridConv(width, out_channels, **options)

    def forward(
        self, x: Float[Tensor, "batch c_in *grid"], y: Tensor | None = None
    ) -> Float[Tensor, "batch c_out *grid"]:
        """The output field.

        Args:
            x: the input field.
            y: not looked at: the Trainer of the library neuraloperator hands the target over with the input.
        """
        h = x
        coordinates = _coordinates(x) if self.bias == "function" else None
        for index, W in enumerate(self.operators):
            new = W(h)
            if self.bias is not None:
                new = new + self.biases[index](h if coordinates is None else coordinates)
            h = _ACTIVATIONS[self.activation](new)
        u: Tensor = self.readout(h)
        return u + x if self.skip else u

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **options: Any) -> Self:
        """Loads what `save_pretrained` wrote, or a model of the hub.

        Args:
            pretrained_model_name_or_path: a folder or a name on the hub.
            options: of huggingface_hub; sizes of the model come from its config.json.

        Raises:
            ValueError: options ask for other sizes than the weights have.
        """
        try:
            return super().from_pretrained(pretrained_model_name_or_path, **options)
        except RuntimeError as error:
            if "size mismatch" not in str(error) and "key(s) in state_dict" not in str(error):
                raise
            raise ValueError(
                f"the weights in {pretrained_model_name_or_path} do not fit a model with {options}; "
                "leave these options out, config.json has the right ones"
            ) from error


def _coordinates(field: Float[Tensor, "batch channels *grid"]) -> Float[Tensor, "1 dim *grid"]:
    """Where each point lies, from 0 to 1 along each axis."""
    axes = [torch.linspace(0, 1, n, dtype=field.dtype, device=field.device) for n in field.shape[2:]]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))[None]
