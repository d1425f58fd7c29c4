"""The system and its peer in one process, in turn: `python benchmarks/language/coreinfer.py`."""

import torch
from torch import nn

from octavo.lab import time_side_by_side
from octavo.language.coreinfer import Coreinfer


def main(length: int = 1024, width: int = 64) -> None:
    """Prints how long a forward pass takes beside its peer; the peer is to be written."""
    x = torch.randn(2, length, width)
    system, peer = Coreinfer(width), nn.Linear(width, width)
    timings = time_side_by_side({"coreinfer": lambda: system(x), "peer": lambda: peer(x)})
    ratio = timings.ratio("coreinfer", "peer")
    for name in timings.seconds:
        print(f"{name:<24} {1000 * timings.median(name):8.3f} ms")
    print(f"coreinfer takes {ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] times as long")


if __name__ == "__main__":
    main()
