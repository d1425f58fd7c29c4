"""What the training loop costs a step, beside the shortest loop that a person would write.

    python benchmarks/lab/loop.py

The model is small on purpose (16-64-4, a batch of 32, AdamW): the loop's own time weighs most there. Both
loops shuffle, keep every loss, and train in turn in one process with one thread.
"""

import time
from collections.abc import Callable

import torch
from torch import nn

from octavo.lab.batches import TensorData
from octavo.lab.fit import fit

STEPS = 256
BATCH = 32
ROUNDS = 60


def make_model() -> nn.Module:
    """A small classifier, the same every time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))


def make_data() -> TensorData:
    """Random inputs and labels."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(BATCH * 64, 16, generator=generator)
    return TensorData(x=inputs, y=torch.randint(4, (len(inputs),), generator=generator))


def bare(model: nn.Module, data: TensorData) -> list[float]:
    """The loop without octavo."""
    inputs, labels = data.tensors["x"], data.tensors["y"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(0)
    losses: list[float] = []
    while len(losses) < STEPS:
        for indices in torch.randperm(len(inputs), generator=generator).split(BATCH):
            loss = nn.functional.cross_entropy(model(inputs[indices]), labels[indices])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
    return losses


def with_octavo(model: nn.Module, data: TensorData) -> list[float]:
    """The same training by `fit`."""

    def loss(model: nn.Module, batch: dict[str, torch.Tensor], context: object) -> torch.Tensor:
        return nn.functional.cross_entropy(model(batch["x"]), batch["y"])

    return fit("small", model, loss, data, steps=STEPS, batch_size=BATCH, report=lambda event: None).history[
        "loss"
    ]


def microseconds(train: Callable[[nn.Module, TensorData], list[float]], data: TensorData) -> float:
    """The processor's time of a step."""
    model = make_model()
    begun = time.process_time()
    losses = train(model, data)
    return (time.process_time() - begun) / len(losses) * 1e6


def measure(rounds: int = ROUNDS) -> tuple[float, float]:
    """Microseconds a step of the bare loop and of octavo's, each in the fastest of many short rounds.

    Whatever else runs on the machine only ever adds time, so the fastest round is the one that was least
    disturbed.
    """
    torch.set_num_threads(1)
    data = make_data()
    pairs = [(microseconds(bare, data), microseconds(with_octavo, data)) for _ in range(rounds)]
    return min(theirs for theirs, _ in pairs), min(ours for _, ours in pairs)


if __name__ == "__main__":
    theirs, ours = measure()
    print(
        f"bare loop {theirs:.0f} µs a step, octavo {ours:.0f} µs, {ours / theirs - 1:+.1%} "
        f"(fastest of {ROUNDS} rounds of {STEPS} steps)"
    )
