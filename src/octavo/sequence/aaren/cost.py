"""What a stream costs: seconds and bytes after every doubling of its length."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from octavo.sequence.aaren.encoder import AarenEncoder, EncoderState


@dataclass
class Cost:
    """Costs of one stream, at 1, 2, 4, ... tokens.

    Args:
        tokens: how many so far.
        seconds: that they took together; on one thread of a CPU the processor's own, else by the clock.
        bytes: of the state after them.
    """

    tokens: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    def slope(self, octaves: int = 3) -> float:
        """Exponent of the tokens in the seconds, fitted on a log-log scale to the last octaves.

        Example:
            >>> Cost([1, 2, 4, 8], [1.0, 4.0, 16.0, 64.0], [1, 1, 1, 1]).slope()
            2.0
        """
        x = torch.tensor(self.tokens[-octaves - 1 :], dtype=torch.float64).log2()
        y = torch.tensor(self.seconds[-octaves - 1 :], dtype=torch.float64).log2()
        x, y = x - x.mean(), y - y.mean()
        return round(float((x * y).sum() / (x * x).sum()), 12)


def state_bytes(state: EncoderState) -> int:
    """Bytes of what the layers remember; the position counter, the same for all, is left out."""
    return sum(layer.nbytes for layer in state.layers)


@torch.no_grad()
def stream(
    encoders: Mapping[str, AarenEncoder], tokens: Sequence[Tensor], warm_up: int = 64
) -> dict[str, Cost]:
    """Feeds the same tokens to each encoder, octave by octave in turn: a busy moment hits all.

    Args:
        encoders: by name, in evaluation mode.
        tokens: each ``(batch, d_model)``; a power of two of them.
        warm_up: tokens fed beforehand and forgotten.
    """
    device = tokens[0].device
    # What else the machine does would bend the slope of whoever it hits; the processor's time is ours alone.
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    states, costs, spent = {}, {}, dict.fromkeys(encoders, 0.0)
    for name, encoder in encoders.items():
        state = encoder.init_state(tokens[0].shape[0])
        for token in tokens[:warm_up]:
            _, state = encoder.step(token, state)
        states[name], costs[name] = encoder.init_state(tokens[0].shape[0]), Cost()
    start, stop = 0, 1
    while stop <= len(tokens):
        for name, encoder in encoders.items():
            state = states[name]
            _wait(device)
            begin = clock()
            for token in tokens[start:stop]:
                _, state = encoder.step(token, state)
            _wait(device)
            spent[name] += clock() - begin
            states[name] = state
            costs[name].tokens.append(stop)
            costs[name].seconds.append(spent[name])
            costs[name].bytes.append(state_bytes(state))
        start, stop = stop, 2 * stop
    return costs


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
