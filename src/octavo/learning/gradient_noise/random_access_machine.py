"""The neural random-access machine of the paper's fourth experiment: programs over registers and a memory."""

from typing import NamedTuple

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

ARGUMENTS = {
    "read": 1,
    "zero": 0,
    "one": 0,
    "two": 0,
    "increment": 1,
    "add": 2,
    "subtract": 2,
    "decrement": 1,
    "less": 2,
    "less_or_equal": 2,
    "equal": 2,
    "min": 2,
    "max": 2,
    "write": 2,
}
"""The modules in the order in which each may use the outputs of those before it, with their arguments."""


class Execution(NamedTuple):
    """What a machine did.

    Args:
        memories: after each step, a distribution over integers in each cell.
        stops: the probability that it stopped after each step; they sum to one.
    """

    memories: Float[Tensor, "batch steps cells integers"]
    stops: Float[Tensor, "batch steps"]


class NeuralRAM(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    r"""A machine with registers and a memory of pointers, whose circuit a network lays anew at each step.

    All values are distributions over the integers 0 ... M - 1. At each step the controller sees how likely
    each register is 0, and chooses softly where each argument of each module comes from: a register, or the
    output of a module before it; then where each register's new value comes from. Modules read and write the
    memory and do arithmetic modulo M. After each step the machine stops with a probability of the
    controller's.

    Args:
        integers: M, also the cells of the memory.
        registers: R; they begin as 0.
        steps: at most.
        width: of the controller's hidden layer.

    Shape:
        memory ``(batch, cells, integers)`` of distributions -> `Execution`.

    Raises:
        ValueError: a size is below 1, there are fewer than three integers, or the memory has another size.

    Example:
        >>> machine = NeuralRAM(integers=6, registers=2, steps=3)
        >>> memory = functional.one_hot(torch.randint(6, (4, 6)), 6).float()
        >>> machine(memory).memories.shape
        torch.Size([4, 3, 6, 6])

    Differs from the original: the controller is a feedforward network, one of the original's two.
    Source: arXiv 1511.06392, section 3; the experiment is arXiv 1511.06807, section 4.4.
    """

    results: Float[Tensor, "pairs operations integers"]

    def __init__(self, integers: int = 8, registers: int = 4, *, steps: int = 4, width: int = 64) -> None:
        super().__init__()
        for name, value in (("registers", registers), ("steps", steps), ("width", width)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        if integers < 3:
            raise ValueError(f"integers={integers} must be at least 3: the constants are 0, 1 and 2")
        self.integers, self.registers, self.steps = integers, registers, steps
        # Each argument chooses from the registers and the modules before; each register from all of them.
        self.choices = [
            registers + index for index, count in enumerate(ARGUMENTS.values()) for _ in range(count)
        ] + [registers + len(ARGUMENTS)] * registers
        self.hidden = nn.Linear(registers, width)
        self.circuit = nn.Linear(width, sum(self.choices) + 1)
        self.register_buffer("results", _tables(integers), persistent=False)

    def forward(self, memory: Float[Tensor, "batch cells integers"]) -> Execution:
        """Run the program that the controller lays."""
        if memory.shape[1:] != (self.integers, self.integers):
            raise ValueError(
                f"the memory is {tuple(memory.shape[1:])} and the machine was made for "
                f"{self.integers} cells of {self.integers} integers"
            )
        zero = functional.one_hot(torch.zeros_like(memory[:, 0, 0], dtype=torch.long), self.integers)
        registers = [zero.to(memory.dtype)] * self.registers
        going = torch.ones_like(memory[:, 0, 0])
        memories, stops = [], []
        for step in range(self.steps):
            seen = torch.stack([register[:, 0] for register in registers], -1)
            *wires, stop = self.circuit(self.hidden(seen).relu()).split([*self.choices, 1], -1)
            memory, registers = self._step(memory, registers, [wire.softmax(-1) for wire in wires])
            chance = going if step == self.steps - 1 else going * stop[:, 0].sigmoid()
            going = going - chance
            memories.append(memory)
            stops.append(chance)
        return Execution(torch.stack(memories, 1), torch.stack(stops, 1))

    def _step(
        self, memory: Tensor, registers: list[Tensor], wires: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Let every module work once: the memory and the registers after it."""
        zero = torch.zeros_like(registers[0])
        constants = {name: zero + self._one(value, zero) for value, name in enumerate(("zero", "one", "two"))}
        values, coming = list(registers), iter(wires)
        for name, count in ARGUMENTS.items():
            arguments = [_chosen(next(coming), values) for _ in range(count)]
            if name == "read":
                values.append((arguments[0][..., None] * memory).sum(1))
            elif name == "write":
                # The last of the modules: nothing of this step reads what it writes.
                place, value = arguments
                memory = (1 - place[..., None]) * memory + place[..., None] * value[:, None]
                values.append(constants["zero"])
            elif count == 0:
                values.append(constants[name])
            elif count == 1:
                values.append(arguments[0].roll(1 if name == "increment" else -1, -1))
            else:
                pairs = (arguments[0][..., None] * arguments[1][:, None]).flatten(1)
                values.append(pairs @ self.results[:, BINARY.index(name)].to(pairs.dtype))
        return memory, [_chosen(wire, values) for wire in coming]

    def _one(self, value: int, like: Tensor) -> Tensor:
        return functional.one_hot(torch.full_like(like[:, 0], value, dtype=torch.long), self.integers).to(
            like.dtype
        )


BINARY = [name for name, count in ARGUMENTS.items() if count == 2 and name != "write"]


def machine_loss(
    execution: Execution, wanted: Int[Tensor, "batch cells"], scored: Float[Tensor, " cells"]
) -> Float[Tensor, " batch"]:
    """The negative log-likelihood of the wanted memory, weighted by when the machine stops.

    Args:
        execution: of the machine.
        wanted: an integer a cell.
        scored: 1 for the cells that count.
    """
    target = functional.one_hot(wanted, execution.memories.shape[-1]).to(execution.memories.dtype)
    likelihoods = (execution.memories * target[:, None]).sum(-1).clamp_min(1e-6).log()
    return -(execution.stops * (likelihoods * scored).sum(-1)).sum(-1)


def _chosen(wire: Float[Tensor, "batch sources"], values: list[Tensor]) -> Float[Tensor, "batch integers"]:
    return (wire[..., None] * torch.stack(values, 1)).sum(1)


def _tables(integers: int) -> Float[Tensor, "pairs operations integers"]:
    """What each module of two arguments gives for each pair of integers, as a vector with a single 1."""
    i, j = torch.meshgrid(torch.arange(integers), torch.arange(integers), indexing="ij")
    results = {
        "add": (i + j) % integers,
        "subtract": (i - j) % integers,
        "less": i < j,
        "less_or_equal": i <= j,
        "equal": i == j,
        "min": torch.minimum(i, j),
        "max": torch.maximum(i, j),
    }
    stacked = torch.stack([results[name].long() for name in BINARY], -1)
    return functional.one_hot(stacked.flatten(0, 1), integers).float()
