"""Aaren beside its peers: parallel attention, other scans, recurrent networks, and a streaming transformer.

    python benchmarks/sequence/aaren.py

One process, one thread. Everything of one table runs in turn (A B C A B C ...), and medians are compared.
"""

import platform
from collections.abc import Callable

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch._higher_order_ops.associative_scan import associative_scan

from octavo.lab import time_side_by_side
from octavo.sequence import AarenEncoder, prefix_attention
from octavo.sequence.aaren.cost import stream

BATCH, HEADS, HEAD_DIM = 2, 4, 32
LENGTHS = (128, 1024, 4096)
TARGETS = {128: 1 / 1.2, 1024: 3.0, 4096: 8.0}
STREAM_TOKENS, STREAM_WIDTH, STREAM_LAYERS, STREAM_TARGET = 4096, 128, 4, 2.0


def attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The transformer's: one query a position."""
    return F.scaled_dot_product_attention(queries, keys, values, is_causal=True)


def generic_scan(scores: Tensor, values: Tensor) -> Tensor:
    """The same scan by the operator that torch brings."""

    def combine(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        m = torch.maximum(a[0], b[0])
        fade_a, fade_b = (a[0] - m).exp(), (b[0] - m).exp()
        return (
            m,
            a[1] * fade_a + b[1] * fade_b,
            a[2] * fade_a[..., None] + b[2] * fade_b[..., None],
        )

    leaves = (scores, torch.ones_like(scores), values)
    _, u, w = associative_scan(combine, leaves, dim=2, combine_mode="generic")
    return w / u[..., None]


def with_gradients(run: Callable[..., Tensor], *inputs: Tensor) -> Callable[[], None]:
    """Forward and backward of a function of leaves."""
    leaves = [each.clone().requires_grad_() for each in inputs]

    def both() -> None:
        for leaf in leaves:
            leaf.grad = None
        run(*leaves).sum().backward()

    return both


def parallel(console: Console) -> None:
    """Training: forward and backward over whole sequences."""
    table = Table(title=f"forward + backward, batch {BATCH}, {HEADS} heads of {HEAD_DIM}: milliseconds")
    for column in (
        "tokens",
        "aaren",
        "attention",
        "hillis-steele",
        "torch scan",
        "GRU",
        "LSTM",
        "ratio",
        "target",
    ):
        table.add_column(column, justify="right")
    width = HEADS * HEAD_DIM
    gru, lstm = nn.GRU(width, width, batch_first=True), nn.LSTM(width, width, batch_first=True)
    for length in LENGTHS:
        scores = torch.randn(BATCH, HEADS, length)
        queries, keys, values = (torch.randn(BATCH, HEADS, length, HEAD_DIM) for _ in range(3))
        tokens = torch.randn(BATCH, length, width)
        # A pair of its own: whoever follows a recurrent network finds the caches emptied by it.
        pair = time_side_by_side(
            {
                "aaren": with_gradients(lambda s, v: prefix_attention(s, v)[0], scores, values),
                "attention": with_gradients(attention, queries, keys, values),
            },
            repeats=9 if length > 128 else 51,
            warmup=2,
        )
        others = time_side_by_side(
            {
                "hillis-steele": with_gradients(
                    lambda s, v: prefix_attention(s, v, method="hillis_steele")[0], scores, values
                ),
                "torch scan": with_gradients(generic_scan, scores, values),
                "GRU": with_gradients(lambda x: gru(x)[0], tokens),
                "LSTM": with_gradients(lambda x: lstm(x)[0], tokens),
            },
            repeats=9,
            warmup=2,
        )
        ratio = pair.ratio("attention", "aaren")
        medians = [timings.median(name) for timings in (pair, others) for name in timings.seconds]
        table.add_row(
            str(length),
            *(f"{1e3 * median:.1f}" for median in medians),
            f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]",
            f">= {TARGETS[length]:.2f}",
        )
        if pair.busy:
            console.print("the machine is busy: these times are not to be trusted")
    console.print(table)
    console.print(
        "ratio: attention / aaren; the recurrent networks also map their inputs, which the others do not"
    )


def streaming(console: Console) -> None:
    """One token at a time through a whole encoder."""
    encoders = {
        name: AarenEncoder(STREAM_WIDTH, STREAM_LAYERS, HEADS, mixer=mixer).eval()
        for name, mixer in (
            ("aaren", "aaren"),
            ("aaren, compiled", "aaren"),
            ("transformer with cache", "attention"),
            ("LSTM", "lstm"),
        )
    }
    # The transformer stays as it is: torch 2.13 fails to compile a cache that grows, and with the cache left
    # out of the compiled part its step is slower than before.
    compiled = encoders["aaren, compiled"]
    compiled.step = torch.compile(compiled.step)
    costs = stream(encoders, list(torch.randn(STREAM_TOKENS, 1, STREAM_WIDTH)))
    table = Table(title=f"stream, d = {STREAM_WIDTH}, {STREAM_LAYERS} layers, batch 1: cumulative seconds")
    table.add_column("tokens", justify="right")
    for name in encoders:
        table.add_column(name, justify="right")
    for row, tokens in enumerate(costs["aaren"].tokens):
        if tokens >= 512:
            table.add_row(str(tokens), *(f"{costs[name].seconds[row]:.2f}" for name in encoders))
    table.add_row("bytes of state", *(f"{costs[name].bytes[-1]:,}" for name in encoders))
    console.print(table)
    for name in ("aaren", "aaren, compiled"):
        ratio = costs["transformer with cache"].seconds[-1] / costs[name].seconds[-1]
        console.print(
            f"transformer / {name} at {STREAM_TOKENS} tokens: {ratio:.2f} (target >= {STREAM_TARGET})"
        )


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    console = Console(width=120)
    console.print(
        f"torch {torch.__version__}, {platform.machine()}, one thread, float32, medians of 9 or more in turn"
    )
    parallel(console)
    streaming(console)


if __name__ == "__main__":
    main()
