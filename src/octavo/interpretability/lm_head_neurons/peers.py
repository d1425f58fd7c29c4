"""What the map is timed beside, and maps of random weights in the shapes of larger models."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from octavo.interpretability.lm_head_neurons.reader import HeadReader
from octavo.interpretability.lm_head_neurons.scan import scan


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Inside the block torch uses so many threads, as far as there are cores.

    Args:
        count: at least one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def bare_product(reader: HeadReader, rows: Float[Tensor, "neurons dim"], block: int = 16_384) -> Tensor:
    """The products alone, with nothing done to them: what no map can be faster than."""
    directions = reader.directions(rows)
    last = directions
    for start in range(0, len(reader.ids), block):
        last = directions @ reader.weight[start : start + block].mT
    return last


@torch.no_grad()
def full_matrix(
    reader: HeadReader, rows: Float[Tensor, "neurons dim"], k: int
) -> Int[Tensor, "two neurons k"]:
    """All scores at once, then the best of both signs."""
    scores = reader(rows)
    return torch.stack([scores.topk(k).indices, (-scores).topk(k).indices])


@torch.no_grad()
def neuron_by_neuron(reader: HeadReader, rows: Float[Tensor, "neurons dim"], k: int) -> list[list[int]]:
    """A loop over neurons, each with the softmax over the whole vocabulary: how the paper's text reads."""
    return [(reader.weight @ row).softmax(0).topk(k).indices.tolist() for row in rows]


@torch.no_grad()
def seconds_of_shapes(layers: int, neurons: int, width: int, vocabulary: int, *, device: str) -> float:
    """Seconds to map random weights, layer by layer, in bfloat16 on a GPU and in float32 elsewhere.

    Args:
        layers, neurons, width, vocabulary: of the model.
        device: where it lies.
    """
    gpu = device.startswith("cuda")
    dtype = torch.bfloat16 if gpu else torch.float32
    generator = torch.Generator(device).manual_seed(0)
    make: Any = {"device": device, "dtype": dtype, "generator": generator}
    reader = HeadReader(torch.randn(vocabulary, width, **make))
    rows = torch.randn(neurons, width, **make)
    scan(reader, [rows[:32]], 1, dtype=dtype)
    if gpu:
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    # The same rows again and again: other numbers would take as long, and 8B of them more memory.
    scan(reader, [rows] * layers, 8, dtype=dtype)
    if gpu:
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
