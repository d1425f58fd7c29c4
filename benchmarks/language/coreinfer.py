"""Decoding with a core and its peers in one process, in turn: `python benchmarks/language/coreinfer.py`."""

from typing import Any

import torch

from octavo import data
from octavo.lab import time_side_by_side
from octavo.language import CoreInfer, fit_clusters
from octavo.language.coreinfer.blocks import blocks_of
from octavo.language.coreinfer.continuation import static_cores
from octavo.language.coreinfer.neurons import core_size, sentence_core
from octavo.language.coreinfer.offload import Offload
from octavo.language.coreinfer.peers import changed, masks_of
from octavo.language.coreinfer.slicing import Slices
from octavo.language.coreinfer.timing import Clock, Decoding, bound
from octavo.language.coreinfer.watching import read, tallies_of

TEXT = "The old house stood at the end of the road, and nobody had lived in it for years. " * 10


def main(keep: float = 0.4, rounds: int = 15, threads: int = 1) -> None:
    """Prints the times of a decoded token of SmolLM2, and what choosing and gathering take.

    Args:
        keep: the share of neurons.
        rounds: that count.
        threads: of torch.
    """
    torch.set_num_threads(threads)
    loaded = data.load("smollm2")
    model, blocks = loaded.model, blocks_of(loaded.model)
    ids = torch.tensor([loaded.tokenizer(TEXT).input_ids[:192]])

    def choose() -> dict[int, torch.Tensor]:
        tallies = tallies_of(model, blocks, ids)
        return {b.layer: sentence_core(tallies[b.layer].scores(), core_size(b.neurons, keep)) for b in blocks}

    cores = choose()
    words = [torch.tensor(loaded.tokenizer(TEXT).input_ids[start : start + 48]) for start in (0, 50, 100)]
    pruned = Slices(blocks, static_cores(fit_clusters(model, words, k=1), blocks, keep)[0])
    sliced, before, masks = Slices(blocks, cores), Slices(blocks, cores), masks_of(blocks, cores)
    some = [block for block in blocks if 6 <= block.layer <= 26]
    middle = Slices(some, cores)
    decoding = Decoding(model, 192)

    def masked_step() -> None:
        with changed(blocks, masks):
            decoding.step()

    timings = time_side_by_side(
        {
            "dense": decoding.step,
            "masked": masked_step,
            "pruned": decoding.with_slices(pruned),
            "core": decoding.with_slices(sliced),
            "core, layers 6 to 26": decoding.with_slices(middle),
        },
        repeats=rounds,
    )
    most = {"masked": 1.0, "pruned": bound(model, pruned), "core": bound(model, sliced)}
    most["core, layers 6 to 26"] = bound(model, middle)
    print(f"keep {keep:g}, {threads} thread(s), medians of {rounds} rounds")
    print(f"{'dense':>21}: {1e3 * timings.median('dense'):6.1f} ms")
    for name, limit in most.items():
        ratio = timings.ratio("dense", name)
        print(
            f"{name:>21}: {1e3 * timings.median(name):6.1f} ms, {ratio.value:.2f} "
            f"[{ratio.low:.2f}, {ratio.high:.2f}] times faster, {ratio.value / limit:.0%} of {limit:.2f}"
        )
    infer = CoreInfer(model, keep, layers="all")
    new: dict[str, Any] = {"max_new_tokens": 24, "min_new_tokens": 24, "do_sample": False}
    ways: dict[str, Any] = {"generate, dense": model.generate, "generate, core": infer.generate}
    clocks: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(max(3, rounds // 5)):
        for name, generate in ways.items():
            clock = Clock()
            generate(ids, attention_mask=torch.ones_like(ids), streamer=clock, **new)
            clocks[name].append(clock.milliseconds())
    for name, milliseconds in clocks.items():
        print(f"{name:>21}: {sorted(milliseconds)[len(milliseconds) // 2]:6.1f} ms a token")
    means = {b.layer: torch.zeros(1, b.neurons) for b in blocks}
    once = time_side_by_side(
        {
            "prompt": lambda: read(model, ids),
            "prompt, counted": choose,
            "gathering, first time": lambda: Slices(blocks, cores, means),
            "gathering again": lambda: Slices(blocks, cores, None, before),
            "gathering, with means": lambda: Slices(blocks, cores, means, before),
        },
        repeats=max(3, rounds // 2),
        warmup=1,
    )
    for name in once.seconds:
        print(f"{name:>21}: {1e3 * once.median(name):6.1f} ms a prompt")
    print(f"{'weights':>21}: {sliced.nbytes / 2**20:.0f} MiB of the core", end="")
    with Offload(swap.whole for swap in sliced.swaps) as away:
        print(f" in the place of {away.nbytes / 2**20:.0f} MiB, which free_dense=True puts away")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
