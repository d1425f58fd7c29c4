"""Noise on gradients beside its peers: the loop that everybody writes, a tree of draws, and torch's foreach.

    python benchmarks/learning/gradient_noise.py [--device cuda]

Where optax is installed (`pip install octavo[optax]`), its `add_noise` stands beside them, compiled as its
users have it. One process, one thread. Everything of one table runs in turn (A B A B ...), and medians are
compared. On a quiet machine it ends with an error where a target is missed: at 10 million numbers noise may
cost 1.15 times what drawing them costs, no peer may be faster by more than the interval of its ratio, and the
peak of memory may grow by one chunk. On a GPU the time of a draw is that of starting it rather than of the
memory, so the table is printed there and memory alone is judged.
"""

import argparse
import os
import platform
import resource
from collections.abc import Callable, Sequence
from functools import partial

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from octavo.lab import time_side_by_side
from octavo.learning import GradientNoise, MLPDeep, add_gradient_noise_
from octavo.learning.gradient_noise import timing
from octavo.learning.gradient_noise.drawing import CHUNK

STD, ETA = 0.1, 0.01
TARGET = 1.15
PEERS = ("usual", "tree", "foreach", "optax")
# As much as 4 million numbers take.
MOST_MIB = 16
# A network of many small tensors, and 10 million numbers as the layers of a language model have them.
LARGE = "10 million"
MODELS = {
    "20 layers of 50": [(50, 784), *[(50, 50)] * 19, (10, 50), *[(50,)] * 20, (10,)],
    LARGE: [(2560, 640), (640, 2560), *[(640, 640)] * 16, (340, 640), *[(640,)] * 32],
}


def usual_loop(params: Sequence[Tensor]) -> None:
    """What users write."""
    for param in params:
        if param.grad is not None:
            param.grad += torch.randn_like(param.grad) * STD


def tree(params: Sequence[Tensor]) -> None:
    """As optax: a tree of normal numbers, and a new tree of sums."""
    gradients = [param.grad for param in params if param.grad is not None]
    noise = [torch.randn(gradient.shape, device=gradient.device) for gradient in gradients]
    summed = [gradient + STD * each for gradient, each in zip(gradients, noise, strict=True)]
    for param, gradient in zip(params, summed, strict=True):
        param.grad = gradient


def foreach(params: Sequence[Tensor]) -> None:
    """A draw a tensor, added by one call."""
    gradients = [param.grad for param in params if param.grad is not None]
    torch._foreach_add_(gradients, [torch.randn_like(gradient) for gradient in gradients], alpha=STD)


def optax_noise(params: Sequence[Tensor]) -> Callable[[], object] | None:
    """optax's own `add_noise` on as many gradients of JAX's; None where it is not installed."""
    try:
        import jax
        import optax
    except ImportError:
        return None
    gradients = [jax.numpy.zeros(tuple(param.shape)) for param in params]
    transformation = optax.add_noise(ETA, 0.55, 0)
    update = jax.jit(lambda gradients, state: transformation.update(gradients, state))
    state = transformation.init(gradients)
    return lambda: jax.block_until_ready(update(gradients, state))


def repeat(times: int, run: Callable[[], object]) -> None:
    """Call a function so often that the clock can tell."""
    for _ in range(times):
        run()


