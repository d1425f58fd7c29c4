"""The engine of many processes, on Hugging Face Accelerate: for `accelerate launch` and `torchrun`."""

import atexit
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer

from octavo.errors import Missing, OctavoError
from octavo.lab.engine import Precision, dtype_of, parameters_of

if TYPE_CHECKING:
    pass

_PRECISIONS = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


class AccelerateEngine:
    """One of several processes that train together, each on its part of every batch.

    Accelerate keeps its settings in the process; `close` resets them, so that the next training starts
    clean. Batches,
    schedules and checkpoints stay with the loop: Accelerate would count batch sizes and schedule steps a
        process.

    Args:
        device: `cpu`, or anything else for the accelerator that belongs to this process.
        precision: of the forward pass.

    Raises:
        Missing: `accelerate` is not installed.
        OctavoError: the launcher asks for sharded weights (FSDP, DeepSpeed), which checkpoints do not hold.
    """

    def __init__(self, device: str | torch.device = "cpu", precision: Precision = "float32") -> None:
        try:
            from accelerate import Accelerator, DistributedType
        except ImportError as error:
            raise Missing("accelerate", "Install it with: pip install 'octavo[dist]'") from error
        dtype_of(precision)
        on_cpu = torch.device(device).type == "cpu"
        self._accelerator: Accelerator = Accelerator(cpu=on_cpu, mixed_precision=_PRECISIONS[precision])
        kind = self._accelerator.distributed_type
        if kind in (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM):
            self.close()
            raise OctavoError(
                f"training with sharded weights ({kind.value}) is not supported; launch with --multi_gpu"
            )
        self.rank = self._accelerator.process_index
        self.world = self._accelerator.num_processes
        self.device = self._accelerator.device
        if self.world > 1:
            _destroy_at_exit()

    def prepare(self, objective: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """The objective with averaged gradients, and its optimizer."""
        prepared, prepared_optimizer = self._accelerator.prepare(objective, optimizer)
        return prepared, prepared_optimizer

    def accumulating(self, objective: nn.Module) -> AbstractContextManager[Any]:
        """Inside, gradients stay with the process."""
        context: AbstractContextManager[Any] = self._accelerator.no_sync(objective)
        return context

    def autocast(self) -> AbstractContextManager[Any]:
        """Accelerate's autocast."""
        context: AbstractContextManager[Any] = self._accelerator.autocast()
        return context

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss."""
        self._accelerator.backward(loss)

    def clip(self, optimizer: Optimizer, norm: float) -> Tensor:
        """Shorten the gradient to a norm, and return the norm that it had."""
        return torch.as_tensor(self._accelerator.clip_grad_norm_(parameters_of(optimizer), norm))

    def update(self, optimizer: Optimizer) -> None:
        """Move the parameters and forget the gradients."""
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def average_gradients(self, optimizer: Optimizer) -> None:
        """Average over processes, in one message, gradients that `prepare` has not seen."""
        parameters = [parameter for parameter in parameters_of(optimizer) if parameter.requires_grad]
        if self.world == 1 or not parameters:
            return
        # A parameter that only some processes used has no gradient in the others.
        gradients = [
            torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            for parameter in parameters
        ]
        for dtype in {gradient.dtype for gradient in gradients}:
            members = [place for place, gradient in enumerate(gradients) if gradient.dtype == dtype]
            flat = torch.cat([gradients[place].reshape(-1) for place in members])
            dist.all_reduce(flat)
            flat /= self.world
            for place, part in zip(
                members, flat.split([gradients[place].numel() for place in members]), strict=True
            ):
                parameters[place].grad = part.view_as(gradients[place])

    def mean(self, values: Tensor) -> Tensor:
        """The mean over processes."""
        if self.world == 1:
            return values
        total = values.clone()
        dist.all_reduce(total)
        return total / self.world

    def share(self, value: Any) -> Any:
        """The value that the first process has."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def synchronise(self, module: nn.Module) -> None:
        """Give every process the first one's weights and buffers."""
        if self.world > 1:
            with torch.no_grad():
                for tensor in (*module.parameters(), *module.buffers()):
                    dist.broadcast(tensor.data, src=0)

    def state_dict(self) -> dict[str, Any]:
        """The state of the loss scaler, if there is one."""
        scaler = self._accelerator.scaler
        return {} if scaler is None else {"scaler": scaler.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        if self._accelerator.scaler is not None and "scaler" in state:
            self._accelerator.scaler.load_state_dict(state["scaler"])

    def close(self) -> None:
        """Reset what Accelerate keeps in the process; the group of processes stays for the next training."""
        from accelerate.state import (
            AcceleratorState,
            GradientState,
        )

        self._accelerator.free_memory()
        alone = self._accelerator.num_processes == 1
        AcceleratorState._reset_state(reset_partial_state=alone)
        GradientState._reset_state()


_registered = False


def _destroy_at_exit() -> None:
    global _registered
    if not _registered:
        _registered = True
        atexit.register(lambda: dist.destroy_process_group() if dist.is_initialized() else None)
