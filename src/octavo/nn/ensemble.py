"""Many copies of a model trained as one: each matrix product becomes a batched one."""

import copy
from collections.abc import Iterable, Sequence
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap


class Ensemble(nn.Module):
    """Copies of one model, stacked, so that many restarts cost little more than one.

    Every parameter has the copies as its first axis. The copies do not know of each other: with a sum of
    their losses and an optimizer that works number by number (SGD, Adam), each trains as it would alone. Clip
    with `clip_each_copy_`, since a norm over all would tie them together.

    Args:
        models: of one architecture, each with its own parameters.

    Shape:
        Each input ``(copies, ...)`` or, with `shared`, ``(...)`` -> each output ``(copies, ...)``.

    Example:
        >>> ensemble = Ensemble([nn.Linear(3, 2) for _ in range(4)])
        >>> ensemble(torch.randn(5, 3), shared=True).shape
        torch.Size([4, 5, 2])
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__()
        if not models:
            raise ValueError("an ensemble needs at least one model, got none")
        parameters, buffers = stack_module_state(list(models))
        # A name with a dot cannot name a parameter.
        self._names = {name.replace(".", "/"): name for name in parameters}
        self.stacked = nn.ParameterDict(
            {short: nn.Parameter(parameters[name].detach()) for short, name in self._names.items()}
        )
        # A part of this module, so that `to` moves them; no part of its state, since they are no parameters.
        self._buffer_names = {f"of_copies/{name.replace('.', '/')}": name for name in buffers}
        for short, name in self._buffer_names.items():
            self.register_buffer(short, buffers[name], persistent=False)
        # Outside the module's own list, so that its parameters are not counted.
        self._skeleton = [copy.deepcopy(models[0]).to("meta")]
        self.copies = len(models)

    def forward(self, *inputs: Any, shared: bool = False, **options: Any) -> Any:
        """All copies at once; inputs are shared by all of them or given to each.

        Args:
            inputs: tensors.
            shared: whether every copy sees the same inputs.
            options: passed on as they are.
        """
        parameters = {name: self.stacked[short] for short, name in self._names.items()}

        def one(state: Any, *inputs: Any) -> Any:
            return functional_call(self._skeleton[0], state, inputs, options)

        state = (parameters, {name: getattr(self, short) for short, name in self._buffer_names.items()})
        return vmap(one, in_dims=(0, *[None if shared else 0] * len(inputs)), randomness="different")(
            state, *inputs
        )

    def train(self, mode: bool = True) -> Self:
        """Training mode, where dropout drops, or evaluation mode; of all members."""
        self._skeleton[0].train(mode)
        return super().train(mode)

    def model(self, index: int, like: nn.Module) -> nn.Module:
        """Copy the parameters of one member into a model of the same architecture, and return it."""
        like.load_state_dict(
            {name: self.stacked[short][index].detach() for short, name in self._names.items()}, strict=False
        )
        return like


@torch.no_grad()
def clip_each_copy_(parameters: Iterable[Tensor], max_norm: float) -> Float[Tensor, " copies"]:
    """Clip the gradient of each member of an ensemble to a norm of its own.

    Args:
        parameters: each with the copies as its first axis.
        max_norm: the longest gradient of a member.

    Returns:
        The norms before.

    Example:
        >>> weights = nn.Parameter(torch.zeros(2, 3))
        >>> weights.grad = torch.tensor([[3.0, 0, 4], [0, 0, 0.5]])
        >>> clip_each_copy_([weights], 1.0), weights.grad[0].norm().item()
        (tensor([5.0000, 0.5000]), 1.0)
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if max_norm <= 0:
        raise ValueError(f"max_norm={max_norm} must be positive; the paper clips at 10 and 100")
    parts = torch.stack([torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients])
    norms = torch.linalg.vector_norm(parts, dim=0)
    factors = (max_norm / norms.clamp_min(1e-30)).clamp_max(1.0)
    for gradient in gradients:
        gradient.mul_(factors.view(-1, *[1] * (gradient.ndim - 1)))
    return norms
