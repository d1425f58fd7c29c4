"""The map and its peers in one process, in turn: `python benchmarks/interpretability/lm_head_neurons.py`."""

import subprocess
import sys

import torch

from octavo import data
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards
from octavo.interpretability.lm_head_neurons.peers import bare_product, full_matrix, neuron_by_neuron
from octavo.interpretability.lm_head_neurons.reader import HeadReader
from octavo.interpretability.lm_head_neurons.scan import scan
from octavo.lab import time_side_by_side

# Peak memory is of a whole process, so the map of all layers gets one of its own.
MEMORY = """
import resource, torch
from octavo import data
from octavo.interpretability import NeuronMap
torch.set_num_threads(1)
loaded = data.load("smollm2")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
NeuronMap.build(loaded.model, loaded.tokenizer, source={source!r}, layers={layers})
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


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
    for source, layers in (("up", [26, 27, 28, 29]), (("up", "gate", "down"), [28, 29])):
        code = MEMORY.format(source=source, layers=layers)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        print(f"extra memory of {source} in {len(layers)} layers: {float(done.stdout):.0f} MiB")


if __name__ == "__main__":
    main()
