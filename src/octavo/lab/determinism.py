"""How repeatable a training is, switched on and said."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

LEVELS = {
    "D0": "seeded only",
    "D1": "bit-equal on the same machine with the same threads",
    "D2": "unchanged by interruption, evaluation and the number of workers",
    "D3": "the same order of samples for any number of processes",
}


def levels(device: str | torch.device = "cpu") -> str:
    """Which levels a training on this device reaches under torch's present settings.

    The order of samples and the randomness of steps are functions of keys, so D2 and D3 always hold. D1
    holds on the CPU, and on a GPU inside `deterministic()`.

    Example:
        >>> levels("cpu")
        'D1+D2+D3'
    """
    on_cpu = torch.device(device).type == "cpu"
    exact = on_cpu or (
        torch.are_deterministic_algorithms_enabled()
        and not torch.is_deterministic_algorithms_warn_only_enabled()
        and not torch.backends.cudnn.benchmark
    )
    return "D1+D2+D3" if exact else "D2+D3"


def settings() -> dict[str, str | int | bool]:
    """What besides the seed decides the last bits of a number, for its provenance."""
    return {
        "threads": torch.get_num_threads(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "float32_matmul": torch.get_float32_matmul_precision(),
        "cublas_workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ""),
    }


@contextmanager
def deterministic() -> Iterator[None]:
    """Inside, an operation whose result may differ from run to run on a GPU is an error.

    CUDA reads `CUBLAS_WORKSPACE_CONFIG` once, when it starts: enter this before anything is put on a GPU.
    """
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark
