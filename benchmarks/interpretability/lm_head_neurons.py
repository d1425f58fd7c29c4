"""The map and its peers in one process, in turn: `python benchmarks/interpretability/lm_head_neurons.py`."""

import gc
import threading
from collections.abc import Callable
from functools import partial

import psutil
import torch

from octavo import data
from octavo.interpretability import NeuronMap
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards
from octavo.interpretability.lm_head_neurons.peers import bare_product, full_matrix, neuron_by_neuron
from octavo.interpretability.lm_head_neurons.reader import HeadReader
from octavo.interpretability.lm_head_neurons.scan import scan
from octavo.lab import time_side_by_side


def extra_memory(build: Callable[[], object]) -> float:
    """MiB that the process holds at most while something is built, beyond what it held before.

    The process's own record of its peak would not do: loading a model needs more than reading it.
    """
    process, done, highest = psutil.Process(), threading.Event(), [0]

    def watch() -> None:
        while not done.wait(0.005):
            highest[0] = max(highest[0], process.memory_info().rss)

    gc.collect()
    before = process.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        build()
    finally:
        done.set()
        watcher.join()
    return (highest[0] - before) / 2**20


def main(looped: int = 32, rounds: int = 7) -> None:
    """Prints ratios to the peers on the last layer of SmolLM2, and the memory of a map.

    Args:
        looped: neurons that the one-by-one peer reads; its time is scaled to the layer.
        rounds: that count.
    """
    torch.set_num_threads(1)
    loaded = data.load("smollm2")
    reader = HeadReader.of_model(loaded.model, loaded.tokenizer)
    rows = feed_forwards(loaded.model)[-1].rows("up")
    timings = time_side_by_side(
        {
            "map": lambda: scan(reader, [rows], 8),
            "bare product": lambda: bare_product(reader, rows),
            "full matrix": lambda: full_matrix(reader, rows, 8),
            "one by one": lambda: neuron_by_neuron(reader, rows[:looped], 8),
        },
        repeats=rounds,
        warmup=1,
    )
    print(f"{len(rows)} neurons, {len(reader.ids):,} tokens, one thread, medians of {rounds} rounds")
    for name in ("bare product", "full matrix", "one by one"):
        ratio, scale = timings.ratio(name, "map"), len(rows) / looped if name == "one by one" else 1
        print(
            f"{name:>13}: {timings.median(name) * scale:7.2f} s, "
            f"{ratio.value * scale:.2f} [{ratio.low * scale:.2f}, {ratio.high * scale:.2f}] times the map's"
        )
    print(f"{'map':>13}: {timings.median('map'):7.2f} s")
    for name, sources, layers in (
        ("up", ("up",), (26, 27, 28, 29)),
        ("all three", ("up", "gate", "down"), (29,)),
    ):
        build = partial(
            NeuronMap.build,
            loaded.model,
            loaded.tokenizer,
            source=sources,
            layers=layers,
            null=1000,
            block=8192,
        )
        print(f"extra memory, {name} of {len(layers)} layers, blocks of 8,192: {extra_memory(build):.0f} MiB")


if __name__ == "__main__":
    main()
