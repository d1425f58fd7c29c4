"""Time and bytes: C5 and C6."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo.lab import Lab, part
from octavo.language.coreinfer.blocks import Block, blocks_of
from octavo.language.coreinfer.inference import CoreInfer
from octavo.language.coreinfer.neurons import Tally, core_size, sentence_core
from octavo.language.coreinfer.parts import texts
from octavo.language.coreinfer.peers import changed, masks_of
from octavo.language.coreinfer.scales import Config
from octavo.language.coreinfer.slicing import Slices
from octavo.language.coreinfer.timing import Clock, Decoding, allocated, bound, first_neurons
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
    generation(config, lab, model)
    with slices[config.keeps[0]].installed():
        sliced_step = allocated(decoding.step)
    extra = max(0, sliced_step - allocated(decoding.step))
    lab.record(system="core", dataset="decode", metric="extra_bytes", value=extra, unit="bytes")


def generation(config: Config, lab: Lab, model: Any) -> None:
    """A token of transformers' `generate` and of `CoreInfer`'s in all layers, in turn, on one thread."""
    ids = torch.arange(config.prompt, device=lab.device)[None] % model.config.vocab_size
    mask = torch.ones_like(ids)
    new = config.continuation // 2
    settings: dict[str, Any] = {"max_new_tokens": new, "min_new_tokens": new, "do_sample": False}
    settings["pad_token_id"] = 0
    infer = CoreInfer(model, 0.4, config.token_share, layers="all")
    took: dict[str, list[float]] = {"dense": [], "core": []}
    with threads(1):
        for _ in range(max(2, config.rounds // 5)):
            for system, generate in (("dense", model.generate), ("core", infer.generate)):
                clock = Clock()
                generate(ids, attention_mask=mask, streamer=clock, **settings)
                took[system].append(clock.milliseconds() / 1e3)
    gain = np.array(took["dense"]) / np.array(took["core"])
    record = partial(lab.record, dataset="generate")
    record(system="dense", metric="seconds", value=np.median(took["dense"]), unit="s", items=took["dense"])
    at = {"keep": 0.4}
    record(
        system="core", metric="seconds", value=np.median(took["core"]), unit="s", at=at, items=took["core"]
    )
    record(system="core", metric="speedup", value=np.median(gain), at=at, items=gain)


@part(seeds=1, timed=True, data=("smollm2",))
def choosing(config: Config, lab: Lab) -> None:
    """Counting and sorting a prompt's neurons while it is read, and gathering their weights."""
    model, _ = texts.load_model(config, lab.device)
    blocks = blocks_of(model)
    generator = lab.generator("prompt")
    ids = torch.randint(2, model.config.vocab_size, (1, config.prompt), generator=generator).to(lab.device)
    reading = {f"choosing{end}": Reading(model, blocks, ids, rule, config) for end, rule in CHOOSING.items()}
    for turn in range(max(2, config.rounds) + 1):
        for system, one in reading.items():
            if system == "choosing" or turn <= max(1, config.rounds // 3):
                one.read()
    for one in reading.values():
        one.forget_first()
    chosen = reading["choosing"].cores
    means = {block.layer: tally.mean() for block, tally in reading["choosing"].tallies.items()}
    before = [Slices(blocks, chosen, filled) for filled in (None, means)]
    timings = lab.time(
        {
            "gathering": lambda: Slices(blocks, chosen, None, before[0]),
            "gathering_with_means": lambda: Slices(blocks, chosen, means, before[1]),
            "gathering_first": lambda: Slices(blocks, chosen, means),
        },
        repeats=max(2, config.rounds),
    )
    whole = np.array(reading["choosing"].prefill)
    took = {system: np.array(one.spent) for system, one in reading.items()}
    took |= {system: np.array(seconds) for system, seconds in timings.seconds.items()} | {"prefill": whole}
    record = partial(lab.record, dataset="prompt_192")
    for system, seconds in took.items():
        record(system=system, metric="seconds", value=np.median(seconds), unit="s", items=seconds)
        if system != "prefill":
            share = seconds / (reading[system].prefill if system in reading else whole)
            record(system=system, metric="share_of_prefill", value=np.median(share), items=share)


CHOOSING = {"": "abs", "_paper": "paper", "_energy": "energy"}


class Reading:
    """Reads a prompt, and adds up what choosing takes of it: while it is read, and at its end.

    Args:
        model, blocks, ids: of one prompt.
        rule: by which it chooses.
        config: of the experiment.
    """

    def __init__(self, model: Any, blocks: Sequence[Block], ids: Tensor, rule: str, config: Config) -> None:
        self.model, self.blocks, self.ids, self.rule, self.config = model, blocks, ids, rule, config
        self.counted = torch.ones_like(ids, dtype=torch.bool)
        self.spent: list[float] = []
        self.prefill: list[float] = []
        self.tallies: dict[Block, Tally] = {}
        self.cores: dict[int, Tensor] = {}

    @torch.no_grad()
    def read(self) -> None:
        """One round."""
        self.tallies = {block: Tally(self.rule, self.config.token_share) for block in self.blocks}
        spent = 0.0

        def see(block: Block, hidden: Tensor) -> None:
            nonlocal spent
            start = self._now()
            self.tallies[block].add(hidden.reshape(*self.counted.shape, -1), self.counted)
            spent += self._now() - start

        begin = self._now()
        with watching(self.blocks, see):
            self.model(self.ids, logits_to_keep=1)
        between = self._now()
        for block, tally in self.tallies.items():
            norms = block.down_norms() if self.rule == "energy" else None
            self.cores[block.layer] = sentence_core(tally.scores(norms), core_size(block.neurons, 0.4))
        self.prefill.append(between - begin - spent)
        self.spent.append(spent + self._now() - between)

    def forget_first(self) -> None:
        """The first round warms up."""
        self.spent, self.prefill = self.spent[1:], self.prefill[1:]

    def _now(self) -> float:
        if self.ids.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()
