"""Time and bytes: C5 and C6."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo.lab import Lab, part
from octavo.language.coreinfer.blocks import Block, blocks_of
from octavo.language.coreinfer.neurons import Tally, core_size, sentence_core
from octavo.language.coreinfer.parts import texts
from octavo.language.coreinfer.peers import changed, masks_of
from octavo.language.coreinfer.scales import Config
from octavo.language.coreinfer.slicing import Slices
from octavo.language.coreinfer.timing import Decoding, allocated, bound, first_neurons
from octavo.language.coreinfer.watching import watching


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@part(seeds=1, timed=True, data=("smollm2",))
def decode(config: Config, lab: Lab) -> None:
    """A token of the whole model, sliced, and masked, in turn, with one thread and with two."""
    model, _ = texts.load_model(config, lab.device)
    blocks = blocks_of(model)
    middle = blocks_of(model, texts.sliced_layers(config))
    decoding = Decoding(model, config.prompt)
    slices = {keep: first_neurons(blocks, keep) for keep in config.keeps}
    some = first_neurons(middle, 0.4)
    cores = {
        block.layer: torch.arange(core_size(block.neurons, 0.4), device=lab.device)[None] for block in blocks
    }

    masks = masks_of(blocks, cores)

    def step_masked() -> None:
        with changed(blocks, masks):
            decoding.step()

    steps: dict[str, Callable[[], object]] = {"dense": decoding.step, "masked": step_masked}
    steps |= {f"core {keep:g}": decoding.with_slices(sliced) for keep, sliced in slices.items()}
    steps["middle"] = decoding.with_slices(some)
    for count, dataset in ((1, "decode"), (2, "decode_two_threads")):
        with threads(count):
            timings = lab.time(steps, repeats=config.rounds)
        dense = np.array(timings.seconds["dense"])
        lab.record(
            system="dense", dataset=dataset, metric="seconds", value=np.median(dense), unit="s", items=dense
        )
        arms: list[tuple[str, float, Slices | None, str]] = [
            *(("core", keep, sliced, f"core {keep:g}") for keep, sliced in slices.items()),
            ("middle_layers", 0.4, some, "middle"),
            ("masked", 0.4, None, "masked"),
        ]
        for system, keep, sliced, name in arms:
            at, took = {"keep": keep}, np.array(timings.seconds[name])
            gain = dense / took
            record = partial(lab.record, system=system, dataset=dataset, at=at)
            record(metric="seconds", value=np.median(took), unit="s", items=took)
            record(metric="speedup", value=np.median(gain), items=gain)
            if sliced is not None:
                most = bound(model, sliced)
                record(metric="bound", value=most)
                share = gain / most
                record(metric="share_of_bound", value=np.median(share), items=share)
                record(metric="bytes", value=sliced.nbytes, unit="bytes")
    with slices[config.keeps[0]].installed():
        sliced_step = allocated(decoding.step)
    extra = max(0, sliced_step - allocated(decoding.step))
    lab.record(system="core", dataset="decode", metric="extra_bytes", value=extra, unit="bytes")


@part(seeds=1, timed=True, data=("smollm2",))
def choosing(config: Config, lab: Lab) -> None:
    """Reading a prompt, counting and sorting its neurons, and gathering their weights."""
    model, _ = texts.load_model(config, lab.device)
    blocks = blocks_of(model)
    generator = lab.generator("prompt")
    ids = torch.randint(2, model.config.vocab_size, (1, config.prompt), generator=generator).to(lab.device)
    counted = torch.ones_like(ids, dtype=torch.bool)
    seen: list[tuple[Block, Tensor]] = []
    with torch.no_grad(), watching(blocks, lambda block, hidden: seen.append((block, hidden))):
        model(ids, logits_to_keep=1)

    def prefill() -> None:
        with torch.no_grad():
            model(ids, logits_to_keep=1)

    def choose(rule: str) -> dict[int, Tensor]:
        cores = {}
        for block, hidden in seen:
            tally = Tally(rule, config.token_share)
            tally.add(hidden, counted)
            norms = block.down_norms() if rule == "energy" else None
            cores[block.layer] = sentence_core(tally.scores(norms), core_size(block.neurons, 0.4))
        return cores

    chosen = choose("abs")
    means = {block.layer: hidden.mean(1) for block, hidden in seen}
    steps: dict[str, Callable[[], Any]] = {
        "prefill": prefill,
        "choosing": lambda: choose("abs"),
        "choosing_paper": lambda: choose("paper"),
        "choosing_energy": lambda: choose("energy"),
        "gathering": lambda: Slices(blocks, chosen, means),
    }
    timings = lab.time(steps, repeats=max(2, config.rounds // 2))
    whole = np.array(timings.seconds["prefill"])
    dataset = "prompt_192"
    for system in steps:
        took = np.array(timings.seconds[system])
        lab.record(
            system=system, dataset=dataset, metric="seconds", value=np.median(took), unit="s", items=took
        )
        if system != "prefill":
            share = took / whole
            lab.record(
                system=system,
                dataset=dataset,
                metric="share_of_prefill",
                value=np.median(share),
                items=share,
            )