def main(device: str) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    on_cpu = torch.device(device).type == "cpu"
    # As torch, so that JAX does not use all cores for one draw.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    console = Console(width=120)
    machine = platform.processor() or platform.machine() if on_cpu else torch.cuda.get_device_name(device)
    console.print(f"{machine}, torch {torch.__version__}, one thread")
    # First, since a peak that the table reached would hide it.
    missed, busy = memory(console, device), False
    table = Table(
        title="noise on all gradients: milliseconds, and the ratio to drawing as many normal numbers"
    )
    for column in (
        "gradients",
        "numbers",
        "draw alone",
        "octavo",
        "function",
        "usual loop",
        "tree",
        "foreach",
        "optax",
        "octavo / draw",
        "usual / octavo",
    ):
        table.add_column(column, justify="right")
    for name, shapes in MODELS.items():
        params = [torch.nn.Parameter(torch.zeros(shape, device=device)) for shape in shapes]
        for param in params:
            param.grad = torch.zeros_like(param)
        count = sum(param.numel() for param in params)
        buffer, generator = torch.empty(count, device=device), torch.Generator(device).manual_seed(0)
        # What a step of any optimizer does first, and the same for loops that are written by hand.
        optimizer = torch.optim.SGD(params, lr=0.0)
        hook = partial(GradientNoise(optimizer, ETA, generator=generator)._before_step, optimizer, (), {})
        inner = max(1, 200_000 // count) if on_cpu else 20
        peer = optax_noise(params) if on_cpu else None
        timings = time_side_by_side(
            {
                "draw": partial(repeat, inner, partial(buffer.normal_, generator=generator)),
                "octavo": partial(repeat, inner, hook),
                "function": partial(
                    repeat, inner, partial(add_gradient_noise_, params, 0, ETA, generator=generator)
                ),
                "usual": partial(repeat, inner, partial(usual_loop, params)),
                "tree": partial(repeat, inner, partial(tree, params)),
                "foreach": partial(repeat, inner, partial(foreach, params)),
                **({} if peer is None else {"optax": partial(repeat, inner, peer)}),
            },
            repeats=9,
            device=device,
        )
        ratios = timings.ratio("octavo", "draw"), timings.ratio("usual", "octavo")
        table.add_row(
            name,
            f"{count:,}",
            *(
                f"{1e3 * timings.median(each) / inner:.2f}" if each in timings.seconds else "-"
                for each in ("draw", "octavo", "function", "usual", "tree", "foreach", "optax")
            ),
            *(f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" for ratio in ratios),
        )
        if timings.busy:
            busy = True
        elif name == LARGE and on_cpu:
            missed += [
                f"{each} takes {timings.median(each) / timings.median('octavo'):.2f} times as long as octavo"
                for each in PEERS
                if each in timings.seconds and timings.ratio(each, "octavo").high < 1
            ]
            if ratios[0].value > TARGET:
                missed.append(f"octavo / draw is {ratios[0].value:.2f}, and the target {TARGET}")
    console.print(table)
    overhead(console, device)
    if missed:
        raise SystemExit("missed: " + "; ".join(missed))
    if not on_cpu:
        console.print("one chunk of memory: met; no time was judged on a GPU")
    elif busy:
        console.print(
            "the machine is busy: these times are not to be trusted, and no target was judged by them"
        )
    else:
        console.print(f"octavo / draw <= {TARGET} at {LARGE}, no peer faster, one chunk of memory: all met")


def overhead(console: Console, device: str) -> None:
    """What the noise adds to a whole training step of the network of twenty layers."""
    images, labels = torch.rand(50, 784, device=device), torch.randint(10, (50,), device=device)
    steps = timing.steps(
        lambda: MLPDeep(784, width=50, depth=20).to(device),
        lambda model: torch.nn.functional.cross_entropy(model(images), labels),
        torch.optim.SGD,
        50,
    )
    timings = time_side_by_side(steps, repeats=9, device=device)
    table = Table(
        title="a training step of 20 layers of 50, batch 50: milliseconds, and the ratio to the bare step"
    )
    for name in ("system", "milliseconds", "ratio"):
        table.add_column(name, justify="right")
    for name in steps:
        ratio = timings.ratio(name, "none")
        table.add_row(
            name,
            f"{1e3 * timings.median(name) / 50:.2f}",
            f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]",
        )
    console.print(table)


def memory(console: Console, device: str) -> list[str]:
    """Extra memory: one chunk, whatever the model's size."""
    params = [torch.nn.Parameter(torch.zeros(10_000_000, device=device)) for _ in range(4)]
    for param in params:
        param.grad = torch.zeros_like(param)
    if torch.device(device).type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        add_gradient_noise_(params, 0, ETA)
        grown = (torch.cuda.max_memory_allocated(device) - before) / 2**20
    else:
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        add_gradient_noise_(params, 0, ETA)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident) / 1024
    console.print(
        f"memory grows by {grown:.0f} MiB for 40 million gradients, 153 MiB; a chunk is {CHUNK >> 18} MiB"
    )
    return [f"memory grew by {grown:.0f} MiB, and may by {MOST_MIB}"] if grown > MOST_MIB else []


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu", help="as torch names it, such as cuda")
    main(parser.parse_args().device)
