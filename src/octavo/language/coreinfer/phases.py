"""The two phases of a generation: the prompt is read by the whole model, what follows by the core."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.language.coreinfer.blocks import Block
from octavo.language.coreinfer.neurons import Tally
from octavo.language.coreinfer.offload import Offload
from octavo.language.coreinfer.slicing import Slices
from octavo.language.coreinfer.watching import add, watching

Chosen = tuple[Mapping[int, Int[Tensor, "rows core"]], Mapping[int, Float[Tensor, "rows neurons"]] | None]


class Phases:
    """Follows the forward passes of a model and puts the core in its place when the prompt has been read.

    Which phase it is follows from the length of the cache, so chunked prefill, sampling, assisted decoding
    and a second generation from the same prompt need nothing special.

    Args:
        model: in evaluation mode.
        blocks: those that are sliced.
        prompt: the ids, padded on the left.
        counted: the tokens that the tally counts.
        tally: makes an empty tally.
        choose: makes the cores and mean activations of full tallies.
        free_dense: put the whole weights away while the core is at work.
        instead: as in `Slices`.
    """

    def __init__(
        self,
        model: nn.Module,
        blocks: Sequence[Block],
        prompt: Int[Tensor, "batch time"],
        counted: Bool[Tensor, "batch time"],
        tally: Callable[[], Tally],
        choose: Callable[[Mapping[int, Tally]], Chosen],
        *,
        free_dense: bool = False,
        instead: Slices | None = None,
    ) -> None:
        self.model, self.blocks, self.prompt, self.counted = model, blocks, prompt, counted
        self.tally, self.choose, self.free_dense = tally, choose, free_dense
        self.tallies: dict[int, Tally] = {}
        self.cores: Mapping[int, Tensor] = {}
        self.slices: Slices | None = None
        self._instead = instead
        self.seen = 0
        self._reading, self._away = ExitStack(), ExitStack()
        self._names = list(inspect.signature(model.forward).parameters)

    def __enter__(self) -> "Phases":
        self._handle = self.model.register_forward_pre_hook(self._before, with_kwargs=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.remove()
        self._reading.close()
        self._put_back()

    def _before(self, _: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        given = dict(zip(self._names, args, strict=False)) | named
        ids, cache = given.get("input_ids"), given.get("past_key_values")
        if ids is None:
            raise ValueError("the core is chosen from tokens: give input_ids, not inputs_embeds")
        if given.get("use_cache") is False:
            raise ValueError("without a cache the prompt is read again at every token; leave use_cache on")
        past = 0 if cache is None else int(cache.get_seq_length())
        if past == 0:
            self._begin()
        elif past > self.seen or (past != self.seen and past < self.prompt.shape[1]):
            raise ValueError(
                f"the cache holds {past} tokens, and {self.seen} were read here; it is of another prompt, "
                "whose core is not known: start without past_key_values"
            )
        if past < self.prompt.shape[1]:
            self._read(ids, past)
        elif not (self.slices and self.slices.active):
            self._decode()
        self.seen = past + ids.shape[1]

    def _begin(self) -> None:
        self._put_back()
        self._reading.close()
        self._instead = self.slices or self._instead
        self.slices, self.seen = None, 0
        self.tallies = {block.layer: self.tally() for block in self.blocks}
        self._reading.enter_context(watching(self.blocks, self._see))

    def _read(self, ids: Tensor, past: int) -> None:
        copies, left = divmod(len(ids), len(self.prompt))
        expected = self.prompt[:, past : past + ids.shape[1]]
        same = not left and torch.equal(
            ids[:, : expected.shape[1]], expected.repeat_interleave(copies, 0).to(ids.device)
        )
        if not same:
            raise ValueError(
                "the model reads another prompt than the one whose core it was opened for; call "
                "CoreInfer.generate or CoreInfer.prompt again for each prompt"
            )
        # What an assistant has guessed beyond the prompt is read with it, and does not count.
        counted = self.counted[:, past : past + ids.shape[1]]
        counted = nn.functional.pad(counted, (0, ids.shape[1] - counted.shape[1]))
        self._counted_now = counted.repeat_interleave(copies, 0).to(ids.device)

    def _see(self, block: Block, activations: Tensor) -> None:
        add(self.tallies, block, activations, self._counted_now)

    def _decode(self) -> None:
        self._reading.close()
        if self.slices is None:
            self.cores, means = self.choose(self.tallies)
            self.slices = Slices(self.blocks, self.cores, means, self._instead)
        self.slices.install()
        if self.free_dense:
            self._away.enter_context(Offload(swap.whole for swap in self.slices.swaps))

    def _put_back(self) -> None:
        self._away.close()
        if self.slices is not None:
            self.slices.remove()
